package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"russet"
	"russet/internal/drafts"
	"russet/internal/durable"
	"russet/internal/facts"
)

// errChanged: another program wrote into the current folder during the run.
var errChanged = errors.New("another program has changed the backup during the run")

// Commit makes the draft the device's current backup. When it fails for
// another reason than damage, what was received stays and the commit is
// finished when the store is opened next.
func (d *draft) Commit(ctx context.Context) (russet.Backup, error) {
	doing := "finish the backup of " + string(d.note.Device)
	if d.closed {
		return russet.Backup{}, fmt.Errorf("%s: %w", doing, fs.ErrClosed)
	}
	d.tried = true
	b, err := d.commit(ctx)
	if err = errors.Join(err, d.close()); err == nil {
		return b, nil
	}
	if e, ok := errors.AsType[*russet.Error](err); ok {
		e.Doing = doing
		return russet.Backup{}, e
	}
	return russet.Backup{}, fmt.Errorf("%s: %w", doing, err)
}

func (d *draft) commit(ctx context.Context) (russet.Backup, error) {
	if d.upload != nil {
		return russet.Backup{}, errors.New("the upload of a file is not over")
	}
	if err := d.barrier(); err != nil {
		return russet.Backup{}, err
	}
	if err := d.over.Sync(); err != nil { // the barrier's own record, which the note counts
		return russet.Backup{}, err
	}
	d.note.Step, d.note.Journal = drafts.Finished, d.over.Length()
	if err := d.saveNote(); err != nil {
		d.note.Step = drafts.Receiving
		return russet.Backup{}, err
	}
	return d.complete(ctx)
}

// complete takes a draft from "the device finished" to the current backup, or
// on from where a crash interrupted that.
func (d *draft) complete(ctx context.Context) (russet.Backup, error) {
	if d.note.Step == drafts.Finished {
		if err := d.check(ctx); err != nil {
			return russet.Backup{}, d.refuse(err)
		}
	}
	if d.note.Step == checked {
		if err := d.build(ctx); err != nil {
			return russet.Backup{}, d.refuse(err)
		}
	}
	if !d.note.InPlace {
		if err := d.swap(); err != nil {
			return russet.Backup{}, d.refuse(err)
		}
	}
	if err := d.leave(); err != nil {
		// The backup is there; the next start tries again to tidy up.
		d.s.log.Warn("what a commit left behind could not be removed", "device", d.note.Device, "err", err)
	}
	return d.note.Record.backup(d.s.opts.Name), nil
}

// refuse sets a draft aside that cannot become a backup, and passes other
// errors on.
func (d *draft) refuse(err error) error {
	damaged := russet.KindOf(err) == russet.Damaged
	if !damaged && !errors.Is(err, errChanged) {
		return err
	}
	if damaged {
		err = errors.Join(err, d.s.books.Strike(d.note.Device))
	}
	var closing error
	if d.over != nil {
		closing = d.over.Close()
		d.over = nil
	}
	closing = errors.Join(closing, d.objects.close())
	return errors.Join(err, closing, d.setAside(err.Error()))
}

// swap puts the new folder in the place of the current one. It may have been
// done before a crash.
func (d *draft) swap() error {
	s, name := d.s, string(d.note.Device)
	now, err := s.fingerprintOf(name)
	if err != nil {
		return err
	}
	done := now == d.note.Record.Fingerprint
	if done && d.note.alike() {
		built, err := d.dir.Exists(treeDir)
		if err != nil {
			return err
		}
		done = !built // exchange moves it in two steps then
	}
	if !done {
		present, err := s.dir.Exists(name)
		if err != nil {
			return err
		}
		if present && now != d.note.BaseFingerprint {
			return errChanged
		}
		if err := d.exchange(name, present); err != nil {
			return err
		}
	}
	return errors.Join(s.dir.SyncDir(), d.dir.SyncDir(), d.moveForeign())
}

// alike reports whether the new backup has the fingerprint of the one before.
func (n *draftNote) alike() bool { return n.Record.Fingerprint == n.BaseFingerprint }

// moveForeign moves what other programs keep in the previous folder to the new
// one. It is in the list of the new backup when that was made from the old.
func (d *draft) moveForeign() error {
	if d.note.Base != "" {
		return nil
	}
	current, err := d.s.dir.Sub(string(d.note.Device))
	if err != nil {
		return err
	}
	defer current.Close()
	for _, place := range []string{treeDir, oldDir} {
		old, err := d.dir.Sub(place)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = errors.Join(moveForeign(old, current), old.Close())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func moveForeign(from, to *durable.Dir) error {
	entries, err := from.ReadDir(".")
	for _, e := range entries {
		if !facts.IsForeign(e.Name()) {
			continue
		}
		there, e2 := to.Exists(e.Name())
		if e2 == nil && !there {
			e2 = from.RenameTo(e.Name(), to, e.Name())
		}
		err = errors.Join(err, e2)
	}
	return err
}

// exchange swaps in one step where the system can. Where it cannot, a crash
// between the two steps leaves no current folder, but a new one that is built:
// the next start takes the second step. Two backups with one fingerprint go
// this way too: after one step nobody could tell whether it was taken.
func (d *draft) exchange(name string, present bool) error {
	if !present {
		return d.dir.RenameTo(treeDir, d.s.dir, name)
	}
	if !d.note.alike() {
		err := d.dir.Exchange(treeDir, d.s.dir, name)
		if !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	if err := d.s.dir.RenameTo(name, d.dir, oldDir); err != nil {
		return err
	}
	return d.dir.RenameTo(treeDir, d.s.dir, name)
}

func (s *Store) fingerprintOf(name string) (string, error) {
	dir, err := s.dir.Sub(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer dir.Close()
	status, err := facts.ReadSmall(dir.FS(), facts.StatusPlist, facts.MaxStatus)
	if err != nil {
		return "", err
	}
	manifest, err := facts.ReadSmall(dir.FS(), facts.ManifestPlist, facts.MaxManifest)
	if err != nil || len(status) == 0 || len(manifest) == 0 {
		return "", err
	}
	return facts.Fingerprint(status, manifest), nil
}

// leave removes what the commit leaves behind: the draft with the previous
// backup in it, and what was remembered of both.
func (d *draft) leave() error {
	s, device := d.s, d.note.Device
	var err error
	if d.over != nil {
		err = d.over.Close()
		d.over = nil
	}
	err = errors.Join(err, d.objects.close(), s.books.Absolve(device), s.books.DropAside(device, s.trash))
	records, e := s.records()
	err = errors.Join(err, e)
	for _, r := range records[string(device)] {
		if r.ID != d.note.Record.ID {
			err = errors.Join(err, s.dropRecord(r.ID))
		}
	}
	label := string(d.note.Base)
	if label == "" {
		label = d.note.ID
	}
	return errors.Join(err, s.trash(s.books.Draft(device), label))
}
