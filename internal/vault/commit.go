package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"russet"
	"russet/docs/recovery"
	"russet/internal/drafts"
	"russet/internal/facts"
	"russet/internal/vault/depot"
)

// Commit makes the draft a version. When it fails for another reason than
// damage, what was received stays and the commit is finished when the vault is
// opened next.
func (d *draft) Commit(ctx context.Context) (russet.Backup, error) {
	doing := "finish the backup of " + string(d.note.Device)
	if d.closed {
		return russet.Backup{}, fmt.Errorf("%s: %w", doing, fs.ErrClosed)
	}
	d.tried = true
	b, err := d.commit(ctx)
	d.stopWork()
	clean := err == nil
	if err = errors.Join(err, d.close(clean)); clean {
		// The backup is there; the next start tries again to tidy up.
		if e := errors.Join(err, d.s.leave(ctx, d.note)); e != nil {
			d.s.log.Warn("what a commit left behind could not be removed", "device", d.note.Device, "err", e)
		}
		return b, nil
	}
	return russet.Backup{}, d.s.explain(d.refuse(ctx, err), doing)
}

func (d *draft) commit(ctx context.Context) (russet.Backup, error) {
	if d.upload != nil {
		return russet.Backup{}, errors.New("the upload of a file is not over")
	}
	d.mu.Lock()
	err := d.barrier()
	if err == nil {
		err = d.over.Sync() // the barrier's own record, which the note counts
	}
	if err == nil {
		d.note.Step, d.note.Journal = drafts.Finished, d.over.Length()
		if err = d.saveNote(); err != nil {
			d.note.Step = drafts.Receiving
		}
	}
	d.mu.Unlock()
	if err != nil {
		return russet.Backup{}, err
	}
	return d.complete(ctx)
}

// complete takes a draft from "the device finished" to a version, or on from
// where a crash interrupted that: every step can be taken again.
func (d *draft) complete(ctx context.Context) (russet.Backup, error) {
	if err := ctx.Err(); err != nil {
		return russet.Backup{}, err
	}
	d.waitWork()
	f, err := facts.Read(view{d, false})
	if err == nil {
		err = f.ReadInfo(view{d, false}, d.note.Started)
	}
	if err != nil {
		return russet.Backup{}, err
	}
	if f.Problem != "" {
		return russet.Backup{}, facts.Damaged("%s", f.Problem)
	}
	if f.Fingerprint == d.note.BaseFingerprint && !d.wroteStatus() {
		return russet.Backup{}, facts.Damaged("the device has written no new Status.plist")
	}
	v := &version{}
	v.rec = record{
		ID: facts.DerivedID(d.note.Device, f.Fingerprint), Device: d.note.Device, Fingerprint: f.Fingerprint,
		Name: f.Name, IOS: f.IOS, Time: f.Time.UTC(), Encrypted: f.Encrypted,
	}
	if f.Fingerprint == d.note.BaseFingerprint {
		v.rec.ID = russet.BackupID(d.note.ID) // the other is the last backup's
	}
	if have, err := d.s.byID(ctx, v.rec.ID); err != nil || have != nil {
		if have == nil {
			return russet.Backup{}, err
		}
		if have.rec.Imported { // the same state, copied here from elsewhere
			v.rec.ID = russet.BackupID(d.note.ID)
			if have, err = d.s.byID(ctx, v.rec.ID); err != nil {
				return russet.Backup{}, err
			}
		}
		if have != nil {
			return have.backup(d.s.opts.Name), nil // done before a crash
		}
	}
	b, err := facts.OpenBackup(ctx, view{d, false}, d.note.Device, d.pass, d.early, false)
	if err != nil {
		return russet.Backup{}, err
	}
	root, err := d.build(ctx, b, v)
	if err = errors.Join(err, b.Close()); err != nil {
		return russet.Backup{}, err
	}
	return d.publish(ctx, root, v)
}

// byID finds a version; nil if there is none.
func (s *Store) byID(ctx context.Context, id russet.BackupID) (*version, error) {
	all, err := s.versions(ctx)
	for _, v := range all {
		if v.rec.ID == id {
			return v, nil
		}
	}
	return nil, err
}

// wroteStatus reports whether the device has sent Status.plist, which may be
// what was there: its dates have whole seconds.
func (d *draft) wroteStatus() bool {
	it, err := d.over.Lookup(path.Join(string(d.note.Device), facts.StatusPlist))
	return err == nil && it.ID != 0
}

// publish makes the tree a version: the moment at which the backup comes to be.
func (d *draft) publish(ctx context.Context, root depot.Entry, v *version) (russet.Backup, error) {
	if err := d.w.Flush(ctx); err != nil {
		return russet.Backup{}, err
	}
	v.rec.Added = d.note.Added + d.w.Uploaded()
	v.Path, v.Start, v.End = "/"+string(d.note.Device), d.note.Started, time.Now().UTC()
	v.Root, v.RootSize, v.Files, v.Dirs = root.ID, root.Size, root.Files, root.Dirs
	err := v.mark()
	if err == nil {
		err = d.s.release(ctx, d.w, d.note.ID)
	}
	if err == nil {
		err = d.w.SaveVersion(ctx, &v.Version)
	}
	if err == nil {
		err = d.w.Flush(ctx)
	}
	if err != nil {
		return russet.Backup{}, err
	}
	return v.backup(d.s.opts.Name), nil
}

// refuse sets a draft aside that cannot become a backup, and passes other
// errors on. The draft is closed.
func (d *draft) refuse(ctx context.Context, err error) error {
	if russet.KindOf(err) != russet.Damaged || d.note.Step != drafts.Finished {
		return err
	}
	lock, e := d.s.books.LockDevice(d.note.Device, "set a draft aside")
	if e != nil {
		return err
	}
	err = errors.Join(err, d.s.books.Strike(d.note.Device), d.setAside(ctx, err.Error()))
	return errors.Join(err, lock.Unlock())
}

// setAside puts a draft where it is never offered again, over one that was
// there; it is kept until the device has a finished backup.
func (d *draft) setAside(ctx context.Context, why string) error {
	s := d.s
	d.note.Aside = why
	s.log.Warn("a draft is set aside", "device", d.note.Device, "why", why)
	if err := d.saveNote(); err != nil {
		return err
	}
	if err := s.dropAside(ctx, d.note.Device); err != nil {
		return err
	}
	return s.dir.Rename(s.books.Draft(d.note.Device), s.books.Aside(d.note.ID))
}

// leave removes what a commit leaves behind.
func (s *Store) leave(ctx context.Context, note draftNote) error {
	lock, err := s.books.LockDevice(note.Device, "tidy up after a commit")
	if err != nil {
		return err
	}
	err = errors.Join(s.books.Absolve(note.Device), s.dropAside(ctx, note.Device), s.trash(s.books.Draft(note.Device)))
	return errors.Join(err, lock.Unlock())
}

// own writes what russet adds to the tree.
func (c *builder) own() (depot.Entry, error) {
	index, err := c.w.WriteDir(c.ctx, "russet/index", c.shards, c.start)
	if err != nil {
		return depot.Entry{}, err
	}
	index.Name = indexDir
	manifest, err := c.w.WriteDir(c.ctx, "russet/manifest", c.copies, c.start)
	if err != nil {
		return depot.Entry{}, err
	}
	manifest.Name = manifestDir
	rec := c.v.rec
	rec.Added = 0 // not known yet
	data, err := json.MarshalIndent(&rec, "", "  ")
	if err != nil {
		return depot.Entry{}, err
	}
	about, err := c.small(recordName, data)
	if err != nil {
		return depot.Entry{}, err
	}
	readme, err := c.small(readmeName, []byte(readme))
	if err != nil {
		return depot.Entry{}, err
	}
	script, err := c.small(scriptName, []byte(recovery.GetFiles()))
	if err != nil {
		return depot.Entry{}, err
	}
	own, err := c.w.WriteDir(c.ctx, ownDir, []depot.Entry{index, manifest, readme, script, about}, c.start)
	own.Name = ownDir
	return own, err
}

// small writes a small file of russet's own.
func (c *builder) small(name string, data []byte) (depot.Entry, error) {
	w := c.w.Writer(depot.Meta)
	if _, err := w.Write(data); err != nil {
		w.Abort()
		return depot.Entry{}, err
	}
	id, err := w.Result()
	return depot.Entry{Name: name, ID: id, Size: int64(len(data)), ModTime: c.start}, err
}

// readme stands in every version, for whoever finds it without russet.
const readme = `This folder is one backup of an iPhone or iPad, kept by russet.

The files ab/ab12... are named as Apple's MobileSync backups name them: after the
SHA-1 of domain, hyphen and path. russet/index/ab lists those of the folder ab,
russet/index/other all others, a line of JSON each:

  name     the file in this folder
  domain, path   what it was on the device
  size     bytes in this folder
  stored   bytes as the device stored it in its backup
  sha256   of the file as the device stored it
  content  SHA-256 of the file as it is here; absent when it is the same
  rebuild  "cbc": what is here is the content. The device stored it encrypted with
           AES-256 in CBC mode, an IV of 16 zero bytes and PKCS#7 padding
  key      the AES key of that, in hexadecimal
  why      why a file is here as ciphertext, as the device stored it

So the owner's files are here as they are: copy each to domain/path. To make the
folder that Finder, iTunes or idevicebackup2 restores, encrypt again what says
"cbc" and leave out the folder russet.

russet/manifest holds second copies of the two manifests, russet/backup.json what
is known of the backup. The script russet/get-files.py does all this with Python:

  python3 FOLDER/russet/get-files.py FOLDER files             the owner's files
  python3 FOLDER/russet/get-files.py --rebuild FOLDER backup  the folder to restore
`
