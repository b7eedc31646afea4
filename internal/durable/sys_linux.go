package durable

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// exchange: renameat2 is in Linux since 3.15; file systems without it say
// EINVAL, old kernels ENOSYS.
func exchange(d *Dir, name string, to *Dir, other string) error {
	err := unix.Renameat2(int(d.file.Fd()), name, int(to.file.Fd()), other, unix.RENAME_EXCHANGE)
	runtime.KeepAlive(d)
	runtime.KeepAlive(to)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return errors.ErrUnsupported
	}
	return err
}

// syncAll: syncfs reports write errors of the file system since Linux 5.8.
func syncAll(f *os.File) error {
	return pathError("sync", f, retry(func() error { return unix.Syncfs(int(f.Fd())) }))
}

func cloneFrom(d *Dir, src *os.File, name string, perm fs.FileMode) error {
	dst, err := d.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return err
	}
	err = unix.IoctlFileClone(int(dst.Fd()), int(src.Fd()))
	if err = errors.Join(err, dst.Close()); err != nil {
		return errors.Join(err, d.root.Remove(name))
	}
	return nil
}

func freeBytes(st *unix.Statfs_t) int64 {
	size := st.Frsize // the unit of the counts; some file systems leave it 0
	if size == 0 {
		size = st.Bsize
	}
	return bytesOf(st.Bavail, uint64(size))
}

func bytesOf(blocks, size uint64) int64 {
	if size != 0 && blocks > math.MaxInt64/size {
		return math.MaxInt64
	}
	return int64(blocks * size)
}
