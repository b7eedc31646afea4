package host_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"russet/vphone"
)

// TestFollow: who comes and goes is told, also by a usbmuxd that was started
// again, and nobody waits for announcements meanwhile.
func TestFollow(t *testing.T) {
	dir, err := os.MkdirTemp("", "russet")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	mux, err := vphone.NewMux("", nil)
	must(t, err)
	l := &netlab{t: t, mux: mux, socket: filepath.Join(dir, "mux")}
	stop := l.serve()
	p := l.phone(1, "Anna")
	h := l.computer(l.withMux())
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
	if devices, err := h.Devices(t.Context()); err != nil || len(devices) > 0 || time.Since(began) > time.Second {
		t.Errorf("away: %+v, %v after %v", devices, err, time.Since(began))
	}
	quiet()
	stop()
	p.Plug()
	if devices, err := h.Devices(t.Context()); err != nil || len(devices) > 0 {
		t.Errorf("without usbmuxd: %+v, %v", devices, err)
	}
	_ = os.Remove(l.socket)
	t.Cleanup(l.serve())
	told("usbmuxd is back")
	if d := l.only(h); d.Connection != "usb" {
		t.Error(describe(d))
	}
	quiet()
	cancel()
}
