// Package installationproxy lists the applications of a device.
package installationproxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"time"

	"russet/device/internal/wire"
	"russet/internal/plist"
)

// Service is the name to start the service by.
const Service = "com.apple.mobile.installation_proxy"

// The kinds of application a [Query] can ask for.
const (
	User   = "User"
	System = "System"
	Any    = "Any"
)

// Attributes worth asking for.
const (
	BundleIdentifier = "CFBundleIdentifier"
	DisplayName      = "CFBundleDisplayName"
	ShortVersion     = "CFBundleShortVersionString"
	ApplicationSINF  = "ApplicationSINF" // data: the purchase, for Info.plist of a backup
	ITunesMetadata   = "iTunesMetadata"  // data: a property list about the purchase
	StaticDiskUsage  = "StaticDiskUsage"
	DynamicDiskUsage = "DynamicDiskUsage"
)

const (
	// maxMessage bounds one batch; applications bring artwork in their metadata.
	maxMessage = 64 << 20
	// maxApplications bounds what an endless device can send.
	maxApplications = 10_000
	// answerLimit bounds the wait for one batch, for which the device reads
	// hundreds of applications.
	answerLimit = 2 * time.Minute
)

// Error is a refusal by the service.
type Error struct {
	Command     string
	Name        string // the device's word: "APIInternalError"
	Description string // may be ""
}

// Error quotes the device.
func (e *Error) Error() string {
	s := fmt.Sprintf("installation proxy: %s: %q", e.Command, e.Name)
	if e.Description != "" {
		s += fmt.Sprintf(": %q", e.Description)
	}
	return s
}

// Client is one connection to the service. It is used by one goroutine at a
// time, for one command after another.
type Client struct{ conn *wire.Conn }

// NewClient speaks the protocol over a connection to the service.
func NewClient(conn net.Conn) *Client { return &Client{wire.NewConn(conn, maxMessage)} }

// Close closes the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Query says which applications, and what about them.
type Query struct {
	Type       string   // [User], [System] or [Any]; "" is [User]
	Attributes []string // none means all, which is much
}

// Browse lists applications as the device sends them, in no order. After a loop
// that was left early, or an error, the connection is of no more use.
func (c *Client) Browse(ctx context.Context, q Query) iter.Seq2[plist.Dict, error] {
	return func(yield func(plist.Dict, error) bool) {
		if err := c.browse(ctx, q, func(app plist.Dict) bool { return yield(app, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

func (c *Client) browse(ctx context.Context, q Query, report func(plist.Dict) bool) error {
	options := plist.Dict{"ApplicationType": cmp.Or(q.Type, User)}
	if q.Attributes != nil {
		options["ReturnAttributes"] = q.Attributes
	}
	err := c.conn.Send(ctx, plist.Dict{"Command": "Browse", "ClientOptions": options})
	if err != nil {
		return fmt.Errorf("installation proxy: Browse: %w", err)
	}
	for seen := 0; seen <= maxApplications; {
		msg, err := c.receive(ctx, "Browse")
		if err != nil {
			return err
		}
		apps := msg.Array("CurrentList")
		for _, app := range apps {
			if d, ok := app.(plist.Dict); ok && !report(d) {
				return nil
			}
		}
		if msg.String("Status") == "Complete" {
			return nil
		}
		seen += max(1, len(apps)) // an empty message counts, or they could go on for ever
	}
	return errors.New("installation proxy: Browse: the list does not end")
}

// Lookup returns what the device knows of the applications with these bundle
// identifiers; those it does not have are absent.
func (c *Client) Lookup(ctx context.Context, bundleIDs, attributes []string) (map[string]plist.Dict, error) {
	options := plist.Dict{"BundleIDs": bundleIDs}
	if attributes != nil {
		options["ReturnAttributes"] = attributes
	}
	err := c.conn.Send(ctx, plist.Dict{"Command": "Lookup", "ClientOptions": options})
	if err != nil {
		return nil, fmt.Errorf("installation proxy: Lookup: %w", err)
	}
	msg, err := c.receive(ctx, "Lookup")
	if err != nil {
		return nil, err
	}
	found := map[string]plist.Dict{}
	for id := range msg.Dict("LookupResult") {
		found[id] = msg.Dict("LookupResult").Dict(id)
	}
	return found, nil
}

// receive waits for one message.
func (c *Client) receive(ctx context.Context, command string) (plist.Dict, error) {
	msg, err := c.conn.Receive(ctx, answerLimit)
	if err != nil {
		return nil, fmt.Errorf("installation proxy: %s: %w", command, err)
	}
	if msg.Has("Error") {
		return nil, &Error{command, wire.Brief(msg.String("Error")), wire.Brief(msg.String("ErrorDescription"))}
	}
	return msg, nil
}
