package folder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"russet"
	"russet/internal/durable"
	"russet/internal/facts"
)

// found is a folder of the store that is, or looks like, a backup.
type found struct {
	folder string
	device russet.UDID
	stamp  string // of an archived one; "" is the current one
	facts  facts.Facts
	rec    *record // made on the spot for a folder that has none
	stored bool    // the record is on disk
	hidden bool    // an archived copy is this backup
}

func (f *found) backup(store string) russet.Backup {
	b := f.rec.backup(store)
	b.Problem = f.facts.Problem
	return b
}

// Backups lists the backups in the store, oldest first.
func (s *Store) Backups(ctx context.Context, device russet.UDID) ([]russet.Backup, error) {
	all, err := s.scan(ctx, device)
	if err != nil {
		return nil, fmt.Errorf("list the backups in %s: %w", s.dir.Path(), err)
	}
	backups := make([]russet.Backup, 0, len(all))
	for _, f := range all {
		if !f.hidden {
			backups = append(backups, f.backup(s.opts.Name))
		}
	}
	return backups, nil
}

// find finds a backup by its ID.
func (s *Store) find(ctx context.Context, id russet.BackupID, doing string) (*found, error) {
	all, err := s.scan(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	for _, f := range all {
		if f.rec.ID == id && !f.hidden {
			return f, nil
		}
	}
	return nil, facts.NoBackup(id, doing)
}

// current finds the folder named after the device; nil if there is none.
func (s *Store) current(ctx context.Context, device russet.UDID) (*found, error) {
	all, err := s.scan(ctx, device)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(f *found) bool { return f.stamp == "" }); i >= 0 {
		return all[i], nil
	}
	return nil, nil
}

// scan looks at every folder of the store that is named like a backup.
func (s *Store) scan(ctx context.Context, device russet.UDID) ([]*found, error) {
	records, err := s.records()
	if err != nil {
		return nil, err
	}
	entries, err := s.dir.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var all []*found
	for _, e := range entries {
		udid, stamp, ok := facts.ParseName(e.Name())
		if !ok || (device != "" && udid != device) {
			continue
		}
		f, err := s.look(e, udid, stamp, records[e.Name()])
		if errors.Is(err, fs.ErrNotExist) {
			continue // exchanged or deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	tellApart(all)
	for _, f := range all {
		if err := s.adopt(ctx, f); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b *found) int {
		return cmp.Or(a.rec.Time.Compare(b.rec.Time), strings.Compare(a.folder, b.folder))
	})
	return all, nil
}

// look finds out what one folder is.
func (s *Store) look(e fs.DirEntry, device russet.UDID, stamp string, known []*record) (*found, error) {
	f := &found{folder: e.Name(), device: device, stamp: stamp}
	if !e.IsDir() {
		f.facts.Problem = "it is a link or a file, not a folder"
		f.make()
		return f, nil
	}
	dir, err := s.dir.Sub(e.Name())
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if f.facts, err = facts.Read(dir.FS()); err != nil {
		f.facts.Problem = fmt.Sprintf("it cannot be read: %v", err)
	}
	if i := slices.IndexFunc(known, func(r *record) bool { return r.Fingerprint == f.facts.Fingerprint }); i >= 0 {
		f.rec, f.stored = known[i], true
		return f, nil
	}
	if err := f.facts.ReadInfo(dir.FS(), time.Now()); err != nil && f.facts.Problem == "" {
		f.facts.Problem = fmt.Sprintf("Info.plist cannot be read: %v", err)
	}
	if i := slices.IndexFunc(known, func(r *record) bool { return s.isDamagedState(dir, r, &f.facts) }); i >= 0 {
		f.rec, f.stored = known[i], true
		f.facts.Problem = "Status.plist or Manifest.plist is damaged"
		return f, nil
	}
	f.make()
	return f, nil
}

// isDamagedState tells damage from the work of another program. A run writes
// all three lists anew; a Manifest.db can come out as it was when nothing has
// changed on the phone, but both property lists have dates. So a folder with
// the Manifest.db of a record is that backup with a wound, unless both lists
// are others and make sense.
func (s *Store) isDamagedState(dir *durable.Dir, r *record, now *facts.Facts) bool {
	sums, err := openSums(s.dir, sumsFile(r.ID))
	if err != nil || sums == nil {
		return false
	}
	defer sums.close() //nolint:errcheck // it was only read
	if !isAsListed(dir, sums, facts.ManifestDB) {
		return false
	}
	manifest, status := isAsListed(dir, sums, facts.ManifestPlist), isAsListed(dir, sums, facts.StatusPlist)
	return manifest || status || now.Problem != ""
}

// isAsListed reports whether a file has the bytes the list says. Names are
// asked for in order.
func isAsListed(dir *durable.Dir, sums *sumsReader, name string) bool {
	want, ok := sums.seek(name)
	if !ok || !want.known {
		return false
	}
	st, err := dir.Lstat(name)
	if err != nil || !st.Mode().IsRegular() || st.Size() != want.size {
		return false
	}
	f, err := dir.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	_, sum, err := hashFile(f, make([]byte, 256<<10))
	return err == nil && sum == want.sum
}

// make makes a record for a folder that has none.
func (f *found) make() {
	id := f.facts.Fingerprint
	if id == "" {
		id = f.folder
	}
	f.rec = &record{
		ID: facts.DerivedID(f.device, id), Folder: f.folder, Device: f.device, Fingerprint: f.facts.Fingerprint,
		Name: f.facts.Name, IOS: f.facts.IOS, Time: f.facts.Time.UTC(), Encrypted: f.facts.Encrypted,
		Archived: f.stamp != "",
	}
	if f.rec.Time.IsZero() && f.stamp != "" {
		if t, err := time.ParseInLocation("20060102-150405", f.stamp, time.Local); err == nil {
			f.rec.Time = t.UTC()
		}
	}
}

// adopt counts the files of a folder that has no record, and remembers what
// was found where that is possible: with an old backup it takes long.
func (s *Store) adopt(ctx context.Context, f *found) error {
	if f.stored || f.hidden || f.facts.Fingerprint == "" {
		return nil
	}
	dir, err := s.dir.Sub(f.folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	err = walkDisk(ctx, dir.FS(), func(name string, info fs.FileInfo) error {
		if facts.IsPayload(name) {
			f.rec.Files++
		}
		f.rec.Size += info.Size()
		return nil
	})
	if err != nil || s.readOnly != nil || f.facts.Problem != "" {
		return err
	}
	if err := s.saveRecord(f.rec); err != nil {
		s.log.Warn("a backup found in the store could not be recorded", "backup", f.rec.ID, "err", err)
		return nil
	}
	f.stored = true
	return nil
}

// tellApart sees to it that no two folders have one identity. An archived copy
// keeps the identity of the backup it was made of; the current folder with the
// same contents is not another backup, and not listed until the next run has
// changed it. Further copies go by their names.
func tellApart(all []*found) {
	slices.SortStableFunc(all, func(a, b *found) int { // who comes first keeps it
		return cmp.Or(first(b.stamp != "", a.stamp != ""), first(b.stored, a.stored), strings.Compare(a.folder, b.folder))
	})
	taken := map[russet.BackupID]bool{}
	for _, f := range all {
		if taken[f.rec.ID] && f.stamp == "" {
			f.hidden = true
		} else if taken[f.rec.ID] {
			r := *f.rec
			r.ID = facts.DerivedID(f.device, f.facts.Fingerprint+" "+f.folder)
			f.rec, f.stored = &r, false
		}
		taken[f.rec.ID] = true
	}
}

func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

// walkDisk visits the regular files of a folder, each folder's names in order.
// Other things (links, devices) are passed over.
func walkDisk(ctx context.Context, fsys fs.FS, visit func(name string, info fs.FileInfo) error) error {
	return fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !e.Type().IsRegular() {
			return ctx.Err()
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		return visit(name, info)
	})
}
