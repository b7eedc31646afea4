package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"russet"
	"russet/internal/drafts"
	"russet/internal/durable"
	"russet/internal/facts"
	"russet/internal/overlay"
)

// finish completes the commit of a device's draft that was interrupted after
// the device had finished. The caller holds the device's lock.
func (s *Store) finish(ctx context.Context, device russet.UDID, pass russet.Passwords) error {
	d := &draft{s: s, pass: pass, allow: -1}
	err := s.loadJSON(s.books.Draft(device)+"/"+drafts.NoteFile, maxRecord, &d.note)
	if err != nil || d.note.Step == drafts.Receiving || d.note.Device != device || !facts.IsID(d.note.ID) {
		return nil // no draft, or one that Begin knows what to do with
	}
	s.log.Info("finishing a backup that was interrupted", "device", device)
	if err = d.reopen(ctx); err == nil {
		_, err = d.complete(ctx)
	}
	d.lock = nil // it stays the caller's
	err = errors.Join(err, d.close(err == nil))
	switch {
	case err == nil:
		return errors.Join(s.books.Absolve(device), s.dropAside(ctx, device), s.trash(s.books.Draft(device)))
	case russet.KindOf(err) == russet.Damaged:
		return errors.Join(s.books.Strike(device), d.setAside(ctx, err.Error()))
	default:
		return err
	}
}

// reopen opens a draft whose device had finished.
func (d *draft) reopen(ctx context.Context) error {
	if d.note.Base != "" {
		base, err := d.s.byID(ctx, d.note.Base)
		if err != nil {
			return err
		}
		if base == nil {
			return facts.Damaged("the backup it is based on is gone")
		}
		if d.baseLock, err = d.s.books.LockBackup(base.rec.ID, true, "finish a backup"); err != nil {
			return err
		}
		d.base = openTree(context.WithoutCancel(ctx), d.s.depot, base.Root, base.rec.Time)
	}
	if err := d.open(ctx); err != nil {
		return err
	}
	if d.over.Length() < d.note.Journal {
		return facts.Damaged("the journal of the draft is damaged")
	}
	return nil
}

// recover finishes what interrupted runs of this computer left, as far as no
// other process is at it. What fails is tried again by the next Begin.
func (s *Store) recover(ctx context.Context) {
	err := s.books.Each("open the vault", func(device russet.UDID) error { return s.finish(ctx, device, s.opts.Passwords) })
	err = errors.Join(err, s.forgetDrafts(ctx), s.emptyTrash())
	if err != nil {
		s.log.Warn("what interrupted runs left behind could not all be tidied up", "err", err)
	}
}

// forgetDrafts removes the incomplete versions of this computer's drafts that
// are no more.
func (s *Store) forgetDrafts(ctx context.Context) error {
	all, _, err := s.depot.Versions(ctx)
	if err != nil {
		return err
	}
	var gone []string
	for _, v := range all {
		if v.Incomplete == "" || v.Tags[tagHost] != s.host || aliveElsewhere(&v) && s.writes() {
			continue
		}
		// A run that is at work made its note before this version.
		notes, err := s.books.All()
		if err != nil {
			return err
		}
		alive := false
		for _, n := range notes {
			alive = alive || n.ID == v.Tags[tagDraft]
		}
		if !alive {
			gone = append(gone, v.Manifest)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return s.change(ctx, "tidy", func(w *session) error {
		for _, m := range gone {
			if err := w.DeleteVersion(ctx, m); err != nil {
				return err
			}
		}
		return nil
	})
}

// writes reports whether a process of this computer writes into the vault, or may.
func (s *Store) writes() bool {
	lock, err := s.dir.Lock(s.books.LockFile("writing"), false)
	return errors.Join(err, lock.Unlock()) != nil
}

// Drafts lists what unfinished runs of this computer left behind.
func (s *Store) Drafts(ctx context.Context, device russet.UDID) ([]russet.Backup, error) {
	list, err := s.books.List(device, s.opts.Name, func(folder string, into *russet.Backup) error {
		sub, err := s.dir.Sub(folder)
		if err != nil {
			return err
		}
		defer sub.Close()
		into.Files, into.Size, err = countReceived(sub)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the drafts of the vault %q: %w", s.opts.Name, err)
	}
	return list, ctx.Err()
}

// dropAside removes the drafts of a device that were set aside.
func (s *Store) dropAside(ctx context.Context, device russet.UDID) error {
	return s.books.DropAside(device, func(folder, id string) error { return s.dropDraft(ctx, folder, id) })
}

// dropDraft removes a draft and what keeps its data alive in the vault.
func (s *Store) dropDraft(ctx context.Context, name, id string) error {
	ctx = context.WithoutCancel(ctx)
	all, _, err := s.depot.Versions(ctx)
	held := false
	for _, v := range all {
		held = held || v.Incomplete != "" && v.Tags[tagDraft] == id
	}
	if err == nil && held {
		err = s.change(ctx, "drop a draft", func(w *session) error { return s.release(ctx, w, id) })
	}
	return errors.Join(err, s.trash(name))
}

// trash removes a folder of the local part in a way that a crash cannot leave
// half of it under its name.
func (s *Store) trash(name string) error {
	into := trashDir + "/" + facts.NewID()
	if err := s.dir.Rename(name, into); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return s.dir.RemoveAll(into)
}

func (s *Store) emptyTrash() error {
	entries, err := s.dir.ReadDir(trashDir)
	for _, e := range entries {
		err = errors.Join(err, s.dir.RemoveAll(trashDir+"/"+e.Name()))
	}
	return err
}

// countReceived counts the files of a draft.
func countReceived(dir *durable.Dir) (files int, size int64, err error) {
	files, size, err = overlay.Received(dir, journalFile)
	if isMissing(err) {
		err = nil // a run is at work in it
	}
	return files, size, err
}
