//go:build unix

package durable

import (
	"errors"
	"io/fs"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

func renameTo(d *Dir, name string, to *Dir, newName string) error {
	err := unix.Renameat(int(d.file.Fd()), name, int(to.file.Fd()), newName)
	runtime.KeepAlive(d)
	runtime.KeepAlive(to)
	return err
}

func linkTo(d *Dir, name string, to *Dir, newName string) error {
	err := unix.Linkat(int(d.file.Fd()), name, int(to.file.Fd()), newName, 0)
	runtime.KeepAlive(d)
	runtime.KeepAlive(to)
	return err
}

// syncDir: some network file systems have no sync for folders and say EINVAL;
// they write names through.
func syncDir(f *os.File) error {
	err := retry(func() error { return unix.Fsync(int(f.Fd())) })
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	return pathError("sync", f, err)
}

func syncFile(f *os.File) error {
	return pathError("sync", f, retry(func() error { return unix.Fsync(int(f.Fd())) }))
}

func lockFile(f *os.File, shared bool) error {
	how := unix.LOCK_EX
	if shared {
		how = unix.LOCK_SH
	}
	err := retry(func() error { return unix.Flock(int(f.Fd()), how|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrLocked
	}
	return pathError("lock", f, err)
}

func unlockFile(f *os.File) error {
	return pathError("unlock", f, retry(func() error { return unix.Flock(int(f.Fd()), unix.LOCK_UN) }))
}

func free(f *os.File) (int64, error) {
	var st unix.Statfs_t
	err := retry(func() error { return unix.Fstatfs(int(f.Fd()), &st) })
	if err != nil {
		return 0, pathError("statfs", f, err)
	}
	return freeBytes(&st), nil
}

func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func pathError(op string, f *os.File, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: f.Name(), Err: err}
}

func isFull(error) bool { return false }
