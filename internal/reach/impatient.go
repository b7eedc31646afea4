package reach

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"

	"russet/device"
)

// impatient dials within a time, and gives each answer no longer than its
// limit.
type impatient struct {
	device.Dialer
	patience time.Duration
	heard    *atomic.Bool // set when something was read
}

func (d impatient) DialPort(ctx context.Context, port uint16) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	conn, err := d.Dialer.DialPort(ctx, port)
	if err != nil {
		return nil, err
	}
	return &impatientConn{conn, d.heard}, nil
}

type impatientConn struct {
	net.Conn
	heard *atomic.Bool
}

// NetConn is the connection below, which has its own settings.
func (c *impatientConn) NetConn() net.Conn { return c.Conn }

func (c *impatientConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.heard.Store(true)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = context.DeadlineExceeded // the limit was ours, not that of who reads
	}
	return n, err
}

func (c *impatientConn) SetDeadline(t time.Time) error     { return c.Conn.SetDeadline(c.soon(t)) }
func (c *impatientConn) SetReadDeadline(t time.Time) error { return c.Conn.SetReadDeadline(c.soon(t)) }

// soon is t, or when the next answer is to be there if that comes first.
func (c *impatientConn) soon(t time.Time) time.Time {
	limit := firstLimit
	if c.heard.Load() {
		limit = answerLimit
	}
	if next := time.Now().Add(limit); t.After(next) {
		return next
	}
	return t
}
