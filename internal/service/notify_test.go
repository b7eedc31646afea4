package service_test

import (
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// The service manager hears when the service answers, and that it ends.
func TestServiceManager(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no service manager like that there")
	}
	path := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	defer manager.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	l := newLab(t)
	l.serve()
	l.end()
	must(t, manager.SetReadDeadline(time.Now().Add(time.Second)))
	var heard []string
	buf := make([]byte, 4<<10)
	for len(heard) < 2 {
		n, err := manager.Read(buf)
		must(t, err)
		heard = append(heard, strings.Split(string(buf[:n]), "\n")[0])
	}
	if !slices.Equal(heard, []string{"READY=1", "STOPPING=1"}) {
		t.Errorf("it heard %q", heard)
	}
}
