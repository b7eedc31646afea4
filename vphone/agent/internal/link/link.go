// Package link is the device's side of DeviceLink: the messages between a
// backup agent and its host, and the file data between them.
//
// The device asks, the host answers with exactly one status; nothing is
// pipelined. What the host sends is bounded before it is read.
package link

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"russet/vphone/internal/plist"
)

// Version is the version of DeviceLink this device speaks; phones sent 300
// before iOS 14.
const Version = 400

// Empty stands for a string parameter that is missing.
const Empty = "___EmptyParameterString___"

const (
	maxMessage = 64 << 20  // far above the listing of the largest folder
	bufferSize = 256 << 10 // many small frames to one write
)

// ErrProtocol is wrapped by errors that say the host broke the rules.
var ErrProtocol = errors.New("the host broke the DeviceLink protocol")

// ErrDisconnected says that the host ended the session with a message.
var ErrDisconnected = errors.New("the host disconnected")

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, args...))
}

// Hooks lets a test watch and disturb a session.
type Hooks struct {
	// Message is called before each message is sent and after each one was
	// received; an error ends the session.
	Message func(name string, sent bool) error
}

// Conn is a session with a host. It is not safe for concurrent use.
type Conn struct {
	net     net.Conn
	r       *bufio.Reader
	w       *bufio.Writer
	hooks   Hooks
	enc     plist.Encoder
	out     []byte
	version int64
}

// New wraps a connection to a host.
func New(conn net.Conn, hooks Hooks) *Conn {
	if hooks.Message == nil {
		hooks.Message = func(string, bool) error { return nil }
	}
	return &Conn{
		net: conn, hooks: hooks, version: Version,
		r: bufio.NewReaderSize(conn, bufferSize), w: bufio.NewWriterSize(conn, bufferSize),
	}
}

// Open exchanges versions and says that the device is ready.
func (c *Conn) Open() error {
	if err := c.Send("DLMessageVersionExchange", Version, 0); err != nil {
		return err
	}
	name, args, err := c.Receive()
	if err != nil {
		return err
	}
	if name != "DLMessageVersionExchange" || len(args) < 1 {
		return broken("%q instead of a version exchange", name)
	}
	// The host's own version counts, the lower of both. [D]
	switch args[0] {
	case "DLVersionsOk", "DLErrorAcceptingDeviceLinkGreater":
	default:
		return broken("version answer %q", fmt.Sprint(args[0]))
	}
	if len(args) > 1 {
		theirs, ok := args[1].(int64)
		if !ok || theirs < 1 {
			return broken("version %v", args[1])
		}
		c.version = min(Version, theirs)
	}
	return c.Send("DLMessageDeviceReady")
}

// Send sends one message.
func (c *Conn) Send(name string, args ...any) error {
	if err := c.hooks.Message(name, true); err != nil {
		return err
	}
	if err := c.write(append([]any{name}, args...)); err != nil {
		return err
	}
	return c.flush()
}

// write encodes a message without pushing it out.
func (c *Conn) write(message any) error {
	body, err := c.enc.AppendBinary(c.out[:0], message)
	if err != nil {
		return fmt.Errorf("encoding a message: %w", err)
	}
	c.out = body
	var head [4]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(body)))
	if _, err := c.w.Write(head[:]); err != nil {
		return fmt.Errorf("sending a message: %w", err)
	}
	if _, err := c.w.Write(body); err != nil {
		return fmt.Errorf("sending a message: %w", err)
	}
	return nil
}

func (c *Conn) flush() error {
	if err := c.w.Flush(); err != nil {
		return fmt.Errorf("sending to the host: %w", err)
	}
	return nil
}

// Raw sends bytes as they are: file frames, or what a hostile phone makes up.
func (c *Conn) Raw(b []byte) error {
	if _, err := c.w.Write(b); err != nil {
		return fmt.Errorf("sending to the host: %w", err)
	}
	return nil
}

// Flush pushes out what Raw wrote.
func (c *Conn) Flush() error { return c.flush() }

// Receive waits for a message and returns its name and what follows it. Empty
// arrays are skipped: some hosts were seen to get one. [T]
func (c *Conn) Receive() (name string, args []any, err error) {
	for {
		items, err := c.read()
		if err != nil {
			return "", nil, err
		}
		if len(items) == 0 {
			continue
		}
		name, ok := items[0].(string)
		if !ok {
			return "", nil, broken("a message without a name")
		}
		if err := c.hooks.Message(name, false); err != nil {
			return "", nil, err
		}
		if name == "DLMessageDisconnect" {
			return "", nil, ErrDisconnected
		}
		return name, items[1:], nil
	}
}

func (c *Conn) read() ([]any, error) {
	n, err := c.number()
	if err != nil {
		return nil, fmt.Errorf("waiting for the host: %w", err)
	}
	if n > maxMessage {
		return nil, broken("a message of %d bytes", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(c.r, body); err != nil {
		return nil, fmt.Errorf("receiving a message: %w", err)
	}
	v, err := plist.Unmarshal(body)
	if err != nil {
		return nil, broken("a message: %v", err)
	}
	items, ok := v.([]any)
	if !ok {
		return nil, broken("a message that is no array")
	}
	return items, nil
}

// number reads a big-endian 32-bit number.
func (c *Conn) number() (uint32, error) {
	var head [4]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(head[:]), nil
}

// Process waits for the host's next command.
func (c *Conn) Process() (map[string]any, error) {
	name, args, err := c.Receive()
	if err != nil {
		return nil, err
	}
	if name != "DLMessageProcessMessage" || len(args) != 1 {
		return nil, broken("%q with %d arguments instead of a command", name, len(args))
	}
	command, ok := args[0].(map[string]any)
	if !ok {
		return nil, broken("a command that is no dictionary")
	}
	return command, nil
}
