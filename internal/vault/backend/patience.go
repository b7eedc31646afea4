package backend

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// defaultPatience outlasts a router that restarts.
	defaultPatience = time.Minute
	// lookEvery: servers take offence at many who knock and say nothing.
	lookEvery = 10 * time.Second
	knockTime = 5 * time.Second

	hangUpTime = 500 * time.Millisecond

	// defaultSilence is how long a server that takes connections may keep an
	// operation waiting, beside what its bytes need on a slow line. Clients give
	// up after minutes, and try ten times.
	defaultSilence = 5 * time.Minute
	slowLine       = 32 << 10 // bytes per second
	mostOfABlob    = 64 << 20 // bytes, when it is not known how large it is
)

// errSilent is a server that is there and does not answer. It is a net.Error.
var errSilent error = &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}

// errShut is an operation on a place that was closed.
var errShut = errors.New("the connection to the vault has been closed")

// watch ends operations on a server that cannot be reached any more. Kopia and
// the clients below it each try ten times, one inside the other: that makes
// minutes for every single operation, and a run that ends needs several.
type watch struct {
	address  string
	patience time.Duration
	silence  time.Duration
	steady   bool         // pulse is called for every piece, so that bytes need no time of their own
	pulsed   atomic.Int64 // when the server last said something, whatever it was about

	shut chan struct{} // closed by close

	mu     sync.Mutex
	gone   bool // the last that was heard of it is that it cannot be reached
	silent bool // it let the last operation wait in vain
}

// newWatch is nil for what has no server of its own to look for.
func newWatch(o Options) *watch {
	l := o.Location
	port := map[string]int{S3: 80, WebDAV: 80, SFTP: sftpPort}[l.Kind]
	if port == 0 {
		return nil
	}
	if l.Kind != SFTP {
		u := &url.URL{Scheme: "http", Host: l.address(0)}
		if l.TLS {
			port, u.Scheme = 443, "https"
		}
		if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u}); err != nil || proxy != nil {
			return nil
		}
	}
	if o.Patience <= 0 {
		o.Patience = defaultPatience
	}
	if o.Silence <= 0 {
		o.Silence = defaultSilence
	}
	return &watch{address: l.address(port), patience: o.Patience, silence: o.Silence, steady: l.Kind == SFTP, shut: make(chan struct{})}
}

// close ends all operations: kopia and its clients would try them again for
// seconds on a connection that is not to be made any more. It is called once.
func (w *watch) close() {
	if w != nil {
		close(w.shut)
	}
}

// pulse says that the server has said something.
func (w *watch) pulse() { w.pulsed.Store(time.Now().UnixNano()) }

// run does one operation that moves so many bytes. What do calls heard says
// that the server answers.
func (w *watch) run(ctx context.Context, bytes int64, do func(ctx context.Context, heard func()) error) error {
	if w == nil {
		return do(ctx, func() {})
	}
	select {
	case <-w.shut:
		return errShut
	default:
	}
	if w.isGone() {
		if err := w.knock(ctx); err != nil {
			return err
		}
		w.setGone(false)
	}
	var last atomic.Int64
	heard := func() { last.Store(time.Now().UnixNano()) }
	heard()
	limit := w.limit(bytes)
	silent := func() bool { return time.Since(time.Unix(0, max(last.Load(), w.pulsed.Load()))) >= limit }
	ctx, cancel := context.WithCancelCause(ctx)
	looking := make(chan struct{})
	go func() {
		defer close(looking)
		w.look(ctx, silent, cancel)
	}()
	err := do(ctx, heard)
	cause := context.Cause(ctx)
	cancel(nil)
	<-looking
	w.setSilent(err != nil && errors.Is(cause, errSilent))
	if err == nil {
		return nil
	}
	if _, unreachable := errors.AsType[net.Error](cause); unreachable || errors.Is(cause, errShut) {
		err = cause
	}
	if _, network := errors.AsType[net.Error](err); network {
		w.setGone(true)
	}
	return err
}

// limit is how long the server may be silent. One that just was gets less.
func (w *watch) limit(bytes int64) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	silence := w.silence
	if w.silent {
		silence = min(silence, w.patience)
	}
	if w.steady {
		return silence
	}
	return silence + time.Duration(bytes)*time.Second/slowLine
}

func (w *watch) setSilent(silent bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent = silent
}

func (w *watch) isGone() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gone
}

func (w *watch) setGone(gone bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = gone
}

// look ends the operation when nobody has been there for as long as patience
// lasts, or who is there has been silent for too long.
func (w *watch) look(ctx context.Context, silent func() bool, end context.CancelCauseFunc) {
	tick := time.NewTicker(min(lookEvery, w.patience/2, w.silence/2))
	defer tick.Stop()
	since := time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.shut:
			end(errShut)
			return
		case <-tick.C:
		}
		if silent() {
			end(errSilent)
			return
		}
		err := w.knock(ctx)
		switch {
		case err == nil:
			since = time.Time{}
		case ctx.Err() != nil:
			return
		case since.IsZero():
			since = time.Now()
		case time.Since(since) >= w.patience/2:
			end(err)
			return
		}
	}
}

// knock is nil when a server is at the address: one that hears, and does not
// hang up at once, as a gateway does that has nobody behind it.
func (w *watch) knock(ctx context.Context) error {
	conn, err := (&net.Dialer{Timeout: knockTime}).DialContext(ctx, "tcp", w.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(hangUpTime)); err != nil {
		return err
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return &net.OpError{Op: "read", Net: "tcp", Addr: conn.RemoteAddr(), Err: err}
	}
	return nil
}

// hope is how often a list may fail before an operation of kopia is ended.
type hope struct {
	failed atomic.Int32
	end    context.CancelCauseFunc
}

type hopeKey struct{}

const (
	// Of a server, each failure has been tried ten times already; a folder of
	// this computer may fail because somebody else tidies it.
	farHope, nearHope = 1, 24
)

// Bounded does something with kopia that ends when the place cannot be listed.
// Left to itself, kopia lists its indexes again and again, for ever.
func Bounded(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	h := &hope{}
	h.end = func(err error) { cancel(&lost{err}) }
	err := do(context.WithValue(ctx, hopeKey{}, h))
	if l, ok := errors.AsType[*lost](context.Cause(ctx)); ok && err != nil {
		return l.error
	}
	return err
}

// lost tells our end of an operation from others.
type lost struct{ error }

// listFailed is told of a list that failed.
func (b *Backend) listFailed(ctx context.Context, err error) {
	h, ok := ctx.Value(hopeKey{}).(*hope)
	if !ok || ctx.Err() != nil {
		return
	}
	limit := int32(farHope)
	if b.opts.Location.Local() {
		limit = nearHope
	}
	if h.failed.Add(1) >= limit {
		h.end(err)
	}
}
