//go:build unix

package doctor

import (
	"io/fs"
	"os"
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

// SharedGroup is the group whose members may use a file that not all may use;
// false if no group may.
func SharedGroup(name string) (gid int, ok bool) {
	info, err := os.Stat(name)
	if err != nil {
		return 0, false
	}
	_, gid = owners(info)
	return gid, gid > 0 && info.Mode().Perm()&0o060 == 0o060
}
