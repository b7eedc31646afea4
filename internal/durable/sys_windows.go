package durable

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

func renameTo(d *Dir, name string, to *Dir, newName string) error {
	return os.Rename(filepath.Join(d.Path(), name), filepath.Join(to.Path(), newName))
}

func linkTo(d *Dir, name string, to *Dir, newName string) error {
	return os.Link(filepath.Join(d.Path(), name), filepath.Join(to.Path(), newName))
}

func exchange(*Dir, string, *Dir, string) error { return errors.ErrUnsupported }

func syncAll(*os.File) error { return errors.ErrUnsupported }

// syncDir: Windows has no sync for folders; NTFS journals their changes.
func syncDir(*os.File) error { return nil }

func syncFile(f *os.File) error { return f.Sync() }

func cloneFrom(*Dir, *os.File, string, fs.FileMode) error { return errors.ErrUnsupported }

// lockedAt lies behind all contents: locks of Windows keep others from reading.
const lockedAt = 1 << 20

func lockFile(f *os.File, shared bool) error {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if !shared {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &windows.Overlapped{Offset: lockedAt})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return ErrLocked
	}
	if err != nil {
		return &fs.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
	return nil
}

// unlockFile: files are not inherited here unless asked for, so that closing does.
func unlockFile(*os.File) error { return nil }

func free(f *os.File) (int64, error) {
	path, err := windows.UTF16PtrFromString(f.Name())
	if err != nil {
		return 0, &fs.PathError{Op: "free space", Path: f.Name(), Err: err}
	}
	var forUs, total, all uint64
	if err := windows.GetDiskFreeSpaceEx(path, &forUs, &total, &all); err != nil {
		return 0, &fs.PathError{Op: "free space", Path: f.Name(), Err: err}
	}
	return int64(min(forUs, math.MaxInt64)), nil
}

func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}
