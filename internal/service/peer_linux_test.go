package service_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"russet/internal/service"
)

// Somebody else is turned away even where the modes of the files would let them
// in.
func TestSomebodyElse(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil || os.Getuid() != 0 {
		t.Skip("needs root, to be somebody else, and curl")
	}
	l := newLab(t)
	l.serve()
	path := service.SocketPath(l.dir)
	must(t, os.Chmod(path, 0o666))
	for dir := l.dir; dir != os.TempDir(); dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o755))
	}
	for _, c := range []struct {
		uid     uint32
		answers bool
	}{{0, true}, {65534, false}} {
		cmd := exec.Command(curl, "--silent", "--fail", "--max-time", "5", "--unix-socket", path, "http://russet/v1/hello")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.uid, Gid: c.uid}}
		out, err := cmd.CombinedOutput()
		if (err == nil) != c.answers || (len(out) > 0) != c.answers {
			t.Errorf("user %d: %v, %q", c.uid, err, out)
		}
	}
	until(t, "it is said who came", func() bool {
		return strings.Contains(l.log.String(), "somebody else knocked at the local socket\" uid=65534")
	})
	l.client() // and we are still heard
}
