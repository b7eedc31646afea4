//go:build unix && !linux && !darwin

package durable

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

func exchange(*Dir, string, *Dir, string) error { return errors.ErrUnsupported }

func syncAll(*os.File) error { return errors.ErrUnsupported }

func cloneFrom(*Dir, *os.File, string, fs.FileMode) error { return errors.ErrUnsupported }

func freeBytes(st *unix.Statfs_t) int64 { return int64(st.Bavail) * int64(st.Bsize) }
