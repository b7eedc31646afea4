package usbmux

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"

	"russet/device/internal/wire"
	"russet/internal/plist"
)

// The kinds of [Event], in the daemon's words.
const (
	Attached = "Attached" // a device has come; at first all that are there
	Detached = "Detached" // it has gone
	Paired   = "Paired"   // a pair record was saved for it
)

// Event is something that happened to a device.
type Event struct {
	Kind   string // [Attached], [Detached] or [Paired]
	Device *Device
}

// maxDevices bounds what a daemon can make us remember.
const maxDevices = 4096

// Listen reports the devices that are there and then all that come and go,
// until ctx ends, the loop is left, or the connection fails. Only a failure is
// reported, as the last thing; the end of ctx is known to the caller.
func (c *Client) Listen(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		err := c.listen(ctx, func(e Event) bool { return yield(e, nil) })
		if err != nil && ctx.Err() == nil {
			yield(Event{}, err)
		}
	}
}

// listen hands events on until the caller has enough.
func (c *Client) listen(ctx context.Context, report func(Event) bool) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := c.command(ctx, conn, "Listen", nil); err != nil {
		return err
	}
	known := map[uint64]*Device{}
	for {
		msg, err := nextEvent(ctx, conn)
		if err != nil {
			return err
		}
		if len(known) == maxDevices {
			return errors.New("usbmuxd Listen: too many devices")
		}
		if e, ok := c.event(known, msg); ok && !report(e) {
			return nil
		}
	}
}

func nextEvent(ctx context.Context, conn net.Conn) (msg plist.Dict, err error) {
	err = wire.Do(ctx, 0, conn.SetReadDeadline, func() (err error) {
		_, msg, err = readMessage(conn)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("usbmuxd Listen: %w", err)
	}
	return msg, nil
}

// event turns a message into an event and keeps known up to date: when a device
// goes, the daemon tells only its number.
func (c *Client) event(known map[uint64]*Device, msg plist.Dict) (Event, bool) {
	kind := msg.String("MessageType")
	switch kind {
	case Attached:
		dev, ok := c.device(msg)
		if ok {
			known[dev.ID] = dev
		}
		return Event{kind, dev}, ok
	case Detached, Paired:
		dev, ok := known[msg.Uint("DeviceID")]
		if ok && kind == Detached {
			delete(known, dev.ID)
		}
		return Event{kind, dev}, ok
	default:
		return Event{}, false // a daemon of the future
	}
}
