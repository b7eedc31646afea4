// Package springboard fetches the icons on the home screen of a device.
package springboard

import (
	"context"
	"fmt"
	"io/fs"
	"net"

	"russet/device/internal/wire"
	"russet/internal/plist"
)

// Service is the name to start the service by.
const Service = "com.apple.springboardservices"

// maxMessage bounds one icon; they have 5 to 60 KB.
const maxMessage = 16 << 20

// Client is one connection to the service. It is used by one goroutine at a
// time.
type Client struct{ conn *wire.Conn }

// NewClient speaks the protocol over a connection to the service.
func NewClient(conn net.Conn) *Client { return &Client{wire.NewConn(conn, maxMessage)} }

// Close closes the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Icon returns the icon of an application as PNG. An application without one,
// or one that is not there, is fs.ErrNotExist.
func (c *Client) Icon(ctx context.Context, bundleID string) ([]byte, error) {
	answer, err := c.conn.CallBinary(ctx, plist.Dict{"command": "getIconPNGData", "bundleId": bundleID})
	if err != nil {
		return nil, fmt.Errorf("icon of %q: %w", bundleID, err)
	}
	png := answer.Data("pngData")
	switch {
	case len(png) > 0:
		return png, nil
	case answer.Has("Error"):
		return nil, fmt.Errorf("icon of %q: the device says %q: %w", bundleID, wire.Brief(answer.String("Error")), fs.ErrNotExist)
	default:
		return nil, fmt.Errorf("icon of %q: %w", bundleID, fs.ErrNotExist)
	}
}
