package lockdown

import (
	"context"
	"errors"
	"fmt"
	"math"

	"russet/device/internal/wire"
	"russet/internal/plist"
)

// StartSession proves to the device that this host is paired and continues
// encrypted on the same connection. A device that has forgotten this host gives
// an error that is [ErrUntrusted].
//
// With legacy set, TLS 1.0 and the old cipher suites are allowed: for devices
// before iOS 10 only.
func (c *Client) StartSession(ctx context.Context, rec *PairRecord, legacy bool) error {
	answer, err := c.call(ctx, "StartSession", "", plist.Dict{
		"HostID": rec.HostID, "SystemBUID": rec.SystemBUID,
	})
	if err != nil {
		return err
	}
	id := answer.String("SessionID")
	if id == "" {
		return errors.New("lockdown StartSession: the answer has no session")
	}
	if !answer.Bool("EnableSessionSSL") {
		// Nothing that was ever seen does this; secrets would go out in the clear.
		return errors.New("lockdown StartSession: the device offers no encryption")
	}
	secure, err := Handshake(ctx, c.conn.Net(), rec, legacy)
	if err != nil {
		return fmt.Errorf("lockdown StartSession: %w", distrust(err))
	}
	c.conn, c.session, c.fresh = wire.NewConn(secure, maxMessage), id, true
	return nil
}

// StopSession ends the session. Close the connection afterwards: a device may
// go on in the clear.
func (c *Client) StopSession(ctx context.Context) error {
	if c.session == "" {
		return nil
	}
	_, err := c.call(ctx, "StopSession", "", plist.Dict{"SessionID": c.session})
	c.session = ""
	return err
}

// Service is a service the device has started. Its port takes one connection.
type Service struct {
	Port uint16
	TLS  bool // do a [Handshake] before the first byte
}

// StartService has the device start a service. The escrow bag of the pair
// record, when given, opens the data of a device whose screen is locked; backup
// needs it.
func (c *Client) StartService(ctx context.Context, name string, escrowBag []byte) (Service, error) {
	fields := plist.Dict{"Service": name}
	if escrowBag != nil {
		fields["EscrowBag"] = escrowBag
	}
	answer, err := c.call(ctx, "StartService", name, fields)
	if err != nil {
		return Service{}, err
	}
	port := answer.Uint("Port")
	if port == 0 || port > math.MaxUint16 {
		return Service{}, fmt.Errorf("lockdown StartService %s: port %d", name, port)
	}
	return Service{Port: uint16(port), TLS: answer.Bool("EnableServiceSSL")}, nil
}
