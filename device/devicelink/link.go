package devicelink

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

type counter = atomic.Int64

// errStopped is what a Read says once its context is done. It never leaves the
// package: callers get the context's cause.
var errStopped = errors.New("stopped")

// link is a connection that counts, has a limit on silence, and stops when a
// context is done. Reading stops at once; what is being written may be
// finished within disconnectLimit, because a torn frame would leave no way to
// say goodbye.
type link struct {
	conn     net.Conn
	limit    time.Duration
	armed    [2]time.Time // when the deadlines for reading and writing were last set
	stopped  atomic.Bool
	received counter
	sent     counter
	last     counter // time of the last bytes, in Unix nanoseconds
}

func newLink(conn net.Conn) *link {
	l := &link{conn: conn, limit: IdleLimit}
	l.last.Store(time.Now().UnixNano())
	return l
}

func (l *link) setLimit(d time.Duration) {
	l.limit = d
	l.armed = [2]time.Time{}
}

// rearm is how often a deadline is pushed on while bytes flow. Doing it for
// every read would cost as much as a small file's bookkeeping.
const rearm = time.Second

// arm sets a deadline again when it is due, and reports whether the link still
// runs. The order of the two steps matters: stop does them the other way round.
func (l *link) arm(which int, set func(time.Time) error) bool {
	if now := time.Now(); now.Sub(l.armed[which]) >= rearm {
		l.armed[which] = now
		// An error means that the connection is closed; the next call says so.
		_ = set(now.Add(l.limit + rearm))
	}
	return !l.stopped.Load()
}

func (l *link) Read(p []byte) (int, error) {
	if !l.arm(0, l.conn.SetReadDeadline) {
		return 0, errStopped
	}
	n, err := l.conn.Read(p)
	if n > 0 {
		l.received.Add(int64(n))
		l.last.Store(time.Now().UnixNano())
		return n, nil // an error will come again
	}
	if err == nil {
		return 0, nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // the device always says goodbye first
	}
	return 0, lost(err, l.limit)
}

func (l *link) Write(p []byte) (int, error) {
	if !l.arm(1, l.conn.SetWriteDeadline) {
		_ = l.conn.SetWriteDeadline(time.Now().Add(disconnectLimit))
	}
	n, err := l.conn.Write(p)
	l.sent.Add(int64(n))
	l.last.Store(time.Now().UnixNano())
	if err != nil {
		return n, lost(err, l.limit)
	}
	return n, nil
}

// obey makes the link stop when ctx is done; the returned function ends that.
func (l *link) obey(ctx context.Context) (end func()) {
	stop := context.AfterFunc(ctx, l.stop)
	return func() { stop() }
}

func (l *link) stop() {
	l.stopped.Store(true)
	_ = l.conn.SetReadDeadline(time.Unix(1, 0))
	_ = l.conn.SetWriteDeadline(time.Now().Add(disconnectLimit))
}

// hurry leaves little time for the rest: a goodbye that the device may not
// even want to hear.
func (l *link) hurry() { l.setLimit(disconnectLimit) }
