package vphone

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A radio may be off for several reasons at once; then nothing moves.
type radio struct {
	mu      sync.Mutex
	reasons int
	again   chan struct{} // closed when the last reason is gone; nil while the radio is on
	closed  bool
}

func (r *radio) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reasons++; r.again == nil && !r.closed {
		r.again = make(chan struct{})
	}
}

func (r *radio) thaw() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reasons--; r.reasons == 0 && r.again != nil {
		close(r.again)
		r.again = nil
	}
}

// close lets everybody go who waits.
func (r *radio) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed = true; r.again != nil {
		close(r.again)
		r.again = nil
	}
}

func (r *radio) off() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.again != nil
}

// wait returns when the radio is on, or with an error when done comes first.
func (r *radio) wait(done <-chan struct{}) error {
	for {
		r.mu.Lock()
		again := r.again
		r.mu.Unlock()
		if again == nil {
			return nil
		}
		select {
		case <-again:
		case <-done:
			return net.ErrClosed
		}
	}
}

// A connection is one that the phone serves. Over a network it is as quiet as
// the radio.
type connection struct {
	net.Conn
	guest // the host in it is guarded by Phone.mu
	once  sync.Once
	gone  chan struct{}
	last  atomic.Bool // the next Write is the last
	lost  atomic.Bool // closed at this end alone
}

func newConnection(conn net.Conn, from guest) *connection {
	return &connection{Conn: conn, guest: from, gone: make(chan struct{})}
}

func (c *connection) Read(b []byte) (int, error) {
	if c.wifi == nil {
		return c.Conn.Read(b)
	}
	if err := c.wifi.radio.wait(c.gone); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err // the phone's own clock: it needs no radio
	}
	// What came meanwhile did not come yet.
	if quiet := c.wifi.radio.wait(c.gone); quiet != nil {
		return 0, quiet
	}
	return n, err
}

func (c *connection) Write(b []byte) (int, error) {
	if c.wifi != nil {
		if err := c.wifi.radio.wait(c.gone); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Write(b)
	if c.last.Load() {
		c.Close()
	}
	return n, err
}

// Close also ends a Read or Write that waits for the radio. At an address that
// the phone has left only the phone's end is closed.
func (c *connection) Close() error {
	c.once.Do(func() {
		close(c.gone)
		c.lost.Store(c.wifi != nil && c.wifi.giveUp(c.Conn))
	})
	if c.lost.Load() {
		return c.SetDeadline(time.Unix(1, 0))
	}
	return c.Conn.Close()
}

// reset ends the connection without good manners, as far as the system can.
func (c *connection) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		// The error would be that the connection is gone already.
		_ = tcp.SetLinger(0)
	}
	c.Close()
}

// freeze turns the radio off, in a way that accept notices.
func (p *Phone) freeze(w *wifi) {
	w.radio.freeze()
	for _, l := range w.listeners {
		// The error would be that the listener is closed.
		_ = l.SetDeadline(time.Unix(1, 0))
	}
}

// Doze has the phone sleep on its network: connections hang, new ones are not
// answered, nothing is announced. With tell it says so on every heartbeat
// before. Over the cable nothing changes.
func (p *Phone) Doze(tell bool) {
	p.mu.Lock()
	w := p.wifi
	begins := w != nil && !p.dozing
	if begins {
		p.dozing = true
	}
	p.mu.Unlock()
	if !begins {
		return
	}
	if tell {
		p.saySleepy()
	}
	p.log.Info("doze", "told", tell)
	p.freeze(w)
	p.tellWatchers()
}

// WakeUp ends a Doze. What hung goes on.
func (p *Phone) WakeUp() {
	p.mu.Lock()
	w, was := p.wifi, p.dozing
	p.dozing = false
	p.mu.Unlock()
	if was && w != nil {
		p.log.Info("awake")
		w.radio.thaw()
		p.restartHearts()
		p.tellWatchers()
	}
}

// RadioHole lets no byte through in either direction for a while, and returns
// at once. No connection breaks by that.
func (p *Phone) RadioHole(d time.Duration) {
	p.mu.Lock()
	w := p.wifi
	p.mu.Unlock()
	if w == nil {
		return
	}
	p.log.Info("radio hole", "for", d)
	p.freeze(w)
	p.tellWatchers()
	timer := time.AfterFunc(d, func() {
		w.radio.thaw()
		p.restartHearts()
		p.tellWatchers()
	})
	context.AfterFunc(p.ctx, func() { timer.Stop() })
}

// ResetNetwork breaks every connection over the network at once, as a hop to
// another band does. New ones are welcome.
func (p *Phone) ResetNetwork() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log.Info("network connections reset")
	for conn := range p.conns {
		if conn.overNetwork() {
			conn.reset()
		}
	}
}
