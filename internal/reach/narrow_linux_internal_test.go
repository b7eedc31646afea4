package reach

import (
	"net"
	"strconv"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"russet/device/lockdown"
)

// narrowPath passes on to the n-th address what comes in packets of at most
// 1280 bytes. On a connection with larger ones everything ends with the first.
func narrowPath(t *testing.T, conn net.Conn, n int, wide *atomic.Int64) {
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Error(err)
		return
	}
	segment := 0
	if err := raw.Control(func(fd uintptr) { segment, _ = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG) }); err != nil {
		t.Error(err)
	}
	if segment > 1220 {
		wide.Add(1)
	}
	phone, err := net.Dial("tcp", net.JoinHostPort(lair(n).String(), strconv.Itoa(lockdown.Port)))
	if err != nil {
		t.Error(err)
		return
	}
	t.Cleanup(func() { _, _ = conn.Close(), phone.Close() })
	pass := func(from, to net.Conn) {
		for buf := make([]byte, 1<<16); ; {
			n, err := from.Read(buf)
			if err != nil {
				_ = to.Close()
				return
			}
			if segment > 1220 && n > 1000 {
				return
			}
			_, _ = to.Write(buf[:n])
		}
	}
	go pass(conn, phone)
	go pass(phone, conn)
}

// TestNarrowPath: a phone behind a tunnel that drops large packets without a word
// is found with small ones, the next time at once.
func TestNarrowPath(t *testing.T) {
	t.Parallel()
	ds := devicesIn(t, t.TempDir())
	_, w := onNetwork(t, 400)
	var wide atomic.Int64
	listen(t, 401, func(conn net.Conn) { narrowPath(t, conn, 400, &wide) })
	w.fixed = []string{lair(401).String()}
	for i := range 2 {
		n := &hunt{ds: ds, missing: []*wanted{w}, all: []*wanted{w}, fresh: true}
		n.run(t.Context())
		if len(n.found) != 1 || wide.Load() != 1 {
			t.Fatalf("search %d: %d found, %d connections with large packets: %v", i, len(n.found), wide.Load(), n.tries)
		}
	}
}
