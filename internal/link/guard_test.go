package link_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"russet/device"
	"russet/device/afc"
	"russet/device/notificationproxy"
	"russet/internal/link"
	"russet/vphone"
)

// guarded runs a test on a guarded phone in a bubble, where minutes of silence
// take no time.
func guarded(t *testing.T, f func(t *testing.T, p *vphone.Phone, dev *device.Device, ctx context.Context)) {
	t.Helper()
	warm(t)
	synctest.Test(t, func(t *testing.T) {
		p, l, dev := onWiFi(t, link.Options{})
		ctx, stop := l.Guard(t.Context(), dev)
		defer stop()
		f(t, p, dev, ctx)
	})
}

// service is a connection to a service that waits for its next word.
func service(t *testing.T, dev *device.Device) net.Conn {
	t.Helper()
	conn, err := dev.Dial(t.Context(), notificationproxy.Service, device.ServiceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// alive says whether the phone has kept the connection.
func alive(conn net.Conn) bool {
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	_, err := conn.Read(make([]byte, 1))
	return !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed)
}

// after waits until ctx is lost and tells how long that took; it fails when
// that does not happen within limit.
func after(t *testing.T, ctx context.Context, limit time.Duration) time.Duration {
	t.Helper()
	start := time.Now()
	select {
	case <-ctx.Done():
	case <-time.After(limit):
		t.Fatalf("not lost after %v", limit)
	}
	if err := context.Cause(ctx); !errors.Is(err, link.ErrLost) {
		t.Errorf("the cause is %v", err)
	} else {
		t.Logf("after %v: %v", time.Since(start), err)
	}
	return time.Since(start)
}

func TestBusyPhone(t *testing.T) {
	guarded(t, func(t *testing.T, _ *vphone.Phone, dev *device.Device, ctx context.Context) {
		conn := service(t, dev)
		for _, silence := range []time.Duration{34 * time.Minute, 14 * time.Minute} {
			time.Sleep(silence)
			if ctx.Err() != nil || !alive(conn) {
				t.Fatalf("a busy phone was given up: %v", context.Cause(ctx))
			}
		}
	})
}

// TestNoHeartbeat shows what the guard is for: without it the same connection
// breaks.
func TestNoHeartbeat(t *testing.T) {
	warm(t)
	synctest.Test(t, func(t *testing.T) {
		_, _, dev := onWiFi(t, link.Options{})
		conn := service(t, dev)
		time.Sleep(time.Minute)
		if alive(conn) {
			t.Error("the phone asks for no heartbeat")
		}
	})
}

func TestRadioHole(t *testing.T) {
	for _, hole := range []time.Duration{4 * time.Second, 10 * time.Second, 40 * time.Second} {
		guarded(t, func(t *testing.T, p *vphone.Phone, dev *device.Device, ctx context.Context) {
			conn := service(t, dev)
			for range 20 {
				time.Sleep(97 * time.Second)
				p.RadioHole(hole)
			}
			time.Sleep(10 * time.Minute)
			if ctx.Err() != nil || !alive(conn) {
				t.Errorf("20 holes of %v were too many: %v", hole, context.Cause(ctx))
			}
		})
	}
}

// TestGone: the shapes in which a phone goes, and how soon it is known.
func TestGone(t *testing.T) {
	for _, c := range []struct {
		name  string
		leave func(p *vphone.Phone)
		most  time.Duration
		after string // what the error mentions
	}{
		{"asleep, as announced", func(p *vphone.Phone) { p.Doze(true) }, 46 * time.Second, "sleep"},
		{"asleep without a word", func(p *vphone.Phone) { p.Doze(false) }, 61 * time.Second, "heartbeat has stopped"},
		{"out of the house", func(p *vphone.Phone) { p.LeaveNetwork() }, 46 * time.Second, "heartbeat"},
		{"at another address", func(p *vphone.Phone) { p.RadioHole(24 * time.Hour) }, 61 * time.Second, "heartbeat has stopped"},
		{"Wi-Fi access switched off", func(p *vphone.Phone) { _ = p.SetWifi(false) }, 46 * time.Second, "heartbeat"},
	} {
		t.Run(c.name, func(t *testing.T) {
			guarded(t, func(t *testing.T, p *vphone.Phone, dev *device.Device, ctx context.Context) {
				service(t, dev)
				time.Sleep(10*time.Minute + 3*time.Second)
				c.leave(p)
				if took := after(t, ctx, 10*time.Minute); took > c.most {
					t.Errorf("known after %v", took)
				}
				if err := context.Cause(ctx); !strings.Contains(err.Error(), c.after) {
					t.Errorf("the cause is %v", err)
				}
			})
		})
	}
}

// TestGoneWhileReopening: a phone whose heartbeat broke goes while the heartbeat
// is opened again, at one message after the other: what it said last counts from
// when it was said.
func TestGoneWhileReopening(t *testing.T) {
	warm(t)
	inOpening := 0
	for at := 2; at <= 12; at++ {
		synctest.Test(t, func(t *testing.T) {
			p, rec := paired(t)
			said := new(atomic.Pointer[time.Time])
			l, dev := over(t, heard{wifi{p}, said}, rec, link.Options{})
			ctx, stop := l.Guard(t.Context(), dev)
			defer stop()
			time.Sleep(63 * time.Second)
			p.Inject(vphone.Fault{AtWrite: at, Do: vphone.Hole, For: 24 * time.Hour})
			p.Inject(vphone.Fault{On: "com.apple.mobile.heartbeat", AfterBytes: 1, Do: vphone.Drop})
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Minute):
				t.Errorf("not gone at the phone's message %d", at)
				return
			}
			silent, cause := time.Since(*said.Load()), context.Cause(ctx)
			opening := strings.Contains(cause.Error(), "open a heartbeat")
			if !errors.Is(cause, link.ErrLost) || silent > 61*time.Second || opening && silent > 46*time.Second {
				t.Errorf("gone at the phone's message %d: after %v of silence %v", at, silent, cause)
			}
			if opening {
				inOpening++
			}
		})
	}
	if inOpening == 0 {
		t.Error("the phone never went while the heartbeat was opened")
	}
}

// TestSleepIsNoLoss: a phone that goes to sleep and is back soon has not been
// lost.
func TestSleepIsNoLoss(t *testing.T) {
	guarded(t, func(t *testing.T, p *vphone.Phone, dev *device.Device, ctx context.Context) {
		conn := service(t, dev)
		for range 10 {
			time.Sleep(5 * time.Minute)
			p.Doze(true)
			time.Sleep(30 * time.Second)
			p.WakeUp()
		}
		time.Sleep(20 * time.Minute)
		if ctx.Err() != nil || !alive(conn) {
			t.Errorf("lost: %v", context.Cause(ctx))
		}
	})
}

// TestHeartbeatAloneBreaks: a heartbeat that fails again and again while the
// phone is there costs nothing.
func TestHeartbeatAloneBreaks(t *testing.T) {
	guarded(t, func(t *testing.T, p *vphone.Phone, dev *device.Device, ctx context.Context) {
		conn := service(t, dev)
		for range 30 {
			p.Inject(vphone.Fault{On: "com.apple.mobile.heartbeat", AfterBytes: 100, Do: vphone.Drop})
			time.Sleep(time.Minute)
		}
		if ctx.Err() != nil || !alive(conn) {
			t.Errorf("lost: %v", context.Cause(ctx))
		}
	})
}

// TestRefusedHeartbeat: a phone that has no such service, and wants none, is
// watched over by asking.
func TestRefusedHeartbeat(t *testing.T) {
	warm(t)
	synctest.Test(t, func(t *testing.T) {
		p, l, dev := onWiFi(t, link.Options{})
		p.DemandHeartbeat(0)
		p.LimitService("com.apple.mobile.heartbeat", true)
		ctx, stop := l.Guard(t.Context(), dev)
		defer stop()
		conn := service(t, dev)
		time.Sleep(2 * time.Hour)
		if ctx.Err() != nil || !alive(conn) {
			t.Fatalf("lost: %v", context.Cause(ctx))
		}
		before := l.Bytes()
		time.Sleep(time.Hour)
		if n := l.Bytes() - before; n > 1<<20 {
			t.Errorf("asking took %d bytes in an hour", n)
		}
		p.Doze(false)
		if took := after(t, ctx, 10*time.Minute); took > 65*time.Second {
			t.Errorf("known after %v", took)
		}
	})
}

// TestTransferShowsLife: a phone whose heartbeat and lockdownd hang while it
// sends is there, and gone when that ends.
func TestTransferShowsLife(t *testing.T) {
	guarded(t, func(t *testing.T, p *vphone.Phone, dev *device.Device, ctx context.Context) {
		conn, err := dev.Dial(t.Context(), afc.Service, device.ServiceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		files := afc.NewClient(conn)
		p.DemandHeartbeat(0)
		for range 1000 {
			p.Inject(vphone.Fault{On: "com.apple.mobile.heartbeat", AfterBytes: 1, Do: vphone.Stall, For: time.Hour})
			p.Inject(vphone.Fault{On: "lockdownd", AfterBytes: 1, Do: vphone.Stall, For: time.Hour})
		}
		for range 60 {
			time.Sleep(20 * time.Second)
			if _, err := files.Volume(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if ctx.Err() != nil {
			t.Fatalf("lost: %v", context.Cause(ctx))
		}
		after(t, ctx, 65*time.Second)
		p.DisarmFaults()
	})
}

func TestStop(t *testing.T) {
	warm(t)
	synctest.Test(t, func(t *testing.T) {
		p, l, dev := onWiFi(t, link.Options{})
		for _, before := range []func(){
			func() {}, func() { time.Sleep(time.Minute) }, func() { p.Doze(true); time.Sleep(10 * time.Second) },
		} {
			ctx, stop := l.Guard(t.Context(), dev)
			before()
			start := time.Now()
			stop()
			if err := context.Cause(ctx); !errors.Is(err, context.Canceled) || time.Since(start) > time.Second {
				t.Errorf("stopped after %v: %v", time.Since(start), err)
			}
		}
		enough := errors.New("enough")
		outer, cancel := context.WithCancelCause(t.Context())
		ctx, stop := l.Guard(outer, dev)
		cancel(enough)
		stop()
		if err := context.Cause(ctx); !errors.Is(err, enough) {
			t.Errorf("the cause is %v", err)
		}
	})
}

// TestResetInTransfer: the transfer itself sees the reset; the guard stays, for
// the phone is there.
func TestResetInTransfer(t *testing.T) {
	guarded(t, func(t *testing.T, p *vphone.Phone, dev *device.Device, ctx context.Context) {
		conn, err := dev.Dial(t.Context(), afc.Service, device.ServiceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		time.Sleep(time.Minute)
		p.ResetNetwork()
		if alive(conn) {
			t.Error("the transfer has survived")
		}
		time.Sleep(10 * time.Minute)
		if ctx.Err() != nil {
			t.Errorf("lost: %v", context.Cause(ctx))
		}
		if !alive(service(t, dev)) {
			t.Error("nothing can be opened")
		}
	})
}
