package agent

import (
	"context"
	"errors"
	"net"
	"time"
)

// errCut says that a fault ended the connection.
var errCut = errors.New("the connection was cut on purpose")

// faultConn counts what goes through a session's connection, and cuts it.
type faultConn struct {
	net.Conn
	ctx      context.Context
	phone    Phone
	faults   *Faults
	sent     int64
	received int64
	messages int
	files    int
	broken   bool // a read has failed: what comes of it is no fault of the disk
}

func (c *faultConn) cut() error {
	if err := c.Close(); err != nil {
		return errors.Join(errCut, err)
	}
	return errCut
}

func (c *faultConn) pause(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// Write writes up to the byte at which something is to happen.
func (c *faultConn) Write(p []byte) (int, error) {
	config := c.faults.Config()
	if s := config.StallSent; s.At > 0 && c.sent+int64(len(p)) > s.At && c.sent <= s.At {
		n, err := c.write(p[:s.At-c.sent])
		if err != nil {
			return n, err
		}
		c.faults.Update(func(c *Config) { c.StallSent = Stall{} })
		if err := c.pause(s.For); err != nil {
			return n, err
		}
		rest, err := c.write(p[n:])
		return n + rest, err
	}
	if limit := config.DropSent; limit > 0 && c.sent+int64(len(p)) >= limit {
		n, err := c.write(p[:max(limit-c.sent, 0)])
		c.faults.Update(func(c *Config) { c.DropSent = 0 })
		return n, errors.Join(c.cut(), err)
	}
	return c.write(p)
}

func (c *faultConn) write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.sent += int64(n)
	c.faults.count(func(t *Counters) { t.BytesSent += int64(n) })
	return n, err
}

// Read reads up to the byte at which the connection is to be cut.
func (c *faultConn) Read(p []byte) (int, error) {
	if limit := c.faults.Config().DropReceived; limit > 0 {
		if c.received >= limit {
			c.faults.Update(func(c *Config) { c.DropReceived = 0 })
			c.broken = true
			return 0, c.cut()
		}
		p = p[:min(int64(len(p)), limit-c.received)]
	}
	n, err := c.Conn.Read(p)
	c.broken = c.broken || err != nil
	c.received += int64(n)
	c.faults.count(func(t *Counters) { t.BytesReceived += int64(n) })
	return n, err
}

// message is the hook of each message, both ways.
func (c *faultConn) message(name string, sent bool) error {
	c.messages++
	c.faults.count(func(t *Counters) { t.Messages++ })
	c.phone.Logger().Debug("device link", "message", name, "sent", sent, "number", c.messages)
	config := c.faults.Config()
	if config.Stall.At == int64(c.messages) {
		c.faults.Update(func(c *Config) { c.Stall = Stall{} })
		if err := c.pause(config.Stall.For); err != nil {
			return err
		}
	}
	if config.RebootAt == c.messages {
		c.faults.Update(func(c *Config) { c.RebootAt = 0 })
		c.phone.Reboot()
		return c.cut()
	}
	if config.DropMessage == c.messages {
		c.faults.Update(func(c *Config) { c.DropMessage = 0 })
		return c.cut()
	}
	return nil
}
