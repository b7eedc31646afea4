//go:build unix

package doctor

import (
	"io/fs"
	"syscall"
)

// owners are the user and the group a file belongs to.
func owners(info fs.FileInfo) (uid, gid int) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, -1
	}
	return int(st.Uid), int(st.Gid)
}

// appleService is Windows' alone.
func appleService() string { return "" }
