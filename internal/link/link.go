// Package link watches over the way to one device: it counts what crosses it,
// holds it to a limit of speed that several devices may share, and on a network
// tells a device that is busy from one that is gone.
package link

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"russet/device"
)

// Options are for [New]; the zero value will do.
type Options struct {
	// Rate is how many bytes may cross in a second, in both directions together;
	// links that have the same limiter share it. Its burst should be 256 KiB or
	// more, which is one read. nil is no limit.
	Rate *rate.Limiter
	Log  *slog.Logger // nil is silence
}

// Link is a [device.Dialer] on top of another.
type Link struct {
	dialer device.Dialer
	rate   *rate.Limiter
	log    *slog.Logger

	received, sent atomic.Int64
	start          time.Time
	last           atomic.Int64 // when something was received last, in nanoseconds after start
}

// New watches what goes through d.
func New(d device.Dialer, o Options) *Link {
	return &Link{dialer: d, rate: o.Rate, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), start: time.Now()}
}

// DialPort connects to a port of the device.
func (l *Link) DialPort(ctx context.Context, port uint16) (net.Conn, error) {
	nc, err := l.dialer.DialPort(ctx, port)
	if err != nil {
		return nil, err
	}
	return newConn(nc, l), nil
}

// limited reports whether there is a limit now: it may be set and lifted while
// something crosses.
func (l *Link) limited() bool { return l.rate != nil && l.rate.Limit() != rate.Inf }

// came counts n bytes that were received now.
func (l *Link) came(n int) {
	if n > 0 {
		l.last.Store(int64(time.Since(l.start)))
		l.received.Add(int64(n)) // after its time: who sees the bytes finds when they came
	}
}

// Bytes is how much has crossed in both directions, encryption included.
func (l *Link) Bytes() int64 { return l.received.Load() + l.sent.Load() }
