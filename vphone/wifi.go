package vphone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"russet/vphone/internal/lockdown"
	"russet/vphone/internal/pipe"
)

// wifi is the phone's place on a network.
type wifi struct {
	addrs     []netip.Addr
	listeners []*net.TCPListener // of lockdownd, one for each address; none on a network of this process
	radio     radio

	mu   sync.Mutex
	left bool       // the phone roamed away from here
	lost []net.Conn // what it had here and has given up; nobody at the other end hears of it
}

// giveUp keeps a connection from being closed, if the phone is here no more:
// there is no way to tell the other end.
func (w *wifi) giveUp(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left {
		w.lost = append(w.lost, conn)
	}
	return w.left
}

// A route is the way a connection came: the zero value is the cable.
type route struct {
	wifi *wifi
	addr netip.Addr // the phone's, on the network
	mux  bool       // usbmuxd made the connection: it answers heartbeats, too
}

func (r route) overNetwork() bool { return r.wifi != nil }

// A guest is whose connection it is.
type guest struct {
	route
	host string // HostID; "" while no session has told
}

// inProcess is the address of a phone that is reached by DialNetwork only. It
// is one that is used in documents.
var inProcess = netip.AddrFrom4([4]byte{192, 0, 2, 1})

// JoinNetwork makes the phone listen for lockdownd and its services on local
// addresses, as a phone on Wi-Fi does. It is seen there only while
// EnableWifiConnections is on, see [Phone.SetWifi], and announced if
// [Phone.Announce] says so. Without an address the network is one within this
// process: [Phone.DialNetwork] is the way there.
func (p *Phone) JoinNetwork(addrs ...netip.Addr) error {
	p.LeaveNetwork()
	w, err := listenAt(addrs)
	if err != nil {
		return fmt.Errorf("join network: %w", err)
	}
	p.mu.Lock()
	p.wifi = w
	p.mu.Unlock()
	p.accept(w)
	p.tellWatchers()
	return nil
}

// LeaveNetwork ends what JoinNetwork began.
func (p *Phone) LeaveNetwork() {
	p.mu.Lock()
	left := p.ghosts
	if p.wifi != nil {
		left = append(left, p.wifi)
	}
	was := p.wifi
	p.wifi, p.ghosts, p.dozing = nil, nil, false
	p.mu.Unlock()
	for _, w := range left {
		p.close(w)
	}
	if was != nil {
		p.tellWatchers()
	}
}

// Roam gives the phone other addresses, as another access point may do. At the
// old ones nothing answers any more and connections hang for ever. The phone
// itself gives them up as those of computers that answer no heartbeat.
func (p *Phone) Roam(addrs ...netip.Addr) error {
	p.mu.Lock()
	was := p.wifi
	returned := slices.DeleteFunc(slices.Clone(p.ghosts), func(w *wifi) bool {
		return !slices.ContainsFunc(w.addrs, func(a netip.Addr) bool { return slices.Contains(addrs, a) })
	})
	p.mu.Unlock()
	if was == nil {
		return errors.New("roam: the phone is on no network")
	}
	for _, w := range returned {
		p.close(w)
	}
	w, err := listenAt(addrs)
	if err != nil {
		return fmt.Errorf("roam: %w", err)
	}
	p.freeze(was)
	was.mu.Lock()
	was.left = true
	was.mu.Unlock()
	p.mu.Lock()
	if demand := p.hearts.demand; demand > 0 {
		timer := time.AfterFunc(demand, func() { p.dropConns(func(g guest) bool { return g.wifi == was }) })
		context.AfterFunc(p.ctx, func() { timer.Stop() })
	}
	p.wifi, p.dozing = w, false
	p.ghosts = append(slices.DeleteFunc(p.ghosts, func(w *wifi) bool { return slices.Contains(returned, w) }), was)
	for port, l := range p.ports {
		if l.from.wifi == was {
			p.forget(port)
		}
	}
	p.mu.Unlock()
	p.accept(w)
	p.tellWatchers()
	return nil
}

// close ends a place on a network and every connection there.
func (p *Phone) close(w *wifi) {
	for _, l := range w.listeners {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			p.log.Debug("leave network", "error", err)
		}
	}
	w.mu.Lock()
	lost := w.lost
	w.left, w.lost = false, nil
	w.mu.Unlock()
	for _, conn := range lost {
		conn.Close()
	}
	p.dropConns(func(g guest) bool { return g.wifi == w })
	w.radio.close()
}

func listenAt(addrs []netip.Addr) (*wifi, error) {
	if len(addrs) == 0 {
		return &wifi{addrs: []netip.Addr{inProcess}}, nil
	}
	w := &wifi{addrs: addrs}
	for _, addr := range addrs {
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, lockdown.Port)))
		if err != nil {
			for _, l := range w.listeners {
				err = errors.Join(err, l.Close())
			}
			return nil, err
		}
		w.listeners = append(w.listeners, l)
	}
	return w, nil
}

// DialNetwork connects to a port of the phone within this process, as over
// Wi-Fi, whatever network the phone is on. While the phone sleeps nothing
// answers: it waits.
func (p *Phone) DialNetwork(ctx context.Context, port uint16) (net.Conn, error) {
	p.mu.Lock()
	w := p.wifi
	p.mu.Unlock()
	if w == nil {
		return nil, fmt.Errorf("port %d over Wi-Fi: %w", port, ErrRefused)
	}
	if err := w.radio.wait(ctx.Done()); err != nil {
		return nil, fmt.Errorf("port %d over Wi-Fi: %w", port, context.Cause(ctx))
	}
	serve, err := p.claim(port, route{wifi: w, addr: w.addrs[0]})
	if err != nil {
		return nil, fmt.Errorf("port %d over Wi-Fi: %w", port, err)
	}
	host, device := pipe.New()
	go serve(device)
	return host, nil
}

// routeTo is how the mux gets to the phone; an address that is not valid means
// the cable.
func (p *Phone) routeTo(network netip.Addr) route {
	if !network.IsValid() {
		return route{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wifi == nil || !slices.Contains(p.wifi.addrs, network) {
		return route{wifi: &wifi{}} // nowhere
	}
	return route{wifi: p.wifi, addr: network, mux: true}
}

// onNetwork says whether the phone can be reached on its network. Before it is
// unlocked for the first time it cannot: the network's password is locked up.
// Phone.mu is held.
func (p *Phone) onNetwork() bool {
	return !p.down && p.wifi != nil && p.wifiEnabled() && (p.owner.unlockedOnce || p.state.Passcode == "")
}

// NetworkAddrs are the addresses the phone has on its network; none while it
// is on none, or not to be found there.
func (p *Phone) NetworkAddrs() []netip.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.onNetwork() {
		return nil
	}
	return slices.Clone(p.wifi.addrs)
}

// presence is how the phone can be reached: over the cable, and at which
// network address if it is on Wi-Fi.
func (p *Phone) presence() (cable bool, network netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return false, netip.Addr{}
	}
	if p.onNetwork() {
		network = p.wifi.addrs[0]
	}
	return p.cable, network
}

func (p *Phone) accept(w *wifi) {
	for i, l := range w.listeners {
		go p.acceptLockdown(l, route{wifi: w, addr: w.addrs[i]})
	}
}

func (p *Phone) acceptLockdown(l *net.TCPListener, at route) {
	for {
		if at.wifi.radio.off() {
			release := stuff(l)
			_ = at.wifi.radio.wait(nil) // LeaveNetwork ends it, too
			release()
			continue
		}
		conn, err := l.Accept()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			// That was freeze, and radio.off knows.
			_ = l.SetDeadline(time.Time{})
			continue
		}
		if err != nil {
			return
		}
		serve, err := p.claim(lockdown.Port, at)
		if err != nil {
			conn.Close()
			continue
		}
		go serve(conn)
	}
}

// listenOnNetwork gives a service a TCP port of its own, for one connection.
func (p *Phone) listenOnNetwork(at route) (net.Listener, uint16, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(at.addr.String(), "0"))
	if err != nil {
		return nil, 0, err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return nil, 0, errors.Join(err, l.Close())
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, 0, errors.Join(err, l.Close())
	}
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		serve, err := p.claim(uint16(n), at)
		if err != nil {
			conn.Close()
			return
		}
		serve(conn)
	}()
	return l, uint16(n), nil
}
