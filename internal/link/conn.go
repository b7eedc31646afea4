package link

import (
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// free is how many bytes a second of one connection are not held up, and
	// freeBurst how many at once: a handshake, requests to lockdownd and
	// heartbeats have somebody waiting for them, and are few.
	free      = 4 << 10
	freeBurst = 64 << 10
	// piece is how much is written at once under a limit.
	piece = 64 << 10
)

// A conn counts and brakes. The wait for the limit comes before a read or
// write, as if the network were slow, but does not use up its deadline: that is
// for the device. A deadline in the past interrupts the wait, as it does
// everything.
type conn struct {
	net.Conn
	link   *Link
	free   *rate.Limiter
	closed chan struct{}
	once   sync.Once

	reading, writing half
	debt             int // bytes read and not paid for; owned by the reader
}

// A half is one direction of a connection.
type half struct {
	set func(time.Time) error // the deadline of the connection below

	mu       sync.Mutex
	deadline time.Time
	past     chan struct{} // closed while the deadline is one that has passed when it was set
	isPast   bool
}

func newConn(nc net.Conn, l *Link) *conn {
	c := &conn{Conn: nc, link: l, free: rate.NewLimiter(free, freeBurst), closed: make(chan struct{})}
	c.reading = half{set: nc.SetReadDeadline, past: make(chan struct{})}
	c.writing = half{set: nc.SetWriteDeadline, past: make(chan struct{})}
	return c
}

// NetConn is the connection below.
func (c *conn) NetConn() net.Conn { return c.Conn }

func (c *conn) Read(p []byte) (int, error) {
	for c.debt > 0 {
		paid, err := c.pay(&c.reading, c.debt)
		c.debt -= paid
		if err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Read(p)
	c.link.came(n)
	c.debt = n
	return n, err
}

func (c *conn) Write(p []byte) (n int, err error) {
	for {
		part := p[n:]
		if c.link.limited() {
			part = part[:min(len(part), piece)]
		}
		for due := len(part); due > 0; {
			paid, err := c.pay(&c.writing, due)
			due -= paid
			if err != nil {
				return n, err
			}
		}
		wrote, err := c.Conn.Write(part)
		n += wrote
		c.link.sent.Add(int64(wrote))
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// pay waits until bytes may cross, n of them or as many as the limit lets pass
// at once.
func (c *conn) pay(h *half, n int) (paid int, err error) {
	if !c.link.limited() || c.free.AllowN(time.Now(), n) {
		return n, nil
	}
	n = min(n, max(c.link.rate.Burst(), 1))
	turn := c.link.rate.ReserveN(time.Now(), n)
	wait := turn.Delay()
	if !turn.OK() || wait == 0 { // a limiter without a burst limits nothing
		return n, nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		h.extend(wait)
		return n, nil
	case <-h.interrupted():
		turn.Cancel()
		return 0, os.ErrDeadlineExceeded
	case <-c.closed:
		turn.Cancel()
		return 0, net.ErrClosed
	}
}

// Close ends waits as well.
func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *conn) SetDeadline(t time.Time) error {
	if err := c.reading.setDeadline(t); err != nil {
		return err
	}
	return c.writing.setDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error  { return c.reading.setDeadline(t) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.writing.setDeadline(t) }

func (h *half) setDeadline(t time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deadline = t
	switch past := !t.IsZero() && !t.After(time.Now()); {
	case past && !h.isPast:
		close(h.past)
		h.isPast = true
	case !past && h.isPast:
		h.past, h.isPast = make(chan struct{}), false
	}
	return h.set(t)
}

// interrupted is closed while the deadline is in the past by its owner's will.
func (h *half) interrupted() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.past
}

// extend moves the deadline by a wait that was none of the device's.
func (h *half) extend(wait time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.deadline.IsZero() && !h.isPast {
		h.deadline = h.deadline.Add(wait)
		_ = h.set(h.deadline) // fails on a closed connection, where the next use says so
	}
}
