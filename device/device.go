// Package device speaks to an iPhone or iPad: it opens one encrypted session
// with a paired device, reads and writes its settings, and starts services.
//
//	phones, err := (&usbmux.Client{}).Devices(ctx)
//	…
//	record, err := phones[0].PairRecord(ctx)     // bytes, as usbmuxd keeps them
//	pair, err := lockdown.ParsePairRecord(record)
//	dev, err := device.Connect(ctx, phones[0], pair, device.Options{})
//	defer dev.Close()
//	conn, err := dev.Dial(ctx, afc.Service, device.ServiceOptions{})
//	files := afc.NewClient(conn)
//
// The packages below this one are one protocol each and know nothing of each
// other: usbmux finds devices on the cable and reaches their ports, mdns finds
// them on the network, where [Network] reaches them; lockdown is the
// doorkeeper; afc, heartbeat, notificationproxy, installationproxy, springboard
// and mobilebackup2 are services, which work on any connection.
package device

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"russet/device/internal/wire"
	"russet/device/lockdown"
	"russet/internal/plist"
)

// Dialer reaches the TCP ports of one device: through usbmuxd, over the
// network, or through a pipe to a virtual phone.
type Dialer interface {
	DialPort(ctx context.Context, port uint16) (net.Conn, error)
}

// Options are for [Connect], [Identify], [Pair] and [Unpair]; the zero value
// will do.
type Options struct {
	Label string       // program name for the device's logs; "" is "russet"
	Log   *slog.Logger // nil is silence
	// Modern demands TLS 1.2 also of a device that calls itself older than iOS
	// 10. On a network anybody can say so before the session.
	Modern bool
}

func (o Options) withDefaults() Options {
	o.Label, o.Log = cmp.Or(o.Label, "russet"), cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return o
}

func (o Options) legacy(i Info) bool { return i.legacy() && !o.Modern }

// ErrRestoreMode is a device that waits for new firmware. It has no settings
// and no services.
var ErrRestoreMode = errors.New("the device is in restore mode")

// Device is a session with a paired device. Its methods are safe for concurrent
// use; requests take turns on one connection to lockdownd, which is opened
// again when the device has closed it in the meantime.
type Device struct {
	dialer Dialer
	record *lockdown.PairRecord
	opts   Options
	info   Info // never changes after Connect

	turn   chan struct{}    // holds a token while nobody uses the fields below
	client *lockdown.Client // nil while there is no session
	closed bool
}

// Connect opens a session. The errors to expect are those of the dialer,
// [lockdown.ErrUntrusted] when the device has forgotten this host,
// [lockdown.ErrImpostor] and [ErrRestoreMode].
func Connect(ctx context.Context, d Dialer, rec *lockdown.PairRecord, opts Options) (*Device, error) {
	dev := &Device{dialer: d, record: rec, opts: opts.withDefaults(), turn: make(chan struct{}, 1)}
	var err error
	if dev.client, dev.info, err = dev.open(ctx); err != nil {
		return nil, err
	}
	dev.turn <- struct{}{}
	return dev, nil
}

// open starts a session and learns what device this is.
func (dev *Device) open(ctx context.Context) (*lockdown.Client, Info, error) {
	c, first, err := greet(ctx, dev.dialer, dev.opts)
	if err != nil {
		return nil, Info{}, err
	}
	if err := c.StartSession(ctx, dev.record, dev.opts.legacy(first)); err != nil {
		_ = c.Close()
		return nil, Info{}, err
	}
	info, err := readInfo(ctx, c)
	if err != nil {
		_ = c.Close()
		return nil, Info{}, err
	}
	dev.opts.Log.DebugContext(ctx, "session with device", "udid", info.UDID, "ios", info.ProductVersion)
	return c, info, nil
}

// greet dials lockdownd and makes sure that it is one.
func greet(ctx context.Context, d Dialer, opts Options) (*lockdown.Client, Info, error) {
	conn, err := dialPort(ctx, d, lockdown.Port)
	if err != nil {
		return nil, Info{}, fmt.Errorf("reach lockdownd: %w", err)
	}
	c := lockdown.NewClient(conn, opts.Label)
	info, err := introduce(ctx, c, opts)
	if err != nil {
		_ = c.Close()
		return nil, Info{}, err
	}
	return c, info, nil
}

func introduce(ctx context.Context, c *lockdown.Client, opts Options) (Info, error) {
	kind, err := c.QueryType(ctx)
	switch {
	case err != nil:
		return Info{}, err
	case kind == "com.apple.mobile.restored":
		return Info{}, ErrRestoreMode
	case kind != lockdown.Type:
		return Info{}, fmt.Errorf("something that calls itself %q answers in place of lockdownd", wire.Brief(kind))
	}
	if opts.Modern {
		return Info{}, nil // its age would change nothing, and the question costs a round trip
	}
	version, err := c.Value(ctx, "", "ProductVersion")
	if err != nil && !errors.As(err, new(*lockdown.Error)) {
		return Info{}, err
	}
	s, _ := version.(string) // a device that keeps it to itself is none of the old ones
	return Info{ProductVersion: s}, nil
}

// Info is what the device said about itself when the session was opened.
func (dev *Device) Info() Info { return dev.info }

// Values reads everything in a domain that hosts may read; a domain that does
// not exist is empty. The empty domain is the default one.
func (dev *Device) Values(ctx context.Context, domain string) (plist.Dict, error) {
	v, err := dev.Value(ctx, domain, "")
	if errors.Is(err, lockdown.MissingValue) {
		return plist.Dict{}, nil
	}
	if err != nil {
		return nil, err
	}
	d, ok := v.(plist.Dict)
	if !ok {
		return nil, fmt.Errorf("domain %q: the device sent a %T", domain, v)
	}
	return d, nil
}

// Value reads one value: a string, bool, int64, uint64, float64, time.Time,
// []byte, []any or [plist.Dict]. One that does not exist is
// [lockdown.MissingValue].
func (dev *Device) Value(ctx context.Context, domain, key string) (v any, err error) {
	err = dev.request(ctx, func(c *lockdown.Client) error {
		v, err = c.Value(ctx, domain, key)
		return err
	})
	return v, err
}

// SetValue writes one value.
func (dev *Device) SetValue(ctx context.Context, domain, key string, value any) error {
	return dev.request(ctx, func(c *lockdown.Client) error {
		return c.SetValue(ctx, domain, key, value)
	})
}

// RemoveValue removes one value.
func (dev *Device) RemoveValue(ctx context.Context, domain, key string) error {
	return dev.request(ctx, func(c *lockdown.Client) error {
		return c.RemoveValue(ctx, domain, key)
	})
}

// request makes one request in the session. A session that was idle may have
// ended without our notice, so a request that is not answered because the
// connection is gone is made once more in a new one: all of them may be
// repeated without harm.
func (dev *Device) request(ctx context.Context, f func(*lockdown.Client) error) error {
	if err := dev.take(ctx); err != nil {
		return err
	}
	defer func() { dev.turn <- struct{}{} }()
	if dev.client != nil {
		err := f(dev.client)
		if !ended(err) {
			return dev.keep(err)
		}
		_ = dev.keep(err)
		dev.opts.Log.DebugContext(ctx, "the session has ended; opening another", "udid", dev.info.UDID, "error", err)
	}
	c, _, err := dev.open(ctx)
	if err != nil {
		return err
	}
	dev.client = c
	return dev.keep(f(c))
}

// take waits for the turn to use the session.
func (dev *Device) take(ctx context.Context) error {
	select {
	case <-dev.turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if dev.closed {
		dev.turn <- struct{}{}
		return net.ErrClosed
	}
	return nil
}

// keep drops the session unless the device has answered.
func (dev *Device) keep(err error) error {
	if err != nil && (ended(err) || !errors.As(err, new(*lockdown.Error))) {
		_ = dev.client.Close()
		dev.client = nil
	}
	return err
}

// ended reports whether err says that there is no session any more.
func ended(err error) bool {
	return lockdown.Dropped(err) || errors.Is(err, lockdown.SessionInactive) || errors.Is(err, lockdown.InvalidSessionID)
}

// Close ends the session. Connections to services live on. A device that is no
// longer there is no error.
func (dev *Device) Close() error {
	<-dev.turn
	defer func() { dev.turn <- struct{}{} }()
	dev.closed = true
	if dev.client == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	_ = dev.client.StopSession(ctx) // a courtesy
	_ = dev.client.Close()
	dev.client = nil
	return nil
}
