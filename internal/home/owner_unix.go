//go:build unix

package home

import (
	"io/fs"
	"os"
	"syscall"
)

// administrator reports whether this process may do everything.
func administrator() bool { return os.Geteuid() == 0 }

// ownerOf is the number of the user to whom a file belongs.
func ownerOf(info fs.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid)
	}
	return 0
}
