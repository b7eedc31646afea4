package mdns

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// maxInterfaces bounds on how many the browser asks; a computer full of
// containers has hundreds.
const maxInterfaces = 32

// link is an interface in use.
type link struct {
	net.Interface
	prefixes []netip.Prefix // sorted
	direct   [len(families)]*socket
	err      error // why nothing could be sent the last time
}

// has says whether the interface has an address of the family.
func (l *link) has(family int) bool {
	return slices.ContainsFunc(l.prefixes, func(p netip.Prefix) bool { return p.Addr().Is4() == (family == 0) })
}

// candidates are the interfaces that reach a network of devices: up, with
// multicast and an address. What has one peer only is a VPN, which carries no
// multicast and need not know.
func candidates() (map[int]*link, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list the network interfaces: %w", err)
	}
	const need, refuse = net.FlagUp | net.FlagRunning | net.FlagMulticast, net.FlagLoopback | net.FlagPointToPoint
	found := map[int]*link{}
	for _, i := range all {
		if i.Flags&need != need || i.Flags&refuse != 0 || len(found) >= maxInterfaces {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // it has gone in the meantime
		}
		l := &link{Interface: i}
		for _, addr := range addrs {
			if n, ok := addr.(*net.IPNet); ok {
				ip, _ := netip.AddrFromSlice(n.IP)
				ones, _ := n.Mask.Size()
				l.prefixes = append(l.prefixes, netip.PrefixFrom(ip.Unmap(), ones))
			}
		}
		if len(l.prefixes) > 0 {
			slices.SortFunc(l.prefixes, netip.Prefix.Compare)
			found[i.Index] = l
		}
	}
	return found, nil
}
