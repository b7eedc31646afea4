package reach_test

import (
	"context"
	"testing"
	"time"
)

// TestFollow: who comes and goes is told, also by a usbmuxd that was started
// again, and nobody waits for announcements meanwhile.
func TestFollow(t *testing.T) {
	l := newLab(t)
	p := l.phone(1, "Anna")
	h := l.computer(l.Addr())
	l.pair(h, p)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	nudges := h.Follow(ctx)
	told := func(what string) {
		t.Helper()
		select {
		case <-nudges:
		case <-time.After(20 * time.Second):
			t.Fatalf("nobody said: %s", what)
		}
	}
	quiet := func() {
		t.Helper()
		for {
			select {
			case <-nudges:
			case <-time.After(time.Second):
				return
			}
		}
	}
	told("it is there")
	quiet()
	p.Unplug()
	told("it was unplugged")
	began := time.Now()
	if devices, err := h.List(t.Context()); err != nil || len(devices) > 0 || time.Since(began) > time.Second {
		t.Errorf("away: %+v, %v after %v", devices, err, time.Since(began))
	}
	quiet()
	l.Stop()
	p.Plug()
	if devices, err := h.List(t.Context()); err != nil || len(devices) > 0 {
		t.Errorf("without usbmuxd: %+v, %v", devices, err)
	}
	l.Serve()
	told("usbmuxd is back")
	if d := l.only(h); d.Connection != "usb" {
		t.Error(describe(d))
	}
	quiet()
	cancel()
}
