package folder

import (
	"errors"
	"io/fs"
	"strings"

	"russet"
	"russet/internal/durable"
	"russet/internal/facts"
)

// trash removes a folder in a way that a crash cannot leave half of it under
// its name. label is the backup others may have open; it stays as long.
func (s *Store) trash(name, label string) error {
	into, err := s.dir.Sub(trashDir)
	if err != nil {
		return err
	}
	defer into.Close()
	err = s.dir.Rename(name, trashDir+"/"+label+"."+facts.NewID())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(into.SyncDir(), s.emptyTrash(into))
}

// emptyTrash removes what nobody reads any more.
func (s *Store) emptyTrash(dir *durable.Dir) error {
	entries, err := dir.ReadDir(".")
	for _, e := range entries {
		label, _, _ := strings.Cut(e.Name(), ".")
		if !facts.IsID(label) {
			continue
		}
		lock, e2 := s.books.LockBackup(russet.BackupID(label), false, "empty the trash")
		if russet.KindOf(e2) == russet.Busy {
			continue
		}
		if e2 == nil {
			e2 = errors.Join(dir.RemoveAll(e.Name()), s.dir.Remove(s.books.LockFile("backup-"+label)), lock.Unlock())
		}
		err = errors.Join(err, e2)
	}
	return err
}

// sweep removes what interrupted runs left in trash and incoming.
func (s *Store) sweep() error {
	into, err := s.dir.Sub(trashDir)
	if err != nil {
		return err
	}
	defer into.Close()
	err = s.emptyTrash(into)
	lock, e := s.books.Lock("incoming", false, "sweep the store", "a backup is being copied")
	if e != nil {
		if russet.KindOf(e) == russet.Busy {
			e = nil
		}
		return errors.Join(err, e)
	}
	entries, e := s.dir.ReadDir(incomingDir)
	for _, x := range entries {
		e = errors.Join(e, s.dir.RemoveAll(incomingDir+"/"+x.Name()))
	}
	return errors.Join(err, e, lock.Unlock())
}
