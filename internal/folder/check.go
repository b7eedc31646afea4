package folder

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/zeebo/xxh3"

	"russet"
	"russet/internal/durable"
	"russet/internal/facts"
	"russet/internal/overlay"
)

// check is the commit check: every file row of Manifest.db has its payload,
// what stayed has the size it was recorded with, and what was received reads
// back as it was written. It leaves the list of what the new backup consists
// of, from which the backup is built.
func (d *draft) check(ctx context.Context) error {
	if err := d.dir.RemoveAll(treeDir); err != nil {
		return err
	}
	now, err := d.s.fingerprintOf(string(d.note.Device))
	if err != nil {
		return err
	}
	if now != d.note.BaseFingerprint {
		return errChanged
	}
	f, err := facts.Read(view{d})
	if err == nil {
		err = f.ReadInfo(view{d}, d.note.Started)
	}
	if err != nil {
		return err
	}
	if f.Problem != "" {
		return damaged("%s", f.Problem)
	}
	if f.Fingerprint == d.note.BaseFingerprint && !d.wroteStatus() {
		return damaged("the device has written no new Status.plist")
	}
	rec, err := d.survey(ctx, f)
	if err != nil {
		return err
	}
	if err := d.barrier(); err != nil {
		return err
	}
	d.note.Record, d.note.Step = rec, checked
	if d.note.InPlace, err = d.mustWorkInPlace(); err != nil {
		return err
	}
	return d.saveNote()
}

// wroteStatus reports whether the device has sent Status.plist. What it sent
// may be what was there: its dates have whole seconds, and a phone that is
// quick, or has a clock that stands, ends two runs with the same words.
func (d *draft) wroteStatus() bool {
	it, err := d.over.Lookup(path.Join(string(d.note.Device), facts.StatusPlist))
	return err == nil && it.ID != 0
}

func damaged(format string, args ...any) error { return facts.Damaged(format, args...) }

// survey lists the draft and looks at everything in it.
func (d *draft) survey(ctx context.Context, f facts.Facts) (*record, error) {
	sums, err := createSums(d.dir, newSums)
	if err != nil {
		return nil, err
	}
	v := &surveyor{d: d, ctx: ctx, sums: sums, seen: map[overlay.ID]bool{}}
	id := facts.DerivedID(d.note.Device, f.Fingerprint)
	if f.Fingerprint == d.note.BaseFingerprint {
		id = russet.BackupID(d.note.ID) // the other is the last backup's
	}
	v.rec = &record{
		ID: id, Folder: string(d.note.Device), Device: d.note.Device,
		Fingerprint: f.Fingerprint, Name: f.Name, IOS: f.IOS, Time: f.Time.UTC(), Encrypted: f.Encrypted,
	}
	if d.note.Base != "" {
		// A list that cannot be read is no reason to lose a run: what stayed
		// is then as unknown as in a folder of another program.
		if v.old, err = openSums(d.s.dir, sumsFile(d.note.Base)); err != nil {
			d.s.log.Warn("the checksums of the last backup cannot be read", "err", err)
		}
		defer v.old.close() //nolint:errcheck // it was only read
	}
	err = v.folder("", d.base)
	if err = errors.Join(err, sums.close()); err != nil {
		return nil, err
	}
	digests, err := v.rows(ctx)
	if err != nil {
		return nil, err
	}
	return v.rec, d.readBack(ctx, digests)
}

// maxDepth bounds how deep folders may be nested in a backup. A device's are
// two deep; one that makes thousands would have us open each from the top.
const maxDepth = 64

// surveyor walks through a draft.
type surveyor struct {
	d    *draft
	ctx  context.Context
	sums *sumsWriter
	old  *sumsReader
	rec  *record
	keys []payloadKey        // of all payloads, in order
	seen map[overlay.ID]bool // of the objects that several files share

	copies int   // files that were given an object of their own
	copied int64 // and their bytes
}

// Bounds of copies: a device that copies folders into each other needs few
// words to fill any disk.
const (
	maxCopies = 1 << 10
	maxCopied = 4 << 30
)

// payloadKey is a file ID as bytes.
type payloadKey [20]byte

// folder surveys one folder; name is its place in the backup, base the same
// folder of the last backup, nil if there is none.
func (v *surveyor) folder(name string, base *durable.Dir) error {
	if err := v.ctx.Err(); err != nil {
		return err
	}
	if strings.Count(name, "/") >= maxDepth {
		return damaged("its folders are nested too deeply: %.100q…", name)
	}
	items, err := v.d.over.List(path.Join(string(v.d.note.Device), name))
	if err != nil {
		return err
	}
	if a, b, same := overlay.SameButForCase(items); same {
		return damaged("%q and %q in %q differ only in case", a, b, name)
	}
	for _, it := range items {
		below := path.Join(name, it.Name)
		if it.Folder && below == snapshotDir {
			err = v.leftovers()
		} else if it.Folder {
			err = v.subfolder(below, it.Name, base)
		} else {
			err = v.file(below, it, base)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// snapshotDir is where the device gathers files before it moves them.
const snapshotDir = "Snapshot"

// leftovers looks at a Snapshot that the device did not remove. It is no part
// of a backup; with a manifest in it the device was not done.
func (v *surveyor) leftovers() error {
	items, err := v.d.over.List(path.Join(string(v.d.note.Device), snapshotDir))
	if err != nil {
		return err
	}
	for _, it := range items {
		if it.Name == facts.ManifestDB || it.Name == facts.ManifestPlist {
			return damaged("the device called it finished and left %s in its %s", it.Name, snapshotDir)
		}
	}
	v.d.s.log.Info("the device left its Snapshot behind; it is dropped", "entries", len(items))
	return nil
}

func (v *surveyor) subfolder(name, leaf string, base *durable.Dir) error {
	v.sums.add(sumEntry{name: name, folder: true})
	if base != nil {
		sub, err := base.Sub(leaf)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if base = nil; err == nil {
			defer sub.Close()
			base = sub
		}
	}
	return v.folder(name, base)
}

func (v *surveyor) file(name string, it overlay.Item, base *durable.Dir) error {
	if it.ID != 0 && v.d.over.Shared(it.ID) && !v.seen[it.ID] {
		v.seen[it.ID] = true
	} else if (it.ID != 0 && v.d.over.Shared(it.ID)) || (it.Base != "" && it.Base != name) {
		var err error
		if it, err = v.ownCopy(name); err != nil {
			return err
		}
	}
	e := sumEntry{name: name, size: it.Object.Size, sum: it.Object.Sum, known: true, object: it.ID}
	if it.ID == 0 {
		var err error
		if e, err = v.stayed(name, it.Name, base); err != nil {
			return err
		}
	}
	v.rec.Added += it.Object.Size
	if e.regular() {
		v.rec.Size += e.size
	}
	if e.regular() && facts.IsPayload(name) {
		v.rec.Files++
		v.keys = append(v.keys, keyOf(name))
	}
	v.sums.add(e)
	return nil
}

// stayed describes a file that is carried over.
func (v *surveyor) stayed(name, leaf string, base *durable.Dir) (sumEntry, error) {
	info, err := base.Lstat(leaf)
	if err != nil {
		return sumEntry{}, err
	}
	if !info.Mode().IsRegular() {
		return sumEntry{name: name, link: true}, nil
	}
	e := sumEntry{name: name, size: info.Size()}
	if old, ok := v.old.seek(name); ok && old.regular() {
		if old.size != e.size {
			return e, damaged("%s of the last backup has %d bytes, not %d", name, e.size, old.size)
		}
		e.sum, e.known = old.sum, old.known
	}
	return e, nil
}

// ownCopy gives a file that the device copied, or moved from another place in
// the last backup, an object of its own: the new folder is made of objects and
// of files that stayed where they were. No phone was seen to need it.
func (v *surveyor) ownCopy(name string) (overlay.Item, error) {
	d, full := v.d, path.Join(string(v.d.note.Device), name)
	in, err := d.Open(full)
	if err != nil {
		return overlay.Item{}, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return overlay.Item{}, err
	}
	v.copies, v.copied = v.copies+1, v.copied+info.Size()
	if v.copies > maxCopies || v.copied > maxCopied {
		return overlay.Item{}, damaged("it holds too many copies of its own files, %q among them", name)
	}
	up, err := d.Create(full)
	if err != nil {
		return overlay.Item{}, err
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{up}, struct{ io.Reader }{in}, make([]byte, 256<<10)); err != nil {
		return overlay.Item{}, errors.Join(err, up.Abort())
	}
	if err := up.Commit(); err != nil {
		return overlay.Item{}, err
	}
	return d.over.Lookup(full)
}

// hashFile reads a file to its end.
func hashFile(f io.Reader, buf []byte, more ...io.Writer) (size int64, sum [16]byte, err error) {
	hash := xxh3.New()
	for {
		n, err := f.Read(buf)
		hash.Write(buf[:n]) //nolint:errcheck // hashes do not fail
		for _, w := range more {
			w.Write(buf[:n]) //nolint:errcheck // hashes do not fail
		}
		size += int64(n)
		if errors.Is(err, io.EOF) {
			return size, hash.Sum128().Bytes(), nil
		}
		if err != nil {
			return size, sum, err
		}
	}
}
