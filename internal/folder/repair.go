package folder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"russet"
	"russet/internal/drafts"
	"russet/internal/durable"
	"russet/mobilesync"
)

// Repair finishes interrupted commits, removes what interrupted runs left,
// reads every file that has a checksum, and replaces what is damaged from
// another backup that has the same file whole. What cannot be mended is named;
// in a current backup it is hidden from the device's next look, so that the
// device sends everything again.
func (s *Store) Repair(ctx context.Context) ([]russet.Repair, error) {
	const doing = "repair the store"
	if err := s.writable(doing); err != nil {
		return nil, err
	}
	r := &repairer{s: s, done: []russet.Repair{}}
	for _, step := range []func(context.Context) error{r.drafts, r.records, r.backups} {
		if err := step(ctx); err != nil {
			return r.done, fmt.Errorf("%s: %w", doing, err)
		}
	}
	return r.done, nil
}

type repairer struct {
	s    *Store
	done []russet.Repair
}

func (r *repairer) say(mended bool, format string, args ...any) {
	r.done = append(r.done, russet.Repair{What: fmt.Sprintf(format, args...), Mended: mended})
}

// drafts finishes what only has to be put in its place.
func (r *repairer) drafts(ctx context.Context) error {
	notes, err := r.s.books.Offered()
	if err != nil {
		return err
	}
	for _, n := range notes {
		if n.Step == drafts.Receiving {
			continue
		}
		lock, err := r.s.books.LockDevice(n.Device, "repair the store")
		if russet.KindOf(err) == russet.Busy {
			continue
		}
		if err == nil {
			err = errors.Join(r.s.finish(ctx, n.Device, r.s.opts.Passwords), lock.Unlock())
		}
		if err != nil {
			r.say(false, "the interrupted backup of %s could not be finished: %v", n.Device, err)
			continue
		}
		r.say(true, "the interrupted backup of %s was finished, or set aside", n.Device)
	}
	return r.s.sweep()
}

// records forgets what is known of folders that are gone.
func (r *repairer) records(ctx context.Context) error {
	before, err := r.s.records()
	if err != nil {
		return err
	}
	all, err := r.s.scan(ctx, "") // makes the records that are missing
	if err != nil {
		return err
	}
	for _, f := range all {
		known := func(rec *record) bool { return rec.ID == f.rec.ID }
		if f.stored && !slices.ContainsFunc(before[f.folder], known) && !f.hidden {
			r.say(true, "the record of %s was missing and is made again", f.folder)
		}
		if f.facts.Problem != "" {
			r.say(false, "%s: %s", f.folder, f.facts.Problem)
		}
	}
	for folder, recs := range before {
		if slices.ContainsFunc(all, func(f *found) bool { return f.folder == folder }) {
			continue
		}
		for _, rec := range recs {
			err = errors.Join(err, r.s.dropRecord(rec.ID))
			r.say(true, "the record of %s, which is gone, is removed", folder)
		}
	}
	return err
}

// backups reads every file that has a checksum.
func (r *repairer) backups(ctx context.Context) error {
	all, err := r.s.scan(ctx, "")
	if err != nil {
		return err
	}
	for _, f := range all {
		if f.hidden || !f.stored {
			continue
		}
		if err := r.backup(ctx, f, all); err != nil {
			return err
		}
	}
	return nil
}

func (r *repairer) backup(ctx context.Context, f *found, all []*found) error {
	dir, err := r.s.dir.Sub(f.folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	in := &inspection{s: r.s, dir: dir, rec: f.rec, full: true, level: mobilesync.CheckStructure}
	if err := in.files(ctx); err != nil {
		return err
	}
	wounds := map[string]sumEntry{}
	for _, e := range in.bad {
		if e.name != "" && e.known {
			wounds[e.name] = e
		}
	}
	for _, other := range all {
		if other == f || other.hidden || other.device != f.device || len(wounds) == 0 {
			continue
		}
		if err := r.heal(ctx, f, dir, other, wounds); err != nil {
			return err
		}
	}
	var lost []string
	for _, e := range in.bad {
		if _, still := wounds[e.name]; still || !e.known {
			lost = append(lost, e.name)
			r.say(false, "%s in %s is damaged, and no other backup has it whole", e.name, f.folder)
		}
	}
	if slices.Equal(lost, f.rec.Damaged) {
		return nil
	}
	f.rec.Damaged = lost
	return r.s.saveRecord(f.rec)
}

// heal replaces wounded files with those of another backup that are what the
// wounded ones once were.
func (r *repairer) heal(ctx context.Context, f *found, dir *durable.Dir, other *found, wounds map[string]sumEntry) error {
	sums, err := openSums(r.s.dir, sumsFile(other.rec.ID))
	if err != nil || sums == nil {
		return nil //nolint:nilerr // a backup without a list cannot help
	}
	defer sums.close() //nolint:errcheck // it was only read
	from, err := r.s.dir.Sub(other.folder)
	if err != nil {
		return err
	}
	defer from.Close()
	for e, ok := sums.read(); ok; e, ok = sums.read() {
		want, wounded := wounds[e.name]
		if !wounded || !e.known || e.sum != want.sum || e.size != want.size {
			continue
		}
		healed, err := r.replace(ctx, from, dir, want)
		if err != nil {
			return err
		}
		if healed {
			delete(wounds, e.name)
			r.say(true, "%s in %s was damaged and is replaced from %s", e.name, f.folder, other.folder)
		}
	}
	return nil
}

// replace copies one file over a damaged one, if it is still what its checksum
// says.
func (r *repairer) replace(ctx context.Context, from, to *durable.Dir, want sumEntry) (bool, error) {
	src, err := from.Open(want.name)
	if err != nil {
		return false, nil //nolint:nilerr // the other backup is damaged here too
	}
	defer src.Close()
	in, err := r.s.receive()
	if err != nil {
		return false, err
	}
	defer in.close()
	const temp = "file"
	dst, err := in.dir.Create(temp, publicFile)
	if err != nil {
		return false, err
	}
	size, sum, err := hashFile(io.TeeReader(readerOf(ctx, src), dst), make([]byte, 256<<10))
	if err == nil {
		err = dst.Sync()
	}
	if err = errors.Join(err, dst.Close()); err != nil || size != want.size || sum != want.sum {
		return false, err
	}
	folder, err := to.MakeSub(path.Dir(want.name), public)
	if err != nil {
		return false, err
	}
	defer folder.Close()
	if err := in.dir.RenameTo(temp, folder, path.Base(want.name)); err != nil {
		return false, err
	}
	return true, folder.SyncDir()
}
