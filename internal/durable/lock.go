package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// ErrLocked is the error of a lock that someone else holds.
var ErrLocked = errors.New("held by another")

// Lock is a lock on a name. The system lets go of it when the process ends,
// however it ends. Two locks of one process exclude each other like those of
// two.
type Lock struct{ f *os.File }

// Lock takes the lock called name, a file in d that is made when absent and
// never removed: removing it would let two hold two files of one name. A
// shared lock excludes only one that is not. ErrLocked when it is held.
func (d *Dir) Lock(name string, shared bool) (*Lock, error) {
	f, err := d.root.OpenFile(filepath.FromSlash(name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f, shared); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Lock{f: f}, nil
}

// Unlock lets go; a nil lock is none.
func (l *Lock) Unlock() error {
	if l == nil {
		return nil
	}
	// Closing alone does not do: a process that is just being started holds a
	// copy of every open file until it has become another program.
	return errors.Join(unlockFile(l.f), l.f.Close())
}
