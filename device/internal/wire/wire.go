// Package wire carries the messages that lockdownd and most services of a
// device speak: a length in four bytes, big-endian, and a property list of that
// many bytes. It also bounds what may take for ever: [Do] puts a context and a
// time limit on the use of any connection.
//
// The shape was seen on the wire between libimobiledevice 1.3.0 and devices.
// Requests go out as XML, as every client sends them; answers may be XML or
// binary.
package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"russet/internal/plist"
)

// RequestLimit is how long a small request may take from its first byte to the
// last of its answer. Devices answer in milliseconds; a minute of silence here
// means a dead link, and nothing of a backup waits on it.
const RequestLimit = 30 * time.Second

// ErrBroken is the error of a connection on which an earlier exchange was
// given up half-way: what comes next could be the answer to that one.
var ErrBroken = errors.New("connection abandoned in the middle of a request")

// Conn exchanges messages over one connection. One goroutine may send while
// another receives; neither half is safe for concurrent use by itself.
type Conn struct {
	nc     net.Conn
	limit  int  // bytes of one message
	broken bool // an exchange was abandoned

	// A message being received survives a context that ends in the middle.
	header [4]byte
	have   int // bytes of header
	body   bytes.Buffer
}

// NewConn speaks over nc and refuses messages of more than limit bytes.
func NewConn(nc net.Conn, limit int) *Conn {
	return &Conn{nc: nc, limit: limit}
}

// Close closes the connection.
func (c *Conn) Close() error { return c.nc.Close() }

// Net is the connection below, for a protocol that changes its nature.
func (c *Conn) Net() net.Conn { return c.nc }

// Send sends v as XML.
func (c *Conn) Send(ctx context.Context, v any) error {
	return c.send(ctx, v, plist.MarshalXML)
}

// SendBinary sends v as a binary property list.
func (c *Conn) SendBinary(ctx context.Context, v any) error {
	return c.send(ctx, v, plist.MarshalBinary)
}

func (c *Conn) send(ctx context.Context, v any, marshal func(any) ([]byte, error)) error {
	switch {
	case c.broken:
		return ErrBroken
	case ctx.Err() != nil:
		return context.Cause(ctx) // nothing was sent, nothing is broken
	}
	body, err := marshal(v)
	if err != nil {
		return err
	}
	msg := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	msg = append(msg, body...)
	err = Do(ctx, RequestLimit, c.nc.SetWriteDeadline, func() error {
		_, err := c.nc.Write(msg)
		return err
	})
	c.broken = err != nil // half a message may be on its way
	return err
}

// Receive waits for one message whose root is a dictionary; limit 0 waits as
// long as ctx does. When ctx ends first, nothing is lost: the next Receive goes
// on where this one stopped.
func (c *Conn) Receive(ctx context.Context, limit time.Duration) (plist.Dict, error) {
	if err := Do(ctx, limit, c.nc.SetReadDeadline, c.fill); err != nil {
		return nil, err
	}
	defer c.reset()
	msg, err := plist.ParseDict(c.body.Bytes())
	if err != nil {
		return nil, fmt.Errorf("message of %d bytes: %w", c.body.Len(), err)
	}
	return msg, nil
}

// fill reads on until the message is whole.
func (c *Conn) fill() error {
	for c.have < len(c.header) {
		n, err := c.nc.Read(c.header[c.have:])
		c.have += n
		if err != nil && c.have < len(c.header) {
			if c.have > 0 && err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	size := binary.BigEndian.Uint32(c.header[:])
	if uint64(size) > uint64(c.limit) {
		return fmt.Errorf("message of %d bytes exceeds %d", size, c.limit)
	}
	// The buffer grows with what arrives, not with what is announced.
	_, err := io.CopyN(&c.body, c.nc, int64(size)-int64(c.body.Len()))
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// reset makes room for the next message and lets go of a large buffer.
func (c *Conn) reset() {
	c.have = 0
	if c.body.Cap() > 1<<20 {
		c.body = bytes.Buffer{}
	}
	c.body.Reset()
}

// Call sends a request and waits for its answer. A Call that fails half-way
// leaves the connection unusable, since the answer may still come.
func (c *Conn) Call(ctx context.Context, req plist.Dict) (plist.Dict, error) {
	return c.call(ctx, req, c.Send)
}

// CallBinary is Call with a binary request.
func (c *Conn) CallBinary(ctx context.Context, req plist.Dict) (plist.Dict, error) {
	return c.call(ctx, req, c.SendBinary)
}

func (c *Conn) call(ctx context.Context, req plist.Dict, send func(context.Context, any) error) (plist.Dict, error) {
	if err := send(ctx, req); err != nil {
		return nil, err
	}
	answer, err := c.Receive(ctx, RequestLimit)
	if err != nil {
		c.broken = true
	}
	return answer, err
}

// Brief cuts a stranger's word to a length that fits into a message.
func Brief(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
