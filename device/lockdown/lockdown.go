// Package lockdown speaks to lockdownd, the doorkeeper of an iPhone or iPad: it
// says what device this is, pairs it with a computer, opens an encrypted
// session and starts the other services.
//
// A [Client] works on any connection to port 62078 of a device; package device
// puts dialling, session and services together and is what most programs want.
//
// What is said here was seen on the wire between libimobiledevice 1.3.0 and
// other clients and devices, from iOS 7 on.
package lockdown

import (
	"cmp"
	"context"
	"fmt"
	"net"

	"russet/device/internal/wire"
	"russet/internal/plist"
)

// Port is the TCP port of lockdownd on every device.
const Port = 62078

// Type is what lockdownd answers to QueryType. A device in restore mode
// answers something else.
const Type = "com.apple.mobile.lockdown"

// maxMessage bounds one answer. The largest, the default domain of a phone, is
// about 20 KiB.
const maxMessage = 16 << 20

// Client is one connection to lockdownd. It is used by one goroutine at a time.
type Client struct {
	conn    *wire.Conn
	label   string
	session string // "" outside a session
	fresh   bool   // nothing was said in the session yet
}

// NewClient speaks to lockdownd over conn. The label is the program's name,
// which the device writes into its logs; "" means "russet".
func NewClient(conn net.Conn, label string) *Client {
	return &Client{conn: wire.NewConn(conn, maxMessage), label: cmp.Or(label, "russet")}
}

// Close closes the connection without a word.
func (c *Client) Close() error { return c.conn.Close() }

// call makes one request. The answer repeats its name; a refusal is an [Error].
func (c *Client) call(ctx context.Context, request, subject string, fields plist.Dict) (plist.Dict, error) {
	answer, err := c.exchange(ctx, request, subject, fields)
	if err != nil {
		return nil, err
	}
	if got := answer.String("Request"); got != "" && got != request {
		return nil, fmt.Errorf("lockdown %s: the device answered %q instead", request, wire.Brief(got))
	}
	return answer, nil
}

// exchange is call without a look at the name in the answer: devices answer
// Unpair under other names.
func (c *Client) exchange(ctx context.Context, request, subject string, fields plist.Dict) (plist.Dict, error) {
	req := plist.Dict{"Label": c.label, "Request": request}
	for k, v := range fields {
		req[k] = v
	}
	answer, err := c.conn.Call(ctx, req)
	if c.fresh {
		// With TLS 1.3 a refused certificate shows only now.
		err, c.fresh = distrust(err), false
	}
	if err != nil {
		return nil, fmt.Errorf("lockdown %s: %w", request, err)
	}
	if refusal := refusalOf(answer); refusal != "" {
		return nil, &Error{Request: request, Subject: subject, Code: refusal}
	}
	return answer, nil
}

// QueryType asks what answers on this connection; see [Type].
func (c *Client) QueryType(ctx context.Context) (string, error) {
	answer, err := c.call(ctx, "QueryType", "", nil)
	return answer.String("Type"), err
}

// Value reads one value. An empty domain is the default one; an empty key means
// everything in the domain that this host may read, as a [plist.Dict]. What is
// not there is an [Error] with code [MissingValue]. Without a session a device
// tells only a few values of the default domain.
func (c *Client) Value(ctx context.Context, domain, key string) (any, error) {
	answer, err := c.call(ctx, "GetValue", subject(domain, key), address(domain, key))
	if err != nil {
		return nil, err
	}
	v, ok := answer["Value"]
	if !ok {
		return nil, &Error{Request: "GetValue", Subject: subject(domain, key), Code: MissingValue}
	}
	return v, nil
}

// SetValue writes one value; the device refuses most.
func (c *Client) SetValue(ctx context.Context, domain, key string, value any) error {
	fields := address(domain, key)
	fields["Value"] = value
	_, err := c.call(ctx, "SetValue", subject(domain, key), fields)
	return err
}

// RemoveValue removes one value; the device refuses most.
func (c *Client) RemoveValue(ctx context.Context, domain, key string) error {
	_, err := c.call(ctx, "RemoveValue", subject(domain, key), address(domain, key))
	return err
}

// Goodbye tells the device that this was all. It may close instead of
// answering, and that is no error.
func (c *Client) Goodbye(ctx context.Context) error {
	_, err := c.exchange(ctx, "Goodbye", "", nil)
	if Dropped(err) {
		return nil
	}
	return err
}

func address(domain, key string) plist.Dict {
	fields := plist.Dict{}
	if domain != "" {
		fields["Domain"] = domain
	}
	if key != "" {
		fields["Key"] = key
	}
	return fields
}

func subject(domain, key string) string {
	switch {
	case domain == "":
		return key
	case key == "":
		return domain
	default:
		return domain + "/" + key
	}
}
