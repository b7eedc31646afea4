// Package devicelink serves files to a device that asks for them: DeviceLink,
// the protocol under mobilebackup2.
//
// Once a backup or a restore has begun the device is in charge. It sends one
// request and waits for exactly one answer; the host reads and writes a folder
// for it, a [Files]. [Conn] is the host's end of the connection, [Conn.Serve]
// the loop that answers. Nothing here knows what a backup is.
//
// Everything the device sends is a stranger's word. Names pass [Name] and stay
// inside the folders a [Service] allows, no memory is taken because a length
// says so, and whatever goes wrong on the host the stream stays in step: a
// batch is read to its end before its failures are told.
//
// Sources: the wire as recorded from libimobiledevice 1.3.0 and its
// development version, and as described in docs/protocols.
package devicelink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"russet/internal/plist"
)

// Version is the DeviceLink version the host speaks: 400 is the first with
// DLMessagePurgeDiskSpace. Devices before iOS 14 say 300.
const Version = 400

// Bounds of what a device may send.
const (
	MaxMessage = 64 << 20 // bytes of one property list
	MaxFrame   = 64 << 20 // bytes of one frame of file data
	MaxPath    = 4096     // bytes of one name

	maxObjects = 1 << 20 // values in one property list
	maxDepth   = 32      // its nesting
)

// frameData is how much file data goes to the device in one frame. Devices
// hold a whole frame in memory; frames of 128 MiB had BackupAgent2 killed,
// larger ones than this are no faster (pymobiledevice3 #1165, #1857).
const frameData = 32 << 10

// bufferSize is the size of the two buffers of a Conn, one each way.
const bufferSize = 256 << 10

// emptyParameter stands where a string is missing.
const emptyParameter = "___EmptyParameterString___"

// Time limits.
const (
	handshakeLimit  = 3 * time.Minute // the service may take long to start: 62 s was seen
	disconnectLimit = 5 * time.Second // for what has begun when a run is cancelled, and for the goodbye

	// FirstLimit is how long a device may be silent before its first request:
	// it shows its passcode sheet for up to half an hour.
	FirstLimit = 35 * time.Minute
	// IdleLimit is how long a device may be silent afterwards: it scans and
	// verifies for many minutes.
	IdleLimit = 15 * time.Minute
)

// Conn is the host's end of a DeviceLink connection. One goroutine uses it;
// only Traffic may be called from others.
type Conn struct {
	link   *link
	log    *slog.Logger
	in     reader
	out    []byte // frames and answers on their way to the device
	device []byte // the device's own name of the file being received
	files  counter

	doneAnswer, madeAnswer []byte // encoded, once they were needed
}

// NewConn makes a Conn of a connection to a DeviceLink service, which it then
// owns.
func NewConn(conn net.Conn, log *slog.Logger) *Conn {
	l := newLink(conn)
	return &Conn{
		link: l,
		log:  log,
		in:   reader{src: l, buf: make([]byte, bufferSize)},
		out:  make([]byte, 0, bufferSize),
	}
}

// Handshake agrees on a version and waits until the device is ready. What goes
// wrong is a *HandshakeError.
func (c *Conn) Handshake(ctx context.Context) error {
	defer c.link.obey(ctx)()
	c.link.setLimit(handshakeLimit)
	if err := c.handshake(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return &HandshakeError{Err: err}
	}
	return nil
}

func (c *Conn) handshake() error {
	m, err := c.readMessage()
	if err != nil {
		return err
	}
	if m.name() != "DLMessageVersionExchange" {
		return &ProtocolError{What: fmt.Sprintf("%q instead of a version", m.name())}
	}
	// The device takes the lesser of both versions; libimobiledevice echoes.
	version := min(m.int(1), Version)
	err = c.sendList([]any{"DLMessageVersionExchange", "DLVersionsOk", version})
	if err != nil {
		return err
	}
	m, err = c.readMessage()
	if err != nil {
		return err
	}
	if m.name() != "DLMessageDeviceReady" {
		return &ProtocolError{What: fmt.Sprintf("%q instead of being ready", m.name())}
	}
	return nil
}

// Send sends a message to the service that uses DeviceLink.
func (c *Conn) Send(ctx context.Context, msg plist.Dict) error {
	defer c.link.obey(ctx)()
	return c.cause(ctx, c.sendList([]any{"DLMessageProcessMessage", msg}))
}

// Receive waits for a message of the service that uses DeviceLink, at most
// limit long, and answers nothing.
func (c *Conn) Receive(ctx context.Context, limit time.Duration) (plist.Dict, error) {
	defer c.link.obey(ctx)()
	c.link.setLimit(limit)
	for {
		m, err := c.readMessage()
		if err != nil {
			return nil, c.cause(ctx, err)
		}
		switch m.name() {
		case "DLMessageProcessMessage":
			return m.dict(1), nil
		case "DLMessageDisconnect":
			return nil, &DisconnectError{Reason: m.text(1)}
		case "DLMessagePing":
		default:
			return nil, &ProtocolError{What: fmt.Sprintf("%q instead of an answer", m.name())}
		}
	}
}

// Disconnect says goodbye and closes the connection. That the device has gone
// already is no error: it often has.
func (c *Conn) Disconnect() {
	c.link.hurry()
	if err := c.sendList([]any{"DLMessageDisconnect", emptyParameter}); err != nil {
		c.log.Debug("no goodbye", "error", err)
	}
	if err := c.link.conn.Close(); err != nil {
		c.log.Debug("closing the connection", "error", err)
	}
}

// Traffic is what has passed over a connection so far.
type Traffic struct {
	Received int64     // bytes from the device
	Sent     int64     // bytes to the device
	Files    int64     // files received whole and put in their place
	Last     time.Time // when the last bytes passed, either way
}

// Traffic may be called at any time, by any goroutine.
func (c *Conn) Traffic() Traffic {
	return Traffic{
		Received: c.link.received.Load(),
		Sent:     c.link.sent.Load(),
		Files:    c.files.Load(),
		Last:     time.Unix(0, c.link.last.Load()),
	}
}

// cause gives the reason of a cancelled context precedence over what it made
// the connection say.
func (c *Conn) cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// A LostError says that the connection ended, or that the device was silent
// for longer than it is ever known to be, while more was expected of it.
type LostError struct {
	Silent time.Duration // the limit that was passed; 0 if the connection ended
	Err    error
}

func (e *LostError) Error() string {
	if e.Silent > 0 {
		return fmt.Sprintf("the device was silent for %v", e.Silent)
	}
	return fmt.Sprintf("connection to the device lost: %v", e.Err)
}

// Unwrap returns the connection's own error.
func (e *LostError) Unwrap() error { return e.Err }

// A ProtocolError says that the device sent what cannot be understood; nothing
// more can be read from the connection.
type ProtocolError struct{ What string }

func (e *ProtocolError) Error() string { return "the device sent " + e.What }

// A HandshakeError says that the service refused to start a conversation. On
// real phones it went away with a re-plug or a restart.
type HandshakeError struct{ Err error }

func (e *HandshakeError) Error() string {
	return fmt.Sprintf("agree on a DeviceLink version: %v", e.Err)
}

// Unwrap returns what happened instead.
func (e *HandshakeError) Unwrap() error { return e.Err }

// A DisconnectError says that the device said goodbye before it was done.
type DisconnectError struct{ Reason string }

func (e *DisconnectError) Error() string {
	if e.Reason == "" || e.Reason == emptyParameter {
		return "the device disconnected"
	}
	return fmt.Sprintf("the device disconnected: %q", e.Reason)
}

// lost makes the error of a connection a LostError.
func lost(err error, limit time.Duration) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &LostError{Silent: limit, Err: err}
	}
	return &LostError{Err: err}
}
