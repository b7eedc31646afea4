package folder

import (
	"context"
	"errors"

	"russet"
	"russet/internal/drafts"
)

// finish completes the commit of a device's draft that was interrupted after
// the device had finished. The caller holds the device's lock.
func (s *Store) finish(ctx context.Context, device russet.UDID, pass russet.Passwords) error {
	d := &draft{s: s, pass: pass, allow: -1}
	err := s.loadJSON(s.books.Draft(device)+"/"+drafts.NoteFile, maxRecord, &d.note)
	if err != nil || d.note.Step == drafts.Receiving || d.note.Device != device {
		return nil // no draft, or one that Begin knows what to do with
	}
	s.log.Info("finishing a backup that was interrupted", "device", device, "step", d.note.Step)
	err = d.reopen()
	if err == nil {
		_, err = d.complete(ctx)
	}
	err = errors.Join(err, d.close())
	if russet.KindOf(err) == russet.Damaged || errors.Is(err, errChanged) {
		return nil // it was set aside, and the log says so
	}
	return err
}

// reopen opens a draft whose device had finished.
func (d *draft) reopen() error {
	if d.note.Step == drafts.Finished {
		if err := d.open(); err != nil {
			return err
		}
		if d.over.Length() < d.note.Journal {
			return d.refuse(&russet.Error{Kind: russet.Damaged, What: "the journal of the draft is damaged"})
		}
		return nil
	}
	if d.note.Record == nil {
		return d.refuse(&russet.Error{Kind: russet.Damaged, What: "the note of the draft is damaged"})
	}
	var err error
	if d.dir, err = d.s.dir.Sub(d.s.books.Draft(d.note.Device)); err != nil {
		return err
	}
	d.objects.dir, err = d.dir.MakeSub(objectsDir, private)
	return err
}

// recover finishes what interrupted runs left, as far as no other process is
// at it. What fails is tried again by the next Begin.
func (s *Store) recover(ctx context.Context) {
	err := s.books.Each("open the store", func(device russet.UDID) error {
		if err := s.finish(ctx, device, s.opts.Passwords); err != nil {
			s.log.Warn("a backup could not be finished yet", "device", device, "err", err)
		}
		return nil
	})
	if err != nil {
		s.log.Warn("the drafts of the store could not all be looked at", "err", err)
	}
	if err := s.sweep(); err != nil {
		s.log.Warn("the store could not be swept", "err", err)
	}
}
