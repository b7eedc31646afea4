// Package usbmux speaks to usbmuxd, the daemon that carries connections to
// iPhones and iPads over a cable, keeps the pair records of a computer, and
// tells who comes and goes. Apple's own daemon, usbmuxd of the libimobiledevice
// project and netmuxd all answer it.
//
// The protocol is version 1, which every daemon since iTunes 10 speaks. What is
// said here was seen on the wire with libusbmuxd 2.0.2.
package usbmux

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"russet/device/internal/wire"
	"russet/internal/plist"
)

// Client reaches one usbmuxd, with a connection of its own for every request.
// The zero value uses the usual daemon of this computer.
type Client struct {
	// Addr is where the daemon listens, in the forms [ParseAddr] knows; "" is
	// [DefaultAddr].
	Addr string
	// Label is the program's name for the daemon's log; "" is "russet".
	Label string
	// DialContext replaces the network; nil is the usual one.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

// ErrNoDaemon: nothing answers where usbmuxd should.
var ErrNoDaemon = errors.New("usbmuxd is not reachable")

// dial opens a connection to the daemon.
func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	addr := cmp.Or(c.Addr, DefaultAddr())
	network, address, err := ParseAddr(addr)
	if err != nil {
		return nil, err
	}
	dial := c.DialContext
	if dial == nil {
		dial = (&net.Dialer{Timeout: wire.RequestLimit}).DialContext
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("%w at %q: %w", ErrNoDaemon, addr, err)
	}
	return conn, nil
}

// call makes one request on a connection of its own.
func (c *Client) call(ctx context.Context, request string, fields plist.Dict) (plist.Dict, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	return c.ask(ctx, conn, request, fields)
}

// ask sends a request over conn and reads the answer and not one byte more:
// after Connect the next one is the device's. A refusal is an [Error].
func (c *Client) ask(ctx context.Context, conn net.Conn, request string, fields plist.Dict) (plist.Dict, error) {
	const tag = 1
	req := plist.Dict{
		"MessageType":         request,
		"ClientVersionString": "russet",
		"ProgName":            cmp.Or(c.Label, "russet"),
		"kLibUSBMuxVersion":   3,
	}
	for k, v := range fields {
		req[k] = v
	}
	var answer plist.Dict
	err := wire.Do(ctx, wire.RequestLimit, conn.SetDeadline, func() error {
		if err := writeMessage(conn, tag, req); err != nil {
			return err
		}
		got, d, err := readMessage(conn)
		if err == nil && got != tag {
			err = fmt.Errorf("the answer belongs to request %d, not %d", got, tag)
		}
		answer = d
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("usbmuxd %s: %w", request, err)
	}
	if answer.String("MessageType") == "Result" {
		if code := answer.Int("Number"); code != 0 {
			return nil, &Error{Request: request, Code: code}
		}
	}
	return answer, nil
}

// command is ask for a request whose whole answer is that it was done.
func (c *Client) command(ctx context.Context, conn net.Conn, request string, fields plist.Dict) error {
	answer, err := c.ask(ctx, conn, request, fields)
	if err != nil {
		return err
	}
	if answer.String("MessageType") != "Result" || !answer.Has("Number") {
		return fmt.Errorf("usbmuxd %s: the answer is no result", request)
	}
	return nil
}

// callCommand makes one such request on a connection of its own.
func (c *Client) callCommand(ctx context.Context, request string, fields plist.Dict) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return c.command(ctx, conn, request, fields)
}

// Devices lists the devices that are there now, each with its connections: one
// that is on the cable and on the network comes twice.
func (c *Client) Devices(ctx context.Context) ([]*Device, error) {
	answer, err := c.call(ctx, "ListDevices", nil)
	if err != nil {
		return nil, err
	}
	list, ok := answer["DeviceList"].([]any)
	if !ok {
		return nil, errors.New("usbmuxd ListDevices: the answer has no list")
	}
	var devices []*Device
	for _, item := range list {
		d, ok := item.(plist.Dict)
		if !ok {
			continue
		}
		if dev, ok := c.device(d); ok {
			devices = append(devices, dev)
		}
	}
	return devices, nil
}

// ReadBUID returns the name of this daemon, a UUID that goes into every pair
// record.
func (c *Client) ReadBUID(ctx context.Context) (string, error) {
	answer, err := c.call(ctx, "ReadBUID", nil)
	if err != nil {
		return "", err
	}
	buid := answer.String("BUID")
	if buid == "" {
		return "", errors.New("usbmuxd ReadBUID: the answer has none")
	}
	return buid, nil
}

// connect asks for a port of a device. On success the connection belongs to it.
func (c *Client) connect(ctx context.Context, id uint64, port uint16) (net.Conn, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	err = c.command(ctx, conn, "Connect", plist.Dict{
		"DeviceID": id,
		// The port in network byte order, inside an integer.
		"PortNumber": port>>8 | port<<8,
	})
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// dashed gives a UDID the form everything but the USB descriptor uses: newer
// devices leave out the dash there.
func dashed(serial string) string {
	if len(serial) == 24 && !strings.Contains(serial, "-") {
		return serial[:8] + "-" + serial[8:]
	}
	return serial
}
