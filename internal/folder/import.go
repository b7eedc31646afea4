package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"russet"
	"russet/internal/facts"
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
		if !f.hidden && f.facts.Problem == "" && (f.rec.ID == rec.ID || f.rec.Fingerprint == rec.Fingerprint) {
			return f.backup(s.opts.Name), nil
		}
	}
	in, err := s.receive()
	if err != nil {
		return russet.Backup{}, err
	}
	defer in.close()
	h := s.held(fsys, all, rec)
	if err := errors.Join(in.fill(ctx, fsys, h, rec, opts), h.close()); err != nil {
		return russet.Backup{}, err
	}
	if rec.Folder, err = in.publish(rec.Device, rec.Time); err != nil {
		return russet.Backup{}, err
	}
	return rec.backup(s.opts.Name), s.saveRecord(rec)
}

// describe finds out what is to be imported, and refuses what is not finished.
func describe(fsys fs.FS, opts russet.ImportOptions) (*record, error) {
	f, device, id, err := facts.Importable(fsys, opts.ID)
	if err != nil {
		return nil, err
	}
	rec := &record{
		ID: id, Device: device, Fingerprint: f.Fingerprint, Name: f.Name, IOS: f.IOS, Time: f.Time.UTC(),
		Encrypted: f.Encrypted, Archived: true, Note: opts.Note,
	}
	return rec, nil
}

// fill copies a backup into the store, looks whether it is whole, and reads
// back what was written.
func (in *incoming) fill(ctx context.Context, fsys fs.FS, h *held, rec *record, opts russet.ImportOptions) error {
	s := in.s
	sums, err := createSums(s.dir, sumsFile(rec.ID))
	if err != nil {
		return err
	}
	done, err := in.copyWith(ctx, fsys, h, sums, opts.Progress)
	if err = errors.Join(err, sums.close()); err == nil {
		rec.Files, rec.Size, rec.Added = done.files, done.size, done.size
		err = in.check(ctx, rec, opts.Passwords)
	}
	if err != nil {
		return errors.Join(err, s.dir.Remove(sumsFile(rec.ID)))
	}
	return nil
}
