package mdns

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

const (
	// port is the one of multicast DNS; what comes from another is no answer
	// (RFC 6762, 6).
	port = 5353
	// hops is what packets are sent with, so that nobody can forge one from
	// outside (RFC 6762, 11).
	hops = 255
	// perSecond bounds how many packets one socket reads. On a network of
	// thousands of machines some tens arrive.
	perSecond = 200
	// maxFailures is how many reads may fail in a row. Windows reports packets
	// that were refused elsewhere.
	maxFailures = 10
)

// A family is IPv4 or IPv6.
type family struct {
	network string
	group   net.IP
}

// families are all there are; sockets are kept in arrays of this order.
var families = [2]family{
	{"udp4", net.IPv4(224, 0, 0, 251)},
	{"udp6", net.ParseIP("ff02::fb")},
}

// A socket sends to the group and hears answers: the shared one on port 5353,
// or one of an interface, on a port of its own.
type socket struct {
	conn   *net.UDPConn
	family family
	p4     *ipv4.PacketConn // one of these
	p6     *ipv6.PacketConn
	id     uint16 // of our questions; 0 on the shared one
	direct bool
	iface  int         // index, of a direct one
	dead   atomic.Bool // its reader has given up
}

// openShared listens on port 5353. Go lets others have the port as well when
// the address is that of a group.
func openShared(f family) (*socket, error) {
	conn, err := net.ListenUDP(f.network, &net.UDPAddr{IP: f.group, Port: port})
	if err != nil {
		return nil, err
	}
	return newSocket(conn, f)
}

// openDirect opens a port for an interface.
func openDirect(f family, i *net.Interface) (*socket, error) {
	conn, err := net.ListenUDP(f.network, nil)
	if err != nil {
		return nil, err
	}
	s, err := newSocket(conn, f)
	if err != nil {
		return nil, err
	}
	s.direct, s.iface = true, i.Index
	s.id = uint16(1 + rand.N(1<<16-1))
	return s, nil
}

func newSocket(conn *net.UDPConn, f family) (*socket, error) {
	s := &socket{conn: conn, family: f}
	var err error
	if f.network == "udp4" {
		s.p4 = ipv4.NewPacketConn(conn)
		err = s.p4.SetMulticastTTL(hops)
		_ = s.p4.SetControlMessage(ipv4.FlagInterface, true) // not on Windows; nameOf does without
	} else {
		s.p6 = ipv6.NewPacketConn(conn)
		err = s.p6.SetMulticastHopLimit(hops)
		_ = s.p6.SetControlMessage(ipv6.FlagInterface, true)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

// join makes the shared socket hear the group on an interface.
func (s *socket) join(i *net.Interface) error {
	group := &net.UDPAddr{IP: s.family.group}
	if s.p4 != nil {
		_ = s.p4.LeaveGroup(i, group) // fails unless it was a member
		return s.p4.JoinGroup(i, group)
	}
	_ = s.p6.LeaveGroup(i, group)
	return s.p6.JoinGroup(i, group)
}

// send sends to the group on an interface.
func (s *socket) send(i *net.Interface, msg []byte) error {
	var err error
	to := &net.UDPAddr{IP: s.family.group, Port: port}
	if s.p4 != nil {
		err = s.p4.SetMulticastInterface(i)
	} else {
		err, to.Zone = s.p6.SetMulticastInterface(i), i.Name
	}
	if err != nil {
		return fmt.Errorf("send on %s: %w", i.Name, err)
	}
	_, err = s.conn.WriteToUDP(msg, to)
	return err
}

// receive waits for a packet; iface is 0 where the system does not say.
func (s *socket) receive(buf []byte) (n, iface int, from netip.AddrPort, err error) {
	var addr net.Addr
	if s.p4 != nil {
		var cm *ipv4.ControlMessage
		if n, cm, addr, err = s.p4.ReadFrom(buf); cm != nil {
			iface = cm.IfIndex
		}
	} else {
		var cm *ipv6.ControlMessage
		if n, cm, addr, err = s.p6.ReadFrom(buf); cm != nil {
			iface = cm.IfIndex
		}
	}
	if udp, ok := addr.(*net.UDPAddr); ok {
		from = udp.AddrPort()
	}
	return n, iface, from, err
}

// read hands packets on until the socket is closed or fails for good. When more
// arrive than can be meant for us, it lets the system throw some away.
func (s *socket) read(take func(msg []byte, iface int, from netip.AddrPort)) {
	defer s.dead.Store(true)
	buf := make([]byte, maxPacket)
	failures, count, since := 0, 0, time.Now()
	for failures < maxFailures {
		n, iface, from, err := s.receive(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			failures++
			time.Sleep(time.Duration(failures) * moment)
			continue
		}
		failures = 0
		take(buf[:n], iface, from)
		if count++; count >= perSecond {
			time.Sleep(time.Until(since.Add(time.Second)))
		}
		if now := time.Now(); now.Sub(since) >= time.Second {
			count, since = 0, now
		}
	}
}
