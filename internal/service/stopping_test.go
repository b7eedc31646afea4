package service_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/internal/notify"
	"russet/internal/schedule"
	"russet/internal/service"
	"russet/vphone"
)

// TestStopScheduled: Ctrl-C in "russet backup" also ends a run that the
// schedule began; it is not begun again at once, and waiting for somebody
// else's run is no reason to end that.
func TestStopScheduled(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.serve()
	p := l.phone("Anna's iPhone", vphone.Options{})
	slow(p, 20*time.Second)
	udid := russet.UDID(p.UDID())
	c := l.client()
	running := func() bool { return len(l.service.Running()) == 1 }
	must(t, c.Wake(t.Context(), false))
	until(t, "a run by itself", running)
	began := time.Now()
	ctx, stop := context.WithCancel(t.Context())
	r, err := c.BackUp(ctx, service.Request{Device: udid}, func(russet.Event) { stop() })
	if russet.KindOf(err) != russet.Stopped || r.Run.Outcome != "stopped" || r.Run.By != "schedule" || time.Since(began) > 15*time.Second {
		t.Errorf("after %s: %+v, %v", time.Since(began), r.Run, err)
	}
	until(t, "its end", func() bool { return !running() })
	must(t, c.Wake(t.Context(), false))
	time.Sleep(3 * time.Second) // it would begin again now
	st := l.status(p)
	if running() || st.Decision.Start != "" || len(st.Decision.Missing) == 0 || st.Decision.Missing[0].Code != schedule.Pause {
		t.Errorf("begun again: %+v", st.Decision)
	}

	mine := make(chan error, 1)
	go func() {
		_, err := l.service.BackUp(t.Context(), service.Request{Device: udid}, nil)
		mine <- err
	}()
	until(t, "a person's run", running)
	ctx, stop = context.WithCancel(t.Context())
	_, err = c.BackUp(ctx, service.Request{Device: udid}, func(russet.Event) { stop() })
	if russet.KindOf(err) != russet.Stopped || !strings.Contains(err.Error(), "goes on") {
		t.Errorf("who waited for another's run: %v", err)
	}
	if err := <-mine; err != nil {
		t.Errorf("who began it: %v", err)
	}
}

// TestFullAfterAll: who wants everything sent again is not content with a run
// that was begun for less.
func TestFullAfterAll(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	slow(p, time.Second)
	l.clock.set(l.clock.now().Add(23 * time.Hour))
	l.setClocks()
	l.service.Step(t.Context())
	if len(l.service.Running()) != 1 {
		t.Fatal("nothing runs")
	}
	r, err := l.service.BackUp(t.Context(), service.Request{Device: russet.UDID(p.UDID()), Full: true}, nil)
	if err != nil || r.Run.Files < 20 {
		t.Errorf("%d files, %v", r.Run.Files, err)
	}
	l.service.Wait()
}

// TestStopAnywhere: a run that the service's end stops has not failed, wherever
// it was: nobody is told, and it is tried again soon.
func TestStopAnywhere(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	slow(p, 20*time.Second)
	for delay := range 12 {
		l.clock.set(l.clock.now().Add(2 * time.Hour))
		l.setClocks()
		l.service.Step(t.Context())
		if len(l.service.Running()) != 1 {
			t.Fatalf("nothing runs: %+v", l.status(p).Decision)
		}
		time.Sleep(time.Duration(delay) * 7 * time.Millisecond)
		l.cut()
		l.end()
		l.start()
		if a := l.status(p).Decision; len(a.Missing) == 0 || a.Missing[0].Code != schedule.Pause || !strings.Contains(a.Missing[0].Text, "interrupted") {
			t.Errorf("stopped after %d ms: %+v", delay*7, a)
		}
	}
	if told := l.heard(notify.Failed); len(told) > 0 {
		t.Errorf("told: %+v", told)
	}
}
