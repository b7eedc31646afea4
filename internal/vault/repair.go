package vault

import (
	"context"
	"fmt"
	"io"
	"slices"

	"russet"
	"russet/internal/drafts"
	"russet/internal/vault/depot"
)

// Repair finishes interrupted commits, finds again what no index knows, brings
// back metadata from this computer's copies, reads every chunk, and mends the
// manifests from their second copies. What cannot be mended is named, and marked
// so that the next run that sends the same content mends it; in the backup a
// device is offered it is hidden, so that the device sends everything again.
func (s *Store) Repair(ctx context.Context) ([]russet.Repair, error) {
	doing := fmt.Sprintf("repair the vault %q", s.opts.Name)
	r := &repairer{s: s, ctx: ctx, done: append([]russet.Repair{}, s.rescued...)}
	for _, step := range []func() error{r.drafts, r.blobs, r.contents, r.damage} {
		if err := step(); err != nil {
			return r.done, s.explain(err, doing)
		}
	}
	return r.done, nil
}

type repairer struct {
	s    *Store
	ctx  context.Context
	done []russet.Repair
	bad  map[string]bool // contents that cannot be read
}

func (r *repairer) say(mended bool, format string, args ...any) {
	r.done = append(r.done, russet.Repair{What: fmt.Sprintf(format, args...), Mended: mended})
}

// drafts finishes what only has to be put in its place.
func (r *repairer) drafts() error {
	return r.s.books.Each("repair the vault", func(device russet.UDID) error {
		var n draftNote
		if r.s.loadJSON(r.s.books.Draft(device)+"/"+drafts.NoteFile, maxRecord, &n) != nil || n.Step == drafts.Receiving {
			return nil
		}
		err := r.s.finish(r.ctx, device, r.s.opts.Passwords)
		if err == nil {
			r.say(true, "the interrupted backup of %s was finished", device)
		}
		return err
	})
}

// blobs finds again what no index knows.
func (r *repairer) blobs() error {
	empty, err := r.s.opts.Backend.Quarantined(r.ctx)
	if err != nil {
		return err
	}
	if len(empty) > 0 {
		r.say(true, "%d files of the vault's index are empty, after a power cut perhaps; what they held was found again in the packs", len(empty))
	}
	packs, contents, err := r.s.depot.Salvage(r.ctx)
	if err != nil {
		return err
	}
	switch {
	case contents > 0 && r.s.opts.Repair:
		r.say(true, "%d packs that no index knew were found again", packs)
	case contents > 0: // a run that broke off leaves some, which is no damage
		r.s.log.Info("found again what no index knew", "packs", packs, "contents", contents)
	}
	return nil
}

// fromMirror brings back packs of metadata of which this computer has other
// copies than the vault, or none are in the vault, and reports whether there
// were any.
func (r *repairer) fromMirror(bad []depot.BadContent) (bool, error) {
	if len(bad) == 0 {
		return false, nil
	}
	differ, err := r.s.opts.Backend.DiffersFromMirror(r.ctx, "q")
	if err != nil {
		return false, err
	}
	var back []string
	for _, b := range bad {
		if slices.Contains(differ, b.Pack) && !slices.Contains(back, b.Pack) {
			back = append(back, b.Pack)
		}
	}
	if len(back) == 0 {
		return false, nil
	}
	if err := r.s.putBack(r.ctx, back); err != nil {
		return false, err
	}
	r.say(true, "%d packs of metadata were gone or damaged and were brought back from this computer's copies", len(back))
	return true, r.s.depot.Refresh(r.ctx)
}

// contents reads every chunk, and marks those that cannot be read, so that
// whoever writes the same again stores it anew.
func (r *repairer) contents() error {
	bad, err := r.s.depot.VerifyContents(r.ctx, 100, nil)
	if err != nil {
		return err
	}
	if again, err := r.fromMirror(bad); err != nil {
		return err
	} else if again {
		if bad, err = r.s.depot.VerifyContents(r.ctx, 100, nil); err != nil {
			return err
		}
	}
	r.bad = map[string]bool{}
	ids := make([]string, 0, len(bad))
	for _, b := range bad {
		r.bad[b.ID] = true
		ids = append(ids, b.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	// What refers to them must be found before they are marked.
	found, err := r.find()
	if err != nil {
		return err
	}
	if err := r.s.depot.Heal(r.ctx, ids); err != nil {
		return err
	}
	for _, f := range found {
		if err := r.mend(f); err != nil {
			return err
		}
	}
	return nil
}

// wound is a file of a version with chunks that cannot be read.
type wound struct {
	v      *version
	entry  entry
	second depot.ID // its second copy; "" if there is none
}

// find looks for the files that refer to bad chunks.
func (r *repairer) find() (found []wound, err error) {
	err = r.s.depot.Straight(r.ctx, func(from *depot.Depot) (err error) {
		found, err = r.findIn(from)
		return err
	})
	return found, err
}

func (r *repairer) findIn(from *depot.Depot) ([]wound, error) {
	all, err := r.s.versions(r.ctx)
	if err != nil {
		return nil, err
	}
	var found []wound
	for _, v := range all {
		if v.problem != "" {
			continue
		}
		in := &inspection{ctx: r.ctx, s: r.s, v: v, bad: map[string]bool{}}
		in.tree = openTree(r.ctx, from, v.Root, v.rec.Time)
		copies, err := copies(r.ctx, from, v)
		if err != nil {
			r.say(false, "the backup %s of %q has lost its list of files: %v", v.rec.ID, v.rec.Name, err)
			continue
		}
		work := make(chan *entry, 64)
		errs := make(chan error, 1)
		go func() { defer close(work); errs <- in.walk(".", work) }()
		for e := range work {
			if present(r.ctx, from, e.id, r.bad) != nil {
				found = append(found, wound{v: v, entry: *e, second: copies[e.Name]})
			}
		}
		if err := <-errs; err != nil {
			return nil, err
		}
		for _, p := range in.report.Problems {
			r.say(false, "the backup %s of %q: %s: %s", v.rec.ID, v.rec.Name, p.Path, p.What)
		}
	}
	return found, nil
}

// mend writes a wounded file again from its second copy, which gives the same
// chunks; without one the file is noted as damaged.
func (r *repairer) mend(f wound) error {
	if f.second != "" && r.s.present(r.ctx, f.second, r.bad) == nil {
		err := r.s.change(r.ctx, "repair", func(w *session) error {
			in, err := r.s.depot.Reader(r.ctx, f.second)
			if err != nil {
				return err
			}
			defer in.Close()
			id, _, err := w.write(r.ctx, io.NewSectionReader(in, 0, in.Size()), f.entry.Name, io.Discard)
			if err == nil && id != f.entry.id {
				err = errChecksum
			}
			return err
		})
		if err == nil {
			r.say(true, "%s of the backup %s was mended from its second copy", f.entry.Name, f.v.rec.ID)
			return nil
		}
		if r.ctx.Err() != nil {
			return err
		}
	}
	r.say(false, "%q of the backup %s of %q is damaged; it is whole again when the phone sends the same once more",
		f.entry.title(), f.v.rec.ID, f.v.rec.Name)
	if slices.Contains(f.v.rec.Damaged, f.entry.Name) {
		return nil
	}
	f.v.rec.Damaged = append(f.v.rec.Damaged, f.entry.Name)
	return r.s.update(r.ctx, f.v)
}

// damage takes back what was noted of files that are whole again.
func (r *repairer) damage() error {
	all, err := r.s.versions(r.ctx)
	if err != nil {
		return err
	}
	for _, v := range all {
		if len(v.rec.Damaged) == 0 || v.problem != "" {
			continue
		}
		t := openTree(r.ctx, r.s.depot, v.Root, v.rec.Time)
		still := slices.DeleteFunc(slices.Clone(v.rec.Damaged), func(name string) bool {
			it, err := t.lookup(name)
			return err == nil && it.entry != nil && r.s.present(r.ctx, it.entry.id, nil) == nil &&
				r.s.reread(r.ctx, it.entry, func(int64) {}) == nil
		})
		if len(still) == len(v.rec.Damaged) {
			continue
		}
		r.say(true, "%d files of the backup %s are whole again", len(v.rec.Damaged)-len(still), v.rec.ID)
		v.rec.Damaged = still
		if err := r.s.update(r.ctx, v); err != nil {
			return err
		}
	}
	return nil
}
