package vault

import (
	"context"
	"fmt"
	"io/fs"

	"russet"
	"russet/internal/durable"
	"russet/internal/facts"
)

// contents is a backup opened for reading; it implements russet.Contents.
type contents struct {
	backup russet.Backup
	tree   *tree
	lock   *durable.Lock
}

// Open opens a backup for reading. It cannot be deleted while it is open.
func (s *Store) Open(ctx context.Context, id russet.BackupID) (russet.Contents, error) {
	c, err := s.open1(ctx, id, fmt.Sprintf("open the backup %s", id))
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (s *Store) open1(ctx context.Context, id russet.BackupID, doing string) (*contents, error) {
	if !facts.IsID(string(id)) {
		return nil, facts.NoBackup(id, doing)
	}
	lock, err := s.books.LockBackup(id, true, doing)
	if err != nil {
		return nil, err
	}
	all, err := s.glance(ctx)
	v, err := s.pick(all, err, id, doing)
	if err == nil && v.problem != "" {
		err = &russet.Error{Kind: russet.Damaged, Doing: doing, What: v.problem}
	}
	if err != nil {
		lock.Unlock() //nolint:errcheck // it lets go in any case
		return nil, err
	}
	return &contents{
		backup: v.backup(s.opts.Name), lock: lock,
		tree: openTree(context.WithoutCancel(ctx), s.depot, v.Root, v.rec.Time),
	}, nil
}

// Backup describes it.
func (c *contents) Backup() russet.Backup { return c.backup }

// Folder is the backup as the device wrote it. Its files implement
// mobilesync.Plain, so that it opens without the backup's password.
func (c *contents) Folder() fs.FS { return c.tree }

// Close lets go of it.
func (c *contents) Close() error { return c.lock.Unlock() }
