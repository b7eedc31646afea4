package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"russet"
	"russet/internal/host"
)

// FaceOptions says how a Service is seen.
type FaceOptions struct {
	Home   string // russet's own folder, for the local socket
	Listen string // where the page is: a loopback address; "" means DefaultListen
	// Ready is called when everything answers.
	Ready func(Hello)
	// Patience is how long its end is waited for; 0 is stopLimit.
	Patience time.Duration
}

// stopLimit bounds how long the end of a service is waited for. What was
// received is on the disk long before; a commit that is cut short is finished
// by the next start.
const stopLimit = 90 * time.Second

// farewell is how long those who wait for a run may take to hear of its end.
const farewell = 10 * time.Second

// Serve is Run with faces: commands reach the service over a local socket, and
// people and programs over a page on this computer. It returns nil when ctx
// ended and everything that was under way was ended cleanly; one of the kind
// Interrupted when that took longer than stopLimit, and then something still
// goes on. A second service of a home gets an error of the kind Busy that names
// the first.
func (s *Service) Serve(ctx context.Context, o FaceOptions) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	release, err := s.Take(ctx)
	if russet.KindOf(err) == russet.Busy {
		return busy(ctx, o.Home)
	}
	if err != nil {
		return err
	}
	f := &faces{service: s, stop: func() { host.Stop(stop) }}
	if err := f.open(ctx, o); err != nil {
		stop(err)
		release()
		return err
	}
	s.log.Info("serving", "process", f.hello.PID, "page", f.hello.Page, "home", o.Home)
	if o.Ready != nil {
		o.Ready(f.hello)
	}
	f.tell("READY=1", statusWord("waiting"))
	go f.keepTold(ctx)
	s.loop(ctx)
	f.tell("STOPPING=1", statusWord("stopping; what was received is kept"))
	return f.close(cmp.Or(o.Patience, stopLimit), release)
}

// faces are the servers of a service that runs.
type faces struct {
	service *Service
	stop    func()
	hello   Hello
	local   *http.Server
	web     *http.Server
}

// open opens the local socket and the page.
func (f *faces) open(ctx context.Context, o FaceOptions) error {
	page, err := listenPage(ctx, o.Listen)
	if err != nil {
		return err
	}
	path := SocketPath(o.Home)
	socket, err := listenLocal(path)
	if err != nil {
		return errors.Join(err, page.Close())
	}
	log := f.service.log
	if err := leaveWord(o.Home, path); err != nil { // most find it all the same
		log.Warn("where the local socket is cannot be told in the home", "error", err)
	}
	l := &local{service: f.service, host: f.service.host, log: log, page: "http://" + page.Addr().String() + "/", stop: f.stop}
	f.hello = l.hello()
	f.local, f.web = newLocalServer(ctx, l), newWebServer(ctx, f.service)
	go f.serve(f.local, onlyOurs{socket, log}, "the local socket")
	go f.serve(f.web, page, "the page")
	return nil
}

func (f *faces) serve(server *http.Server, l net.Listener, what string) {
	if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		f.service.log.Error("cannot be reached any more", "what", what, "error", err)
	}
}

// close waits for what was under way, lets those who asked hear of it, and
// closes the faces.
func (f *faces) close(patience time.Duration, release func()) error {
	over := make(chan struct{})
	go func() {
		defer close(over)
		f.service.Wait()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case <-over:
	case <-ctx.Done():
		return errors.Join(&russet.Error{
			Kind: russet.Interrupted, Doing: "stop", What: fmt.Sprintf("something under way did not end within %s", patience),
			Hint: "nothing is lost: the next start goes on with it",
		}, f.local.Close(), f.web.Close())
	}
	soon, done := context.WithTimeout(ctx, farewell)
	defer done()
	err := f.local.Shutdown(soon)
	if errors.Is(err, context.DeadlineExceeded) {
		err = f.local.Close() // somebody does not listen
	}
	err = errors.Join(err, f.web.Close())
	release()
	return err
}

// tell tells the service manager, if there is one.
func (f *faces) tell(words ...string) {
	if err := tellSystemd(words...); err != nil {
		f.service.log.Debug("the service manager could not be told", "error", err)
	}
}

// keepTold tells the service manager what is under way, when that changes.
func (f *faces) keepTold(ctx context.Context) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	told := statusWord("waiting")
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if now := statusWord(runningText(f.service.Running())); now != told {
			f.tell(now)
			told = now
		}
	}
}

// runningText says in a line what is under way.
func runningText(runs []Running) string {
	switch len(runs) {
	case 0:
		return "waiting"
	case 1:
		return fmt.Sprintf("backing up %s", runs[0].Called)
	default:
		return fmt.Sprintf("backing up %s and %d more", runs[0].Called, len(runs)-1)
	}
}
