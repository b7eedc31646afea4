package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"russet"
	"russet/internal/host"
)

// local is what the service answers over its local socket.
type local struct {
	service *Service
	host    *host.Host
	log     *slog.Logger
	page    string // the address of the page
	stop    func() // ends the service
	ended   <-chan struct{}

	mu   sync.Mutex
	runs map[string]orderedRun // by the ID of the order
}

// orderedRun is a run for which somebody waits.
type orderedRun struct {
	device russet.UDID
	cancel context.CancelCauseFunc
}

// newLocalServer makes the server of the local socket. What it does for others
// ends with ctx.
func newLocalServer(ctx context.Context, l *local) *http.Server {
	l.ended, l.runs = ctx.Done(), map[string]orderedRun{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathHello, l.who)
	mux.HandleFunc("GET "+pathStatus, l.status)
	mux.HandleFunc("GET "+pathDevices, l.devices)
	mux.HandleFunc("POST "+pathPick, l.pick)
	mux.HandleFunc("POST "+pathBackup, l.backup)
	mux.HandleFunc("POST "+pathCancel, l.cancel)
	mux.HandleFunc("POST "+pathWake, l.wake)
	mux.HandleFunc("POST "+pathStop, l.end)
	return &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(apiHeader, strconv.Itoa(API))
			if err := hear(w, r); err != nil {
				wrong(w, err)
				return
			}
			mux.ServeHTTP(w, r)
		}),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 8 << 10,
		ErrorLog:       slog.NewLogLogger(l.log.Handler(), slog.LevelDebug),
	}
}

// fail answers with an error that a person can act on.
func (l *local) fail(w http.ResponseWriter, r *http.Request, err error) {
	refuse(w, http.StatusInternalServerError, host.Explain(r.Context(), err))
}

// wrong answers a question that is none.
func wrong(w http.ResponseWriter, err error) {
	refuse(w, http.StatusBadRequest, &russet.Error{Kind: russet.Failed, Doing: "ask the service", What: err.Error()})
}

func (l *local) hello() Hello { return Hello{PID: os.Getpid(), Version: russet.Version, Page: l.page} }

func (l *local) who(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, l.hello()) }

func (l *local) status(w http.ResponseWriter, r *http.Request) {
	st, err := l.service.Status(r.Context())
	if err != nil {
		l.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, st)
}

func (l *local) devices(w http.ResponseWriter, r *http.Request) {
	devices, err := l.host.Devices(r.Context())
	if err != nil {
		l.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, picked{Devices: devices})
}

func (l *local) pick(w http.ResponseWriter, r *http.Request) {
	var q pick
	if err := question(r, &q); err != nil {
		wrong(w, err)
		return
	}
	devices, left, err := l.host.Connected(r.Context(), q.Words)
	if err != nil {
		l.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, picked{devices, left})
}

// backup carries out an order. Who gave it hears of every step, and ends the
// run by cancelling it or by going away.
func (l *local) backup(w http.ResponseWriter, r *http.Request) {
	var o order
	err := question(r, &o)
	if err == nil {
		err = o.check()
	}
	if err != nil {
		wrong(w, err)
		return
	}
	if l.ending() {
		refuse(w, http.StatusServiceUnavailable, &russet.Error{
			Kind: russet.Interrupted, What: "the service is stopping", Hint: "try again when it is gone: then the command works alone",
		})
		return
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(r.Context()))
	defer cancel(nil)
	// Whoever went away, and a service that stops, both mean: end it cleanly.
	defer context.AfterFunc(r.Context(), func() { host.Stop(cancel) })()
	if !l.note(o.ID, orderedRun{o.Device, cancel}) {
		wrong(w, fmt.Errorf("there is an order called %q already", o.ID))
		return
	}
	defer l.forget(o.ID)
	w.Header().Set("Content-Type", "application/jsonlines")
	w.WriteHeader(http.StatusOK)
	out := newTeller(w)
	result, err := l.service.BackUp(ctx, Request{
		Device: o.Device, Store: o.Store, Full: o.Full, Retry: o.Retry, Password: o.Password,
	}, out.event)
	e := host.Explain(ctx, err)
	if e != nil && e.Kind == russet.Stopped && l.ending() { // and not by who waits for it
		e = &russet.Error{Kind: russet.Interrupted, What: "the service was stopped in the middle", Hint: e.Hint}
	}
	out.end(line{Result: &result, Error: newWireError(e)})
}

// ending reports whether the service is about to end.
func (l *local) ending() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

func (l *local) note(id string, run orderedRun) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, taken := l.runs[id]; taken {
		return false
	}
	l.runs[id] = run
	return true
}

func (l *local) forget(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.runs, id)
}

// cancel ends the run of an order, also one that the schedule had begun before.
// One that is over is no error: it may have ended in this moment.
func (l *local) cancel(w http.ResponseWriter, r *http.Request) {
	var q cancelOrder
	if err := question(r, &q); err != nil {
		wrong(w, err)
		return
	}
	l.mu.Lock()
	run, found := l.runs[q.ID]
	l.mu.Unlock()
	if found {
		l.service.Stop(run.device)
		host.Stop(run.cancel)
	}
	answer(w, http.StatusOK, struct{}{})
}

func (l *local) wake(w http.ResponseWriter, r *http.Request) {
	var q wakeUp
	if err := question(r, &q); err != nil {
		wrong(w, err)
		return
	}
	if q.Stores {
		l.service.Recheck()
	} else {
		l.service.Wake()
	}
	answer(w, http.StatusOK, struct{}{})
}

// end stops the service as Ctrl-C does.
func (l *local) end(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, l.hello())
	http.NewResponseController(w).Flush() //nolint:errcheck // it ends either way
	l.log.Info("somebody asked the service to stop")
	l.stop()
}

// busy explains to a second service that there is one. The first is asked who
// it is; it may be one that cannot answer.
func busy(ctx context.Context, home string) error {
	e := &russet.Error{
		Kind: russet.Busy, Doing: "serve", What: "another russet serves here already",
		Hint: "stop it where it runs, then try again",
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	c, err := Dial(ctx, home)
	if err != nil {
		return e
	}
	hello := c.Hello()
	e.What = fmt.Sprintf("another russet (process %d) serves here already", hello.PID)
	if hello.Page != "" {
		e.What += "; its page is " + hello.Page
	}
	e.Hint = `"russet status" tells what it does; "russet serve --stop" stops it`
	return errors.Join(e, c.Close())
}
