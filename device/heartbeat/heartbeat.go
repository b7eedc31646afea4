// Package heartbeat answers a device that asks whether its host is still there.
//
// The device says Marco every few seconds and the host answers Polo. Over the
// network a device closes all connections of a host that holds no heartbeat;
// over the cable none is needed. It is also how a device says that it goes to
// sleep.
package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"russet/device/internal/wire"
	"russet/internal/plist"
)

// Service is the name to start the service by.
const Service = "com.apple.mobile.heartbeat"

var (
	// ErrSleepy means that the device announced that it goes to sleep.
	ErrSleepy = errors.New("the device goes to sleep")
	// ErrSilent means that the device did not ask in time.
	ErrSilent = errors.New("the device's heartbeat has stopped")
)

const (
	// maxMessage bounds one message; one has a hundred bytes.
	maxMessage = 64 << 10
	// grace is what netmuxd gives a device beyond the interval it announced.
	grace = 5 * time.Second
	// usual is the interval devices announce, and the one assumed before that.
	usual = 10 * time.Second
	// longest bounds an announced interval.
	longest = 10 * time.Minute
)

// Run answers on conn, a connection to the service, and calls beat, which may
// be nil, after every answer with the interval until the next question. It
// returns the cause of ctx when that ends, [ErrSleepy], [ErrSilent], or the
// connection's error; io.EOF is a device that hung up. The caller closes conn.
func Run(ctx context.Context, conn net.Conn, beat func(interval time.Duration)) error {
	c := wire.NewConn(conn, maxMessage)
	interval := usual
	for {
		msg, err := c.Receive(ctx, interval+grace)
		if err != nil {
			return explain(ctx, err)
		}
		command := msg.String("Command")
		switch {
		case command == "Marco":
			interval = intervalOf(msg)
			if err := c.Send(ctx, plist.Dict{"Command": "Polo"}); err != nil {
				return explain(ctx, err)
			}
			if beat != nil {
				beat(interval)
			}
		case strings.HasPrefix(command, "Sleepy"): // "SleepyTime"; other forms were not seen
			return ErrSleepy
		}
	}
}

// explain tells silence from a connection that broke.
func explain(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrSilent, err)
	default:
		return fmt.Errorf("heartbeat: %w", err)
	}
}

// intervalOf reads how many seconds the device will let pass.
func intervalOf(msg plist.Dict) time.Duration {
	n := msg.Uint("Interval")
	switch {
	case n == 0:
		return usual
	case n > uint64(longest/time.Second):
		return longest
	default:
		return time.Duration(n) * time.Second
	}
}
