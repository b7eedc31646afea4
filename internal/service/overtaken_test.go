package service_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"russet/internal/notify"
	"russet/vphone"
)

// TestOvertaken: a failure that waits for the morning is no news when a backup
// was done before it, and a health check would take it for the latest. The same
// failure on the next day is news.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	must(t, p.SetFault("final-error", "4711"))
	l.heard()
	l.step(18 * time.Hour) // three o'clock
	l.step(2 * time.Hour)
	if n := len(l.remembered(p).Outbox); n != 1 {
		t.Fatalf("%d messages wait for the morning", n)
	}
	must(t, p.SetFault("final-error", "0"))
	l.step(time.Hour)
	for range 5 {
		l.step(time.Hour)
	}
	if told := l.heard(notify.Failed, notify.Done); len(told) != 1 || told[0].Kind != notify.Done {
		t.Errorf("told in the morning: %+v", told)
	}
	must(t, p.SetFault("final-error", "4711"))
	l.step(22 * time.Hour)
	if told := l.heard(notify.Failed); len(told) != 1 {
		t.Errorf("told of the next failure: %+v", told)
	}
}

// TestLateSuccess: a success that reached nobody is not told after a failure.
func TestLateSuccess(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	away := true
	l.tell = func(m notify.Message) error {
		if m.Kind == notify.Done && away {
			return &notify.Undelivered{Channels: []string{"check"}, Again: []string{"check"}, Err: errors.New("away")}
		}
		return nil
	}
	l.step(0)
	must(t, p.SetFault("final-error", "4711"))
	for range 24 {
		l.step(time.Hour)
	}
	away = false
	for range 3 {
		l.step(time.Hour)
	}
	told := l.heard(notify.Failed, notify.Done)
	if n := len(told); n == 0 || slices.ContainsFunc(told, func(m notify.Message) bool { return m.Kind == notify.Done }) {
		t.Errorf("told: %+v", told)
	}
}
