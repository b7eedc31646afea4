// Package notificationproxy exchanges notifications with a device: it posts
// them by name, and relays those that happen on the device. A notification is a
// name and nothing else; it says that something changed, not to what.
package notificationproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"time"

	"russet/device/internal/wire"
	"russet/internal/plist"
)

// Service is the name to start the service by. InsecureService answers without
// a session and knows few names.
const (
	Service         = "com.apple.mobile.notification_proxy"
	InsecureService = "com.apple.mobile.insecure_notification_proxy"
)

// Names worth knowing. The Sync ones surround every backup and restore, so that
// no two hosts sync at once; libimobiledevice and Apple's hosts post them.
const (
	SyncWillStart   = "com.apple.itunes-mobdev.syncWillStart"
	SyncLockRequest = "com.apple.itunes-mobdev.syncLockRequest"
	SyncDidStart    = "com.apple.itunes-mobdev.syncDidStart"
	SyncDidFinish   = "com.apple.itunes-mobdev.syncDidFinish"

	// SyncCancelRequest: somebody pressed Cancel on the device.
	SyncCancelRequest  = "com.apple.itunes-client.syncCancelRequest"
	SyncSuspendRequest = "com.apple.itunes-client.syncSuspendRequest"
	SyncResumeRequest  = "com.apple.itunes-client.syncResumeRequest"

	// BackupDomainChanged: a setting of the backup domain changed.
	BackupDomainChanged = "com.apple.mobile.backup.domain_changed"
	// PasscodePresented and PasscodeDismissed: a sheet asks for the passcode.
	PasscodePresented = "com.apple.LocalAuthentication.ui.presented"
	PasscodeDismissed = "com.apple.LocalAuthentication.ui.dismissed"
	// LockStateChanged: the screen was locked or unlocked.
	LockStateChanged = "com.apple.springboard.lockstate"
)

const (
	// maxMessage bounds one message; a name has a hundred bytes.
	maxMessage = 64 << 10
	// deathLimit bounds the wait for the end the device announces.
	deathLimit = 2 * time.Second
)

// Client is one connection to the service. One goroutine may wait in Next while
// another posts.
type Client struct {
	conn    *wire.Conn
	reading chan struct{} // holds a token while nobody reads
	dead    bool          // the device said ProxyDeath, or the connection failed
}

// NewClient speaks the protocol over a connection to the service.
func NewClient(conn net.Conn) *Client {
	c := &Client{conn: wire.NewConn(conn, maxMessage), reading: make(chan struct{}, 1)}
	c.reading <- struct{}{}
	return c
}

// Post makes a notification happen on the device. There is no answer.
func (c *Client) Post(ctx context.Context, name string) error {
	return c.command(ctx, "PostNotification", name)
}

// Observe asks for notifications to be relayed from now on; [Client.Next]
// delivers them. Names the device does not know are as good as any.
func (c *Client) Observe(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := c.command(ctx, "ObserveNotification", name); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) command(ctx context.Context, command, name string) error {
	if err := c.conn.Send(ctx, plist.Dict{"Command": command, "Name": name}); err != nil {
		return fmt.Errorf("notification proxy: %s %s: %w", command, name, err)
	}
	return nil
}

// Next waits for the next notification and returns its name. When ctx ends
// first nothing is lost and Next may be called again. io.EOF means that the
// service has ended.
func (c *Client) Next(ctx context.Context) (string, error) {
	select {
	case <-c.reading:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	defer func() { c.reading <- struct{}{} }()
	for !c.dead {
		msg, err := c.conn.Receive(ctx, 0)
		switch {
		case err != nil && ctx.Err() != nil:
			return "", err
		case errors.Is(err, io.EOF):
			c.dead = true
		case err != nil:
			c.dead = true
			return "", fmt.Errorf("notification proxy: %w", err)
		case msg.String("Command") == "RelayNotification":
			return msg.String("Name"), nil
		case msg.String("Command") == "ProxyDeath":
			c.dead = true
		}
	}
	return "", io.EOF
}

// Names iterates over notifications until ctx ends, the service ends or the
// loop is left. Only a failure is reported, as the last thing.
func (c *Client) Names(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for {
			name, err := c.Next(ctx)
			switch {
			case err == nil:
				if !yield(name, nil) {
					return
				}
			case err == io.EOF || ctx.Err() != nil:
				return
			default:
				yield("", err)
				return
			}
		}
	}
}

// Close tells the service to end, waits a moment for it, so that what was
// posted is delivered, and closes the connection. A Next under way returns
// io.EOF.
func (c *Client) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), deathLimit)
	defer cancel()
	if err := c.conn.Send(ctx, plist.Dict{"Command": "Shutdown"}); err == nil {
		for err == nil { // notifications still on their way
			_, err = c.Next(ctx)
		}
	}
	return c.conn.Close()
}
