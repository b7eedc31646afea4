package vphone

import (
	"context"
	"errors"
	"net"
	"time"

	"russet/vphone/internal/wire"
)

const (
	heartbeatService  = "com.apple.mobile.heartbeat"
	heartbeatInterval = 10 * time.Second
	heartbeatGrace    = 5 * time.Second
	// heartbeatDemand is how long a host may use services over a network
	// without an answered heartbeat. How long real phones wait is not known;
	// it is "a short while".
	heartbeatDemand = 18 * time.Second
	// sleepyTime is how long the phone tries to say that it goes to sleep.
	sleepyTime = time.Second
)

// hearts is who answers heartbeats, and who does not. Phone.mu guards it.
type hearts struct {
	demand time.Duration // 0: none is wanted
	hosts  map[string]*pulse
	open   map[*heart]struct{}
}

// A pulse is one host's, over all its heartbeat connections.
type pulse struct {
	beating int         // connections that were answered
	timer   *time.Timer // until the host's connections are dropped; nil: does not run
}

// A heart is a heartbeat connection over a network.
type heart struct{ conn net.Conn }

// DemandHeartbeat says how long a computer may use services over Wi-Fi
// without answering a heartbeat until all its connections over Wi-Fi are
// dropped. The default is 18 seconds; 0 asks for no heartbeat. Connections that
// a [Mux] makes are never dropped: muxes that know network devices answer
// heartbeats themselves.
func (p *Phone) DemandHeartbeat(within time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hearts.demand = within
	for host := range p.hearts.hosts {
		p.armHeart(host)
	}
}

// demandHeart begins to wait for a heartbeat when a host uses a service over
// a network. Phone.mu is held.
func (p *Phone) demandHeart(g guest, service string) {
	if !g.overNetwork() || g.mux || g.host == "" || service == heartbeatService {
		return
	}
	if p.hearts.hosts[g.host] == nil {
		p.hearts.hosts[g.host] = &pulse{}
		p.armHeart(g.host)
	}
}

// armHeart starts or stops the host's time. Phone.mu is held.
func (p *Phone) armHeart(host string) {
	h := p.hearts.hosts[host]
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
	if h.beating == 0 && p.hearts.demand > 0 {
		h.timer = time.AfterFunc(p.hearts.demand, func() { p.missHeart(host, h) })
	}
}

// missHeart drops a host's connections; a host that nobody can hear just now is
// not missed until the radio is back, see restartHearts.
func (p *Phone) missHeart(host string, h *pulse) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.beating > 0 || p.hearts.hosts[host] != h || p.wifi != nil && p.wifi.radio.off() {
		return
	}
	delete(p.hearts.hosts, host)
	p.log.Info("no heartbeat: network connections dropped", "host", host)
	for conn := range p.conns {
		if conn.overNetwork() && !conn.mux && conn.host == host {
			conn.Close()
		}
	}
}

// restHeart forgets a host that has no connection left. Phone.mu is held.
func (p *Phone) restHeart(g guest) {
	h := p.hearts.hosts[g.host]
	if h == nil || h.beating > 0 {
		return
	}
	for conn := range p.conns {
		if conn.overNetwork() && conn.host == g.host {
			return
		}
	}
	if h.timer != nil {
		h.timer.Stop()
	}
	delete(p.hearts.hosts, g.host)
}

// restartHearts gives every host its time anew.
func (p *Phone) restartHearts() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for host := range p.hearts.hosts {
		p.armHeart(host)
	}
}

// beat counts a heartbeat connection as answered, or no longer.
func (p *Phone) beat(g guest, change int) {
	if !g.overNetwork() || g.mux || g.host == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hearts.hosts[g.host] == nil {
		p.hearts.hosts[g.host] = &pulse{}
	}
	p.hearts.hosts[g.host].beating += change
	p.armHeart(g.host)
}

// serveHeartbeat asks the host at intervals whether it is still there.
func serveHeartbeat(ctx context.Context, p *Phone, conn net.Conn, from guest) error {
	h := &heart{conn: conn}
	if from.overNetwork() {
		p.mu.Lock()
		p.hearts.open[h] = struct{}{}
		p.mu.Unlock()
		defer func() {
			p.mu.Lock()
			delete(p.hearts.open, h)
			p.mu.Unlock()
		}()
	}
	tick := time.NewTicker(heartbeatInterval)
	defer tick.Stop()
	for first := true; ; first = false {
		if err := askPolo(conn); err != nil {
			return err
		}
		if first {
			p.beat(from, 1)
			defer p.beat(from, -1)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func askPolo(conn net.Conn) error {
	marco := map[string]any{"Command": "Marco", "Interval": int(heartbeatInterval / time.Second)}
	if err := wire.WriteBinary(conn, marco); err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Now().Add(heartbeatInterval + heartbeatGrace)); err != nil {
		return err
	}
	polo, err := wire.Read(conn)
	if err != nil {
		return err
	}
	if polo["Command"] != "Polo" {
		return errors.New("heartbeat without Polo")
	}
	return nil
}

// saySleepy announces sleep on every heartbeat over a network.
func (p *Phone) saySleepy() {
	p.mu.Lock()
	var open []*heart
	for h := range p.hearts.open {
		open = append(open, h)
	}
	p.mu.Unlock()
	for _, h := range open {
		err := h.conn.SetWriteDeadline(time.Now().Add(sleepyTime))
		if err == nil {
			err = errors.Join(wire.WriteBinary(h.conn, map[string]any{"Command": "SleepyTime"}), h.conn.SetWriteDeadline(time.Time{}))
		}
		if err != nil {
			p.log.Debug("announce sleep", "error", err)
		}
	}
}
