package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"russet"
	"russet/internal/durable"
	"russet/internal/facts"
)

// Archive keeps a backup until a person says otherwise. The current backup is
// copied, sharing its blocks where the file system can: the copy keeps the
// identity, and the current folder is the same backup until the next run.
func (s *Store) Archive(ctx context.Context, id russet.BackupID, note string) (russet.Backup, error) {
	doing := fmt.Sprintf("archive the backup %s", id)
	if err := s.writable(doing); err != nil {
		return russet.Backup{}, err
	}
	c, err := s.open(ctx, id, doing)
	if err != nil {
		return russet.Backup{}, err
	}
	defer c.Close()
	f, err := s.find(ctx, id, doing)
	if err != nil {
		return russet.Backup{}, err
	}
	rec := *f.rec
	rec.Archived, rec.Note = true, note
	if f.stamp == "" {
		rec.Folder, err = s.copyAside(ctx, c, &rec)
	}
	if err == nil {
		err = s.saveRecord(&rec)
	}
	if err != nil {
		return russet.Backup{}, fmt.Errorf("%s: %w", doing, err)
	}
	return rec.backup(s.opts.Name), nil
}

// copyAside copies an open backup to a folder of its own and returns its name.
func (s *Store) copyAside(ctx context.Context, c *contents, rec *record) (string, error) {
	in, err := s.receive()
	if err != nil {
		return "", err
	}
	defer in.close()
	if _, err := in.copy(ctx, c.dir.FS(), nil); err != nil {
		return "", err
	}
	f, err := facts.Read(in.dir.FS())
	if err != nil {
		return "", err
	}
	if f.Fingerprint != rec.Fingerprint {
		return "", &russet.Error{Kind: russet.Busy, What: "another program changed it meanwhile", Hint: "try again later"}
	}
	return in.publish(rec.Device, rec.Time)
}

// Unarchive makes an archived backup deletable again; it stays where it is.
func (s *Store) Unarchive(ctx context.Context, id russet.BackupID) (russet.Backup, error) {
	doing := fmt.Sprintf("unarchive the backup %s", id)
	if err := s.writable(doing); err != nil {
		return russet.Backup{}, err
	}
	f, err := s.find(ctx, id, doing)
	if err != nil {
		return russet.Backup{}, err
	}
	f.rec.Archived = false
	if err := s.saveRecord(f.rec); err != nil {
		return russet.Backup{}, fmt.Errorf("%s: %w", doing, err)
	}
	return f.backup(s.opts.Name), nil
}

// Delete removes a backup or a draft for good.
func (s *Store) Delete(ctx context.Context, id russet.BackupID) error {
	doing := fmt.Sprintf("delete the backup %s", id)
	if err := s.writable(doing); err != nil {
		return err
	}
	if gone, err := s.books.Delete(id, doing, s.trash); gone || err != nil {
		return err
	}
	f, err := s.find(ctx, id, doing)
	if err != nil {
		return err
	}
	if f.rec.Archived {
		return &russet.Error{
			Kind: russet.Usage, Doing: doing, What: "it is archived, to be kept until you say otherwise",
			Hint: fmt.Sprintf("russet unarchive %s, then delete it", id),
		}
	}
	if f.stamp == "" {
		lock, err := s.books.LockDevice(f.device, doing)
		if err != nil {
			return err
		}
		defer lock.Unlock() //nolint:errcheck // it lets go in any case
	}
	if err := s.deleteFolder(ctx, f, doing); err != nil {
		if russet.KindOf(err) != russet.Failed {
			return err
		}
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func (s *Store) deleteFolder(ctx context.Context, f *found, doing string) error {
	lock, err := s.books.LockBackup(f.rec.ID, false, doing)
	if err != nil {
		return err
	}
	err = s.dir.Rename(f.folder, trashDir+"/"+string(f.rec.ID)+"."+facts.NewID())
	if err = errors.Join(err, lock.Unlock()); err != nil {
		return err
	}
	// The folder is gone; its record must not lend its identity to the current
	// folder with the same contents.
	if f.stamp != "" {
		err = s.renew(ctx, f)
	}
	return errors.Join(s.dir.SyncDir(), err, s.dropRecord(f.rec.ID), s.sweep())
}

// renew gives the current folder an identity of its own when the archived copy
// that it was the same as is deleted.
func (s *Store) renew(ctx context.Context, gone *found) error {
	now, err := s.current(ctx, gone.device)
	if err != nil || now == nil || now.facts.Fingerprint != gone.facts.Fingerprint || now.rec.ID != gone.rec.ID {
		return err
	}
	rec := *gone.rec
	rec.ID, rec.Folder, rec.Archived, rec.Note = russet.BackupID(facts.NewID()), now.folder, false, ""
	err = s.dir.Rename(sumsFile(gone.rec.ID), sumsFile(rec.ID))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, s.saveRecord(&rec))
}

// incoming is a backup on its way into the store.
type incoming struct {
	s    *Store
	name string
	dir  *durable.Dir
	lock *durable.Lock // keeps others from sweeping it away
}

func (s *Store) receive() (*incoming, error) {
	in := &incoming{s: s, name: incomingDir + "/" + facts.NewID()}
	var err error
	if in.lock, err = s.books.Lock("incoming", true, "copy a backup", "another russet is sweeping the store"); err != nil {
		return nil, err
	}
	if in.dir, err = s.dir.MakeSub(in.name, public); err != nil {
		return nil, errors.Join(err, in.lock.Unlock())
	}
	return in, nil
}

// publish makes the copy durable and gives it the name of an archived backup,
// after the local time the device finished it.
func (in *incoming) publish(device russet.UDID, finished time.Time) (string, error) {
	s := in.s
	if err := s.sync(func() error { return syncTree(in.dir, true) }); err != nil {
		return "", err
	}
	for ; ; finished = finished.Add(time.Second) {
		name := string(device) + "-" + stamp(finished)
		if taken, err := s.dir.Exists(name); err != nil {
			return "", err
		} else if taken {
			continue
		}
		if err := s.dir.Rename(in.name, name); err != nil {
			return "", err
		}
		return name, s.dir.SyncDir()
	}
}

// close removes what was not published.
func (in *incoming) close() {
	err := errors.Join(in.dir.Close(), in.s.dir.RemoveAll(in.name), in.lock.Unlock())
	if err != nil {
		in.s.log.Warn("an unfinished copy could not be removed", "err", err)
	}
}
