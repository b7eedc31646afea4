package service

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"russet"
)

// socketName is the local socket in a home.
const socketName = "serve.sock"

// maxSocketPath is how long the path of a socket may be everywhere, in bytes:
// sun_path has 104 on macOS and the BSDs, 108 on Linux and Windows, with a NUL
// at the end; ".new" is put behind it for a moment.
const maxSocketPath = 98

// SocketPath is where the service of a home listens: in the home or, when that
// path is too long for a socket, in the folder the system keeps for a running
// person's sockets, under a name that follows from the home.
func SocketPath(home string) string {
	path := filepath.Join(home, socketName)
	if len(path) <= maxSocketPath {
		return path
	}
	return filepath.Join(runtimeDir(), elsewhere(home))
}

// elsewhere is the name of the socket of a home when it is not in the home.
func elsewhere(home string) string {
	sum := sha256.Sum256([]byte(filepath.Clean(home)))
	return "russet-" + hex.EncodeToString(sum[:8]) + ".sock"
}

// findSocket is SocketPath or, if told, where the service of a home left word that
// it is: whoever asks may have another runtime folder, as under sudo or cron. In a
// copy of a home that word is about the other one.
func findSocket(home string) (path string, told bool) {
	path, err := os.Readlink(filepath.Join(home, socketName))
	if err == nil && filepath.Base(path) == elsewhere(home) {
		return path, true
	}
	return SocketPath(home), false
}

// leaveWord tells in the home where the socket is, if that is elsewhere.
func leaveWord(home, path string) error {
	link := filepath.Join(home, socketName)
	if path == link {
		return nil
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(path, link)
}

// runtimeDir is a folder with a short path that is ours alone.
func runtimeDir() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) && len(dir) < maxSocketPath-30 {
		return dir
	}
	if runtime.GOOS == "windows" {
		return os.TempDir() // one per person there
	}
	return filepath.Join("/tmp", "russet-"+strconv.Itoa(os.Getuid()))
}

// ownDir makes sure that the folder of a socket is ours and nobody else's: in
// /tmp anybody could have made it first.
func ownDir(dir string, create bool) error {
	if create {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make the folder of the local socket: %w", err)
		}
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || !ownedByUs(info) {
		return &russet.Error{
			Kind: russet.Usage, Doing: "use the local socket", What: fmt.Sprintf("%q belongs to somebody else", dir),
			Hint: "remove it, or set XDG_RUNTIME_DIR to a folder of your own",
		}
	}
	return nil
}

// listenLocal opens the local socket. Whoever calls it owns the home, so what
// lies at that path was left by a service that is gone.
func listenLocal(path string) (net.Listener, error) {
	if filepath.Base(path) != socketName {
		if err := ownDir(filepath.Dir(path), true); err != nil {
			return nil, err
		}
	}
	info, err := os.Lstat(path)
	if err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		return nil, &russet.Error{
			Kind: russet.Usage, Doing: "open the local socket", What: fmt.Sprintf("a file is in its place: %q", path),
			Hint: "move it away",
		}
	}
	for _, old := range []string{path, path + ".new"} {
		if err := os.Remove(old); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("remove the local socket of an earlier service: %w", err)
		}
	}
	l, err := bindLocal(path)
	if err != nil {
		return nil, fmt.Errorf("open the local socket: %w", err)
	}
	return l, nil
}

// onlyOurs accepts connections of this person (and of the system's
// administrator) where the system tells whose they are.
type onlyOurs struct {
	net.Listener
	log *slog.Logger
}

// Accept implements net.Listener.
func (l onlyOurs) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		uid, known, err := peer(conn)
		if err == nil && (!known || mayTalk(uid)) {
			return conn, nil
		}
		l.log.Warn("somebody else knocked at the local socket", "uid", uid, "error", err)
		conn.Close()
	}
}

// mayTalk: the same person, or the administrator.
func mayTalk(uid int) bool { return uid == os.Getuid() || uid == 0 }
