package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"russet"
	"russet/internal/plist"
	"russet/mobilesync"
)

// Import takes a finished backup from elsewhere as an archived one
// (the folder named after a device only ever holds a run of its own). One
// that the store has already is returned as it is. The source is not touched.
func (s *Store) Import(ctx context.Context, fsys fs.FS, opts russet.ImportOptions) (russet.Backup, error) {
	const doing = "import a backup"
	if err := s.writable(doing); err != nil {
		return russet.Backup{}, err
	}
	b, err := s.importBackup(ctx, fsys, opts)
	if err == nil {
		return b, nil
	}
	if e, ok := errors.AsType[*russet.Error](err); ok {
		e.Doing = doing
		return russet.Backup{}, e
	}
	return russet.Backup{}, fmt.Errorf("%s: %w", doing, err)
}

func (s *Store) importBackup(ctx context.Context, fsys fs.FS, opts russet.ImportOptions) (russet.Backup, error) {
	rec, err := describe(fsys, opts)
	if err != nil {
		return russet.Backup{}, err
	}
	all, err := s.scan(ctx, rec.Device)
	if err != nil {
		return russet.Backup{}, err
	}
	for _, f := range all {
		if !f.hidden && f.facts.problem == "" && (f.rec.ID == rec.ID || f.rec.Fingerprint == rec.Fingerprint) {
			return f.backup(s.opts.Name), nil
		}
	}
	in, err := s.receive()
	if err != nil {
		return russet.Backup{}, err
	}
	defer in.close()
	if err := in.fill(ctx, fsys, rec, opts); err != nil {
		return russet.Backup{}, err
	}
	if rec.Folder, err = in.publish(rec.Device, rec.Time); err != nil {
		return russet.Backup{}, err
	}
	return rec.backup(s.opts.Name), s.saveRecord(rec)
}

// describe finds out what is to be imported, and refuses what is not finished.
func describe(fsys fs.FS, opts russet.ImportOptions) (*record, error) {
	f, err := readFacts(fsys)
	if err == nil {
		err = f.readInfo(fsys, time.Now())
	}
	if err != nil {
		return nil, err
	}
	if f.problem != "" {
		return nil, (&found{facts: f}).usable("")
	}
	device, err := deviceOf(fsys)
	if err != nil {
		return nil, err
	}
	rec := &record{
		ID: opts.ID, Device: device, Fingerprint: f.fingerprint, Name: f.name, IOS: f.ios, Time: f.time.UTC(),
		Encrypted: f.encrypted, Archived: true, Note: opts.Note,
	}
	if rec.ID == "" {
		rec.ID = derivedID(device, f.fingerprint)
	}
	if !isID(string(rec.ID)) {
		return nil, &russet.Error{Kind: russet.Usage, What: fmt.Sprintf("%q is no name of a backup", rec.ID)}
	}
	return rec, nil
}

// deviceOf reads whose backup a folder is: Manifest.plist is the device's own
// word, Info.plist the computer's.
func deviceOf(fsys fs.FS) (russet.UDID, error) {
	m, err := mobilesync.ReadManifest(fsys)
	if err != nil {
		return "", notWhole(err)
	}
	if u := russet.UDID(m.Lockdown.UniqueDeviceID); u.Valid() {
		return u, nil
	}
	data, err := readSmall(fsys, infoPlist, maxInfo)
	if err != nil {
		return "", err
	}
	info, err := plist.ParseDict(data)
	if err == nil {
		for _, key := range []string{"Target Identifier", "Unique Identifier"} {
			// An archived copy's Target Identifier may be its folder's name.
			u, _, ok := parseName(info.String(key))
			if ok && len(u) == 40 {
				u = russet.UDID(strings.ToLower(string(u)))
			}
			if ok {
				return u, nil
			}
		}
	}
	return "", damaged("it does not say which device it is of")
}

// fill copies a backup into the store, looks whether it is whole, and reads
// back what was written.
func (in *incoming) fill(ctx context.Context, fsys fs.FS, rec *record, opts russet.ImportOptions) error {
	s := in.s
	sums, err := createSums(s.dir, sumsFile(rec.ID))
	if err != nil {
		return err
	}
	done, err := in.copyWith(ctx, fsys, sums, opts.Progress)
	if err = errors.Join(err, sums.close()); err == nil {
		rec.Files, rec.Size, rec.Added = done.files, done.size, done.size
		err = in.check(ctx, rec, opts.Passwords)
	}
	if err != nil {
		return errors.Join(err, s.dir.Remove(sumsFile(rec.ID)))
	}
	return nil
}
