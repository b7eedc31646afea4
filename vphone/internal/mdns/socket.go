package mdns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// port is that of multicast DNS.
const port = 5353

// hops is what RFC 6762 section 11 wants packets to be sent with.
const hops = 255

// A socket is one of the two protocols, on one interface.
type socket struct {
	ifi     *net.Interface
	group   *net.UDPAddr
	close   func() error
	receive func(b []byte) (n, ifIndex int, from net.Addr, err error) // ifIndex 0: not known
	write   func(b []byte, to *net.UDPAddr) error
}

// listen opens what the interface has addresses for. The first IPv4 address of
// addrs is where packets come from, where the system lets one choose.
func listen(ifi *net.Interface, addrs []netip.Addr) ([]*socket, error) {
	has, err := ifi.Addrs()
	if err != nil {
		return nil, err
	}
	// Without one the system would take another interface's.
	has4 := slices.ContainsFunc(has, func(a net.Addr) bool { n, ok := a.(*net.IPNet); return ok && n.IP.To4() != nil })
	has6 := slices.ContainsFunc(has, func(a net.Addr) bool { n, ok := a.(*net.IPNet); return ok && n.IP.To4() == nil })
	var sockets []*socket
	var errs []error
	for _, family := range []struct {
		has  bool
		open func(*net.Interface, []netip.Addr) (*socket, error)
	}{{has4, listen4}, {has6, listen6}} {
		if !family.has {
			continue
		}
		s, err := family.open(ifi, addrs)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		sockets = append(sockets, s)
	}
	switch {
	case len(sockets) > 0:
		return sockets, nil
	case len(errs) > 0:
		return nil, errors.Join(errs...)
	}
	return nil, errors.New("the interface has no address")
}

// listen4 relies on Go sharing the port of a multicast address with other
// programs: avahi-daemon and other phones listen there as well.
func listen4(ifi *net.Interface, addrs []netip.Addr) (*socket, error) {
	group := &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: port}
	conn, err := net.ListenUDP("udp4", group)
	if err != nil {
		return nil, fmt.Errorf("IPv4: %w", err)
	}
	p := ipv4.NewPacketConn(conn)
	if err := errors.Join(p.JoinGroup(ifi, group), p.SetMulticastInterface(ifi), p.SetMulticastTTL(hops), p.SetTTL(hops), p.SetMulticastLoopback(true)); err != nil {
		return nil, errors.Join(fmt.Errorf("IPv4: %w", err), conn.Close())
	}
	tellsInterface := p.SetControlMessage(ipv4.FlagInterface, true) == nil
	var cm *ipv4.ControlMessage
	for _, addr := range addrs {
		if addr.Is4() && cm == nil && tellsInterface {
			cm = &ipv4.ControlMessage{Src: addr.AsSlice(), IfIndex: ifi.Index}
		}
	}
	return &socket{
		ifi: ifi, group: group, close: conn.Close,
		receive: func(b []byte) (int, int, net.Addr, error) {
			n, cm, from, err := p.ReadFrom(b)
			if cm == nil {
				return n, 0, from, err
			}
			return n, cm.IfIndex, from, err
		},
		write: func(b []byte, to *net.UDPAddr) error {
			_, err := p.WriteTo(b, cm, to)
			return err
		},
	}, nil
}

func listen6(ifi *net.Interface, _ []netip.Addr) (*socket, error) {
	group := &net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: port}
	conn, err := net.ListenUDP("udp6", group)
	if err != nil {
		return nil, fmt.Errorf("IPv6: %w", err)
	}
	p := ipv6.NewPacketConn(conn)
	if err := errors.Join(p.JoinGroup(ifi, group), p.SetMulticastInterface(ifi), p.SetMulticastHopLimit(hops), p.SetHopLimit(hops), p.SetMulticastLoopback(true)); err != nil {
		return nil, errors.Join(fmt.Errorf("IPv6: %w", err), conn.Close())
	}
	// Without it packets of all interfaces are answered: harmless.
	_ = p.SetControlMessage(ipv6.FlagInterface, true)
	return &socket{
		ifi: ifi, group: &net.UDPAddr{IP: group.IP, Port: port, Zone: ifi.Name}, close: conn.Close,
		receive: func(b []byte) (int, int, net.Addr, error) {
			n, cm, from, err := p.ReadFrom(b)
			if cm == nil {
				return n, 0, from, err
			}
			return n, cm.IfIndex, from, err
		},
		write: func(b []byte, to *net.UDPAddr) error {
			_, err := p.WriteTo(b, nil, to)
			return err
		},
	}, nil
}

// read passes on what came in on the interface, until the socket is closed.
func (s *socket) read(to chan<- packet, done <-chan struct{}) {
	b := make([]byte, maxPacket)
	for {
		n, ifIndex, from, err := s.receive(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		addr, ok := from.(*net.UDPAddr)
		if err != nil {
			time.Sleep(pause) // an interface that is down
			continue
		}
		if !ok || ifIndex != 0 && ifIndex != s.ifi.Index {
			continue
		}
		p := packet{data: append([]byte(nil), b[:n]...), from: addr.AddrPort(), by: s}
		select {
		case to <- p:
		case <-done:
			return
		}
	}
}
