//go:build unix

package service

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// bindLocal binds a socket that is never open to others, not even before its
// mode is set.
func bindLocal(path string) (net.Listener, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path + ".new"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // by then it has another name
	err = os.Chmod(path+".new", 0o600)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(path+".new"))
	}
	return renamed{l, path}, nil
}

// renamed is a socket that was bound under another name than it has.
type renamed struct {
	*net.UnixListener
	path string
}

// Close implements net.Listener.
func (r renamed) Close() error {
	err := r.UnixListener.Close()
	if err == nil { // only the first time
		err = os.Remove(r.path)
	}
	return err
}

// ownedByUs reports whether a folder is ours and closed to others.
func ownedByUs(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Getuid() && info.Mode().Perm()&0o077 == 0
}

// isRefused: there is a socket, and nobody behind it.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
