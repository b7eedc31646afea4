package device

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strconv"
	"syscall"
	"time"
)

// Network is a [Dialer] for a device that is reached over TCP: on the same
// Wi-Fi, or through a VPN. lockdownd and the services it starts listen there on
// the ports they have on the cable, but only while EnableWifiConnections is on.
// A device cannot be paired over it.
type Network struct {
	// Host is an address or a name: "192.168.1.20", "fe80::1%eth0" (a link-local
	// address means nothing without its interface), "phone.example.net".
	Host string
	// Narrow keeps packets to what every path carries, 1280 bytes: for one that
	// drops larger ones and tells nobody, as tunnels do. Only Linux obeys.
	Narrow bool
}

// DialPort connects to a port of the device. A device that sleeps may take
// some seconds to answer, one that has gone does not answer at all: ctx bounds
// the wait. A system gives up earlier when nobody owns up to the address, which
// it asks for by broadcast, three times in three seconds: a doze, a radio hole
// or bad luck. It is asked again.
func (n Network) DialPort(ctx context.Context, port uint16) (net.Conn, error) {
	if n.Host == "" {
		return nil, errors.New("a device without an address")
	}
	return redial(ctx, func() (net.Conn, error) {
		d := net.Dialer{}
		if n.Narrow {
			d.Control = narrow
		}
		return d.DialContext(ctx, "tcp", net.JoinHostPort(n.Host, strconv.Itoa(int(port))))
	})
}

// arpTime is the least time in which a system gives up an address that nobody
// owns up to. An error that comes sooner is somebody's answer: a router's, or that
// of this computer's own firewall.
const arpTime = time.Second

// redial dials until that succeeds, fails for good, or ctx ends.
func redial(ctx context.Context, dial func() (net.Conn, error)) (net.Conn, error) {
	var nobody error
	for {
		began := time.Now()
		conn, err := dial()
		switch {
		case err == nil:
			return conn, nil
		case ctx.Err() != nil:
			return nil, errors.Join(context.Cause(ctx), cmp.Or(nobody, err))
		case !errors.Is(err, syscall.EHOSTUNREACH) && !errors.Is(err, syscall.EHOSTDOWN), time.Since(began) < arpTime:
			return nil, err
		}
		nobody = err
	}
}

// String is the address.
func (n Network) String() string { return n.Host }

// tcpOf finds the TCP connection below what wraps it, if there is one.
func tcpOf(conn net.Conn) (*net.TCPConn, bool) {
	for {
		if tcp, ok := conn.(*net.TCPConn); ok {
			return tcp, true
		}
		wrapper, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return nil, false
		}
		conn = wrapper.NetConn()
	}
}
