package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"russet"
	"russet/internal/durable"
	"russet/internal/facts"
)

// contents is a backup opened for reading; it implements russet.Watched.
type contents struct {
	backup russet.Backup
	root   *durable.Dir // the store's
	dir    *durable.Dir
	lock   *durable.Lock
}

// Open opens a backup for reading. It cannot be deleted while it is open, and
// a run that replaces it leaves what is open alone.
func (s *Store) Open(ctx context.Context, id russet.BackupID) (russet.Contents, error) {
	return s.open(ctx, id, fmt.Sprintf("open the backup %s", id))
}

func (s *Store) open(ctx context.Context, id russet.BackupID, doing string) (*contents, error) {
	if !facts.IsID(string(id)) {
		return nil, facts.NoBackup(id, doing)
	}
	c := &contents{root: s.dir}
	var err error
	if s.readOnly == nil { // else nobody of ours can delete it either
		if c.lock, err = s.books.LockBackup(id, true, doing); err != nil {
			return nil, err
		}
	}
	if err := s.openInto(ctx, c, id, doing); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (s *Store) openInto(ctx context.Context, c *contents, id russet.BackupID, doing string) error {
	f, err := s.find(ctx, id, doing)
	if err != nil {
		return err
	}
	if err := f.facts.Usable(doing); err != nil {
		return err
	}
	if c.dir, err = s.dir.Sub(f.folder); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	now, err := facts.Read(c.dir.FS())
	if err == nil && now.Fingerprint != f.facts.Fingerprint {
		err = &russet.Error{Kind: russet.Busy, What: "a run has just replaced it", Hint: "list the backups again"}
	}
	c.backup = f.backup(s.opts.Name)
	return err
}

// Backup describes it.
func (c *contents) Backup() russet.Backup { return c.backup }

// Folder is the backup as the device wrote it.
func (c *contents) Folder() fs.FS { return c.dir.FS() }

// Close lets go of it.
func (c *contents) Close() error {
	var err error
	if c.dir != nil {
		err = c.dir.Close()
	}
	return errors.Join(err, c.lock.Unlock())
}
