package durable

import (
	"errors"
	"io/fs"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// exchange: APFS and HFS+ swap two names; others say ENOTSUP.
func exchange(d *Dir, name string, to *Dir, other string) error {
	err := unix.RenameatxNp(int(d.file.Fd()), name, int(to.file.Fd()), other, unix.RENAME_SWAP)
	runtime.KeepAlive(d)
	runtime.KeepAlive(to)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EINVAL) {
		return errors.ErrUnsupported
	}
	return err
}

// syncAll: macOS has only sync(2), which schedules and does not wait.
func syncAll(*os.File) error { return errors.ErrUnsupported }

// cloneFrom: a clone on APFS is a new name with the permissions of its source.
func cloneFrom(d *Dir, src *os.File, name string, _ fs.FileMode) error {
	err := unix.Fclonefileat(int(src.Fd()), int(d.file.Fd()), name, 0)
	runtime.KeepAlive(d)
	return err
}

func freeBytes(st *unix.Statfs_t) int64 { return int64(st.Bavail) * int64(st.Bsize) }
