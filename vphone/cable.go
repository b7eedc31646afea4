package vphone

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"russet/vphone/internal/lockdown"
)

// Plug connects the cable. A Trust dialog that was refused can come again.
func (p *Phone) Plug() {
	p.mu.Lock()
	p.cable = true
	if p.owner.dialog == dialogRefused {
		p.owner.dialog = dialogNone
	}
	p.mu.Unlock()
	p.tellWatchers()
}

// Unplug pulls the cable: every connection over it breaks.
func (p *Phone) Unplug() {
	p.mu.Lock()
	p.cable = false
	if p.owner.dialog == dialogShown {
		p.owner.dialog = dialogNone
	}
	p.mu.Unlock()
	p.dropConns(func(network netip.Addr) bool { return !network.IsValid() })
	p.tellWatchers()
}

// Reboot drops every connection and comes back after the reboot time. A phone
// with a passcode is locked then, and was never unlocked.
func (p *Phone) Reboot() {
	p.mu.Lock()
	if p.down {
		p.mu.Unlock()
		return
	}
	p.down = true
	p.owner.settle(false)
	p.owner.dialog = dialogNone
	if p.state.Passcode != "" {
		p.owner.locked, p.owner.unlockedOnce = true, false
	}
	p.wake()
	p.mu.Unlock()
	p.log.Info("reboot")
	p.forgetApps()
	p.dropConns(nil)
	p.tellWatchers()
	time.AfterFunc(p.rebootTime, func() {
		p.mu.Lock()
		if p.ctx.Err() == nil {
			p.down = false
		}
		p.mu.Unlock()
		p.tellWatchers()
	})
}

// presence is how the phone can be reached: over the cable, and at which
// network address if it is on Wi-Fi.
func (p *Phone) presence() (cable bool, network netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return false, netip.Addr{}
	}
	if p.wifi != nil && p.wifiEnabled() {
		network = p.wifi.addr
	}
	return p.cable, network
}

// watch has fn called after the phone came, went, or was reached otherwise.
func (p *Phone) watch(fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watchers = append(p.watchers, fn)
}

func (p *Phone) tellWatchers() {
	p.mu.Lock()
	watchers := p.watchers
	p.mu.Unlock()
	for _, fn := range watchers {
		fn()
	}
}

// wifi is the phone's place on a network.
type wifi struct {
	addr     netip.Addr
	listener net.Listener // of lockdownd
}

// JoinNetwork makes the phone listen for lockdownd and its services on a local
// address, as a phone on Wi-Fi does. It is seen there only while
// EnableWifiConnections is on; see [Phone.SetWifi].
func (p *Phone) JoinNetwork(addr netip.Addr) error {
	l, err := net.Listen("tcp", netip.AddrPortFrom(addr, lockdown.Port).String())
	if err != nil {
		return fmt.Errorf("join network: %w", err)
	}
	p.LeaveNetwork()
	p.mu.Lock()
	p.wifi = &wifi{addr: addr, listener: l}
	p.mu.Unlock()
	go p.acceptLockdown(l, addr)
	p.tellWatchers()
	return nil
}

// LeaveNetwork ends what JoinNetwork began.
func (p *Phone) LeaveNetwork() {
	p.mu.Lock()
	was := p.wifi
	p.wifi = nil
	p.mu.Unlock()
	if was == nil {
		return
	}
	if err := was.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		p.log.Debug("leave network", "error", err)
	}
	p.dropConns(netip.Addr.IsValid)
	p.tellWatchers()
}

func (p *Phone) acceptLockdown(l net.Listener, addr netip.Addr) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		serve, err := p.claim(lockdown.Port, addr)
		if err != nil {
			conn.Close()
			continue
		}
		go serve(conn)
	}
}

// listenOnNetwork gives a service a TCP port of its own, for one connection.
func (p *Phone) listenOnNetwork(addr netip.Addr) (net.Listener, uint16, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(addr.String(), "0"))
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
		serve, err := p.claim(uint16(n), addr)
		if err != nil {
			conn.Close()
			return
		}
		serve(conn)
	}()
	return l, uint16(n), nil
}
