package vphone

import (
	"errors"
	"net"
	"slices"
	"time"
)

// Action is what a [Fault] does to the phone or its connection.
type Action string

// The actions.
const (
	Drop       Action = "drop"   // the connection breaks
	PullCable  Action = "unplug" // the cable is pulled
	Restart    Action = "reboot"
	LockScreen Action = "lock"  // nothing breaks by that
	Stall      Action = "stall" // nothing moves for a while on this connection
	Sleep      Action = "doze"  // the phone sleeps on its network, and says so before: see [Phone.Doze]
	Hole       Action = "hole"  // nothing moves for a while over the network: see [Phone.RadioHole]
	Reset      Action = "reset" // every connection over the network breaks
)

// A Fault goes wrong once, at a point of a phone's traffic: after so many
// bytes in both directions or, if AtWrite is not zero, before the phone's
// write of that number, counted from 1. TLS is counted as it is on the wire.
type Fault struct {
	// On is the service whose connections are counted: "lockdownd",
	// "com.apple.mobilebackup2", …; "" counts them all.
	On         string
	AfterBytes int64
	AtWrite    int
	Do         Action
	For        time.Duration // of a Stall or a Hole

	bytes  int64
	writes int
}

// Inject arms a fault. Several may be armed; each counts for itself.
func (p *Phone) Inject(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = append(p.armed, &f)
	p.anyArmed.Store(true)
}

// DisarmFaults takes back what Inject armed and has not gone off.
func (p *Phone) DisarmFaults() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = nil
	p.anyArmed.Store(false)
}

// due counts n bytes, and a write, and returns the fault that goes off within
// them and how many bytes may pass before it.
func (p *Phone) due(service string, n int, write bool) (*Fault, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var fired *Fault
	before := n
	for _, f := range p.armed {
		if f.On != "" && f.On != service {
			continue
		}
		if write {
			f.writes++
		}
		at := n + 1
		switch {
		case f.AtWrite == 0:
			at = int(max(0, min(f.AfterBytes-f.bytes, int64(n)+1))) // below 0 when another went off first
		case write && f.writes == f.AtWrite:
			at = 0
		}
		f.bytes += int64(n)
		if at <= before && fired == nil {
			fired, before = f, at
		}
	}
	if fired != nil {
		p.armed = slices.DeleteFunc(p.armed, func(f *Fault) bool { return f == fired })
		p.anyArmed.Store(len(p.armed) > 0)
	}
	return fired, before
}

// A faultyConn is a connection in which faults go off.
type faultyConn struct {
	net.Conn
	phone   *Phone
	service string
}

func (c *faultyConn) Write(b []byte) (int, error) {
	if !c.phone.anyArmed.Load() {
		return c.Conn.Write(b)
	}
	f, before := c.phone.due(c.service, len(b), true)
	n, err := c.Conn.Write(b[:before])
	if f == nil {
		return n, err
	}
	// Also when the connection is closed already: an alert that TLS sends after
	// that is a write as well, and a fault is not to be lost in it.
	if err := errors.Join(c.suffer(f), err); err != nil {
		return n, err
	}
	rest, err := c.Conn.Write(b[n:])
	return n + rest, err
}

func (c *faultyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n == 0 || !c.phone.anyArmed.Load() {
		return n, err
	}
	if f, before := c.phone.due(c.service, n, false); f != nil {
		if err := c.suffer(f); err != nil {
			return before, err
		}
	}
	return n, err
}

// suffer does what the fault does; an error means that the connection is gone.
func (c *faultyConn) suffer(f *Fault) error {
	c.phone.log.Info("fault", "do", f.Do, "service", c.service)
	switch f.Do {
	case PullCable:
		c.phone.Unplug()
	case Restart:
		c.phone.Reboot()
	case LockScreen:
		c.phone.Lock()
		return nil
	case Sleep:
		c.phone.Doze(true)
		return nil
	case Hole:
		c.phone.RadioHole(f.For)
		return nil
	case Reset:
		c.phone.ResetNetwork()
	case Stall:
		select {
		case <-time.After(f.For):
		case <-c.phone.ctx.Done():
		}
		return nil
	}
	c.Conn.Close()
	return net.ErrClosed
}
