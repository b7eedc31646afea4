package service_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/service"
	"russet/vphone"
	"russet/vphone/agent"
)

// slow makes the backups of a phone take a while.
func slow(p *vphone.Phone, d time.Duration) {
	p.Faults().Update(func(c *agent.Config) { c.SlowStart = d })
}

// TestPersonGoesFirst: who waits for a backup gets the next slot, and a run that
// is under way already is joined.
func TestPersonGoesFirst(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	var phones []*vphone.Phone
	for _, name := range []string{"A", "B", "C", "D"} {
		p := l.phone(name, vphone.Options{})
		slow(p, time.Second)
		phones = append(phones, p)
	}
	l.service.Step(t.Context()) // makes the first store
	if n := len(l.service.Running()); n != 2 {
		t.Fatalf("%d runs at once", n)
	}
	started := map[russet.UDID]bool{}
	for _, r := range l.service.Running() {
		started[r.Device] = true
	}
	var mine *vphone.Phone
	for _, p := range phones {
		if !started[russet.UDID(p.UDID())] {
			mine = p
		}
	}
	var stages sync.Map
	var all sync.WaitGroup
	all.Go(func() {
		r, err := l.service.BackUp(t.Context(), service.Request{Device: russet.UDID(mine.UDID())}, func(e russet.Event) { stages.Store(e.Message, true) })
		if err != nil || r.Run.Outcome != "done" || r.Run.By != "" {
			t.Errorf("%+v, %v", r, err)
		}
	})
	all.Go(func() { // somebody waits for what the schedule began
		for udid := range started {
			r, err := l.service.BackUp(t.Context(), service.Request{Device: udid}, func(russet.Event) {})
			if err != nil || r.Backup == nil {
				t.Errorf("joined: %+v, %v", r, err)
			}
			break
		}
	})
	wait(t, func() bool { return len(l.service.Running()) == 3 })
	all.Wait()
	l.service.Wait()
	if _, ok := stages.Load("waits until another device is done"); !ok {
		t.Error("nobody said that it waits")
	}
	runs, err := l.host.Runs(russet.UDID(mine.UDID()))
	if err != nil || len(runs) != 1 {
		t.Errorf("runs: %+v, %v", runs, err)
	}
	if d := l.status(mine); d.Decision.Due || d.Decision.Assisted {
		t.Errorf("what a person did counts: %+v", d.Decision)
	}
}

// TestAsk: a wish holds until the phone is there.
func TestAsk(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	l.step(time.Hour)
	udid := russet.UDID(p.UDID())
	p.Unplug()
	must(t, l.service.Ask(udid))
	l.step(time.Hour)
	p.SetPower(5, false) // its conditions do not count then
	p.Plug()
	l.step(time.Hour)
	runs, err := l.host.Runs(udid)
	if err != nil || len(runs) != 2 {
		t.Errorf("%d runs, %v: %+v", len(runs), err, l.status(p).Decision)
	}
	l.step(time.Hour)
	if runs, err := l.host.Runs(udid); err != nil || len(runs) != 2 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
	if err := l.service.Ask("00008140-0000000000000000"); russet.KindOf(err) != russet.NotConnected {
		t.Errorf("a stranger: %v", err)
	}
}

// TestRun: the service notices a phone that is plugged in, stops in the middle
// of its run, keeps what was received, and goes on from there.
func TestRun(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	p.Unplug()
	l.end()
	run := func(later time.Duration, until func() bool) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		now := func() time.Time { return time.Now().Add(later) }
		h := host.Open(host.Options{Home: home.Place{Dir: l.dir, Data: l.dir, Moved: true}, Mux: "UNIX:" + l.socket, Now: now})
		s := service.New(service.Options{Host: h, Notify: l.notify, Now: now, Location: afternoon()})
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		wait(t, until)
		cancel()
		must(t, <-ended)
		must(t, h.Close())
	}
	l.clock.set(time.Now())
	l.setClocks()
	stall(p, 100_000)
	plug := sync.OnceFunc(p.Plug)
	run(0, func() bool {
		plug()
		return p.Stats().Agent.BytesSent >= 100_000
	})
	l.start()
	runs, err := l.host.Runs(russet.UDID(p.UDID()))
	if err != nil || len(runs) != 1 || runs[0].Outcome != "stopped" || runs[0].Received == 0 {
		t.Fatalf("runs: %+v, %v", runs, err)
	}
	l.end()
	stall(p, 0)
	run(time.Hour, func() bool {
		r := l.remembered(p)
		return len(r.Attempts) == 2 && r.Attempts[1].Outcome == "done"
	})
	l.start()
	runs, err = l.host.Runs(russet.UDID(p.UDID()))
	if err != nil || len(runs) != 2 || !runs[1].Resumed || runs[1].Outcome != "done" {
		t.Errorf("runs: %+v, %v", runs, err)
	}
}

// afternoon is a time zone in which it is afternoon now: no quiet hours.
func afternoon() *time.Location {
	h, m, _ := time.Now().UTC().Clock()
	return time.FixedZone("afternoon", (15*60-h*60-m)*60)
}

func stall(p *vphone.Phone, at int64) {
	p.Faults().Update(func(c *agent.Config) { c.StallSent = agent.Stall{At: at, For: 20 * time.Second} })
}

// TestPersonSaysNo: what a person began and the phone's owner cancelled, or what
// did not fit, is not begun by the schedule in the next moment.
func TestPersonSaysNo(t *testing.T) {
	t.Parallel()
	for what, fault := range map[string]string{"not-now": "", "failed": "4711"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			l.start()
			_, _, err := l.host.StoreFor(t.Context(), "")
			must(t, err)
			p := l.phone("Dora's iPhone", vphone.Options{Passcode: "1234"})
			p.SetPasscodeAnswer(vphone.No)
			if fault != "" {
				p.SetPasscodeAnswer(vphone.Yes)
				must(t, p.SetFault("final-error", fault))
			}
			if r, err := l.service.BackUp(t.Context(), service.Request{Device: russet.UDID(p.UDID())}, nil); err == nil || r.Run.By != "" || r.Run.Outcome != what {
				t.Fatalf("%+v, %v", r.Run, err)
			}
			sheets := p.Stats().Sheets
			l.step(time.Second)
			l.step(time.Minute)
			if n := p.Stats().Sheets - sheets; sheets != 1 || n != 0 {
				t.Errorf("asked %d times, and then %d times by itself: %+v", sheets, n, l.status(p).Decision)
			}
		})
	}
}

// TestPersonStops: what a person began and stopped is not begun by the schedule
// in the next moment, but when they ask again.
func TestPersonStops(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	_, _, err := l.host.StoreFor(t.Context(), "")
	must(t, err)
	p := l.phone("Dora's iPhone", vphone.Options{})
	slow(p, 3*time.Second)
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err = l.service.BackUp(ctx, service.Request{Device: russet.UDID(p.UDID())}, func(e russet.Event) {
		if e.Stage == russet.Waiting {
			host.Stop(cancel)
		}
	})
	if russet.KindOf(host.Explain(ctx, err)) != russet.Stopped {
		t.Fatalf("it was not stopped: %v", err)
	}
	slow(p, 0)
	for range 5 {
		l.step(10 * time.Minute)
	}
	if d := l.status(p).Decision; len(d.Missing) == 0 || !strings.Contains(d.Missing[0].Text, "somebody stopped the last one") || l.backups("main", p) != 0 {
		t.Errorf("after it was stopped: %+v", d)
	}
	l.step(90 * time.Minute)
	l.service.Wait()
	if n := l.backups("main", p); n != 1 {
		t.Errorf("two hours later there are %d backups: %+v", n, l.status(p).Decision)
	}
}

// TestOtherStore: a run to another store than the named one is waited for, and is
// not taken for what was asked.
func TestOtherStore(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	for _, name := range []string{"disk", "nas"} {
		_, err := l.host.AddStore(t.Context(), name, "folder:"+t.TempDir())
		must(t, err)
	}
	slow(p, time.Second)
	l.service.Step(t.Context())
	if r := l.service.Running(); len(r) != 1 || r[0].Store != "disk" {
		t.Fatalf("%+v", r)
	}
	res, err := l.service.BackUp(t.Context(), service.Request{Device: russet.UDID(p.UDID()), Store: "nas"}, nil)
	if err != nil || res.Run.Store != "nas" || l.backups("nas", p) != 1 || l.backups("disk", p) != 1 {
		t.Errorf("%+v, %v", res.Run, err)
	}
}

// TestPersonsStore: a person who names no store means the first of the policy, and
// the first there is when the policy names none.
func TestPersonsStore(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	for _, name := range []string{"disk", "nas"} {
		_, err := l.host.AddStore(t.Context(), name, "folder:"+t.TempDir())
		must(t, err)
	}
	r := service.Request{Device: russet.UDID(p.UDID())}
	if res, err := l.service.BackUp(t.Context(), r, nil); err != nil || res.Run.Store != "disk" {
		t.Errorf("of two stores, none was chosen: %+v, %v", res.Run, err)
	}
	must(t, l.bothStores("nas", "disk"))
	if res, err := l.service.BackUp(t.Context(), r, nil); err != nil || res.Run.Store != "nas" {
		t.Errorf("%+v, %v", res.Run, err)
	}
}
