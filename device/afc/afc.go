// Package afc reads and writes files on a device through Apple's file conduit.
// The folder it opens is /var/mobile/Media: photos, books, and the files iTunes
// once kept there. It also holds the lock that keeps two hosts from syncing at
// once; see [Client.LockSync].
//
// Every call is one packet and one answer, on one connection. What is said here
// was seen on the wire with libimobiledevice 1.3.0.
package afc

import (
	"context"
	"fmt"
	"net"
	"strings"
)

// Service is the name to start the service by.
const Service = "com.apple.afc"

// Client is one connection to the service. It is safe for concurrent use; calls
// take turns.
type Client struct {
	conn   net.Conn
	turn   chan struct{} // holds a token while nobody uses the connection
	number uint64        // of the last packet
	broken error         // why the connection cannot be used any more
}

// NewClient speaks the protocol over a connection to the service.
func NewClient(conn net.Conn) *Client {
	c := &Client{conn: conn, turn: make(chan struct{}, 1)}
	c.turn <- struct{}{}
	return c
}

// Close closes the connection. The device closes the files that are open, and
// gives up their locks.
func (c *Client) Close() error { return c.conn.Close() }

// status makes a call whose answer is only whether it was done.
func (c *Client) status(ctx context.Context, op operation, path string, params, payload []byte) error {
	answer, err := c.call(ctx, op, path, params, payload)
	if err != nil {
		return err
	}
	if answer.op != opStatus {
		return c.unexpected(op, answer.op)
	}
	return nil
}

// data makes a call whose answer is bytes.
func (c *Client) data(ctx context.Context, op operation, path string, params []byte) ([]byte, error) {
	answer, err := c.call(ctx, op, path, params, nil)
	if err != nil {
		return nil, err
	}
	if answer.op != opData {
		return nil, c.unexpected(op, answer.op)
	}
	return answer.body, nil
}

func (c *Client) unexpected(op, got operation) error {
	return fmt.Errorf("afc %v: the device answered with operation %#x", op, uint64(got))
}

// names encodes paths as parameters: each ends with a zero byte.
func names(op operation, paths ...string) ([]byte, error) {
	var params []byte
	for _, p := range paths {
		if p == "" || strings.ContainsRune(p, 0) || len(p) > maxPath {
			return nil, &Error{Op: op.String(), Path: p, Status: InvalidArgument}
		}
		params = append(append(params, p...), 0)
	}
	return params, nil
}

// onPath makes a call that takes a path and gives nothing back.
func (c *Client) onPath(ctx context.Context, op operation, path string) error {
	params, err := names(op, path)
	if err != nil {
		return err
	}
	return c.status(ctx, op, path, params, nil)
}

// MakeDir makes a folder and the folders above it.
func (c *Client) MakeDir(ctx context.Context, path string) error {
	return c.onPath(ctx, opMakeDir, path)
}

// Remove removes a file or an empty folder.
func (c *Client) Remove(ctx context.Context, path string) error {
	return c.onPath(ctx, opRemove, path)
}

// RemoveAll removes a file, or a folder with everything in it.
func (c *Client) RemoveAll(ctx context.Context, path string) error {
	return c.onPath(ctx, opRemoveAll, path)
}

// Rename moves a file or folder.
func (c *Client) Rename(ctx context.Context, from, to string) error {
	params, err := names(opRename, from, to)
	if err != nil {
		return err
	}
	return c.status(ctx, opRename, from, params, nil)
}

// Symlink makes a symbolic link that leads to target.
func (c *Client) Symlink(ctx context.Context, target, link string) error {
	params, err := names(opLink, target, link)
	if err != nil {
		return err
	}
	return c.status(ctx, opLink, link, append(words(linkSymbolic), params...), nil)
}
