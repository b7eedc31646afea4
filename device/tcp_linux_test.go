package device_test

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"russet/device"
)

// TestPatience looks at the settings of a connection over TCP: a dead link is
// noticed, but not within a minute.
func TestPatience(t *testing.T) {
	p := phone(t, "")
	rec := pair(t, p)
	client := muxWith(t, p, "tcp", "127.0.0.1:0")
	var last net.Conn
	client.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		last = conn
		return conn, err
	}
	devices, err := client.Devices(t.Context())
	if err != nil || len(devices) != 1 {
		t.Fatalf("%d devices, %v", len(devices), err)
	}
	dev, err := device.Connect(t.Context(), devices[0], rec, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dev.Close() }()
	patient(t, last.(*net.TCPConn))
}

// wrapped is a connection in another, as package link makes them.
type wrapped struct{ net.Conn }

func (w wrapped) NetConn() net.Conn { return w.Conn }

func TestPatienceBelow(t *testing.T) {
	p := phone(t, "")
	rec := pair(t, p)
	if err := p.JoinNetwork(netip.AddrFrom4([4]byte{127, 83, 1, 3})); err != nil {
		t.Skip("this system has no other loopback addresses:", err)
	}
	if err := p.SetWifi(true); err != nil {
		t.Fatal(err)
	}
	var last net.Conn
	d := dialer(func(ctx context.Context, port uint16) (net.Conn, error) {
		conn, err := device.Network{Host: "127.83.1.3"}.DialPort(ctx, port)
		last = conn
		return wrapped{conn}, err
	})
	dev, err := device.Connect(t.Context(), d, rec, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dev.Close() }()
	patient(t, last.(*net.TCPConn))
}

// patient looks at the settings of a connection.
func patient(t *testing.T, conn *net.TCPConn) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	option := func(level, name int) (n int) {
		var optErr error
		err := raw.Control(func(fd uintptr) { n, optErr = unix.GetsockoptInt(int(fd), level, name) })
		if err != nil || optErr != nil {
			t.Fatal(err, optErr)
		}
		return n
	}
	if ms := option(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); ms < 60_000 {
		t.Errorf("sent data may stay unanswered for %d ms", ms)
	}
	idle, interval, count := option(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE), option(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL), option(unix.IPPROTO_TCP, unix.TCP_KEEPCNT)
	if total := idle + interval*count; option(unix.SOL_SOCKET, unix.SO_KEEPALIVE) == 0 || total < 60 || total > 300 {
		t.Errorf("a silent link is given up after %d+%d*%d s", idle, interval, count)
	}
}
