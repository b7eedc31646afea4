package heartbeat_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"russet/device/heartbeat"
	"russet/device/internal/wire"
	"russet/internal/plist"
)

// run answers a device that is played by the test, and tells the beats when it
// is over.
func run(t *testing.T, ctx context.Context, device func(c *wire.Conn, nc net.Conn)) (beats []time.Duration, err error) {
	t.Helper()
	ours, theirs := net.Pipe()
	var playing sync.WaitGroup
	playing.Go(func() {
		device(wire.NewConn(theirs, 1<<16), theirs)
		_ = theirs.Close()
	})
	err = heartbeat.Run(ctx, ours, func(interval time.Duration) { beats = append(beats, interval) })
	_ = ours.Close()
	playing.Wait()
	return beats, err
}

// marco asks and reports whether the answer was right.
func marco(c *wire.Conn, interval any) bool {
	msg := plist.Dict{"Command": "Marco", "SupportsSleepyTime": true}
	if interval != nil {
		msg["Interval"] = interval
	}
	answer, err := c.Call(context.Background(), msg)
	return err == nil && reflect.DeepEqual(answer, plist.Dict{"Command": "Polo"})
}

func TestAnswers(t *testing.T) {
	var right int
	beats, err := run(t, t.Context(), func(c *wire.Conn, _ net.Conn) {
		for _, interval := range []any{10, int64(60), nil, -1, uint64(1) << 63, "10"} {
			_ = c.Send(context.Background(), plist.Dict{"Command": "Chatter"}) // not ours to answer
			if marco(c, interval) {
				right++
			}
		}
	})
	want := []time.Duration{10 * time.Second, time.Minute, 10 * time.Second, 10 * time.Second, 10 * time.Minute, 10 * time.Second}
	if right != len(want) || !reflect.DeepEqual(beats, want) || !errors.Is(err, io.EOF) {
		t.Errorf("%d right answers, beats %v, %v", right, beats, err)
	}
}

func TestSleepy(t *testing.T) {
	beats, err := run(t, t.Context(), func(c *wire.Conn, nc net.Conn) {
		marco(c, 10)
		_ = c.SendBinary(context.Background(), plist.Dict{"Command": "SleepyTime"})
		_, _ = io.Copy(io.Discard, nc)
	})
	if len(beats) != 1 || !errors.Is(err, heartbeat.ErrSleepy) {
		t.Errorf("%d beats, %v", len(beats), err)
	}
}

// TestSilence: a device has its interval and five seconds, and ten before it
// said one; half a message is no sign of life.
func TestSilence(t *testing.T) {
	for _, c := range []struct {
		name   string
		after  time.Duration
		device func(c *wire.Conn, nc net.Conn)
	}{
		{"from the start", 15 * time.Second, func(*wire.Conn, net.Conn) {}},
		{"after a beat", 35 * time.Second, func(c *wire.Conn, _ net.Conn) { marco(c, 30) }},
		{"in the middle of a message", 15 * time.Second, func(_ *wire.Conn, nc net.Conn) { _, _ = nc.Write([]byte{0, 0}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, err := run(t, t.Context(), func(conn *wire.Conn, nc net.Conn) {
					c.device(conn, nc)
					_, _ = io.Copy(io.Discard, nc)
				})
				if took := time.Since(start); took != c.after || !errors.Is(err, heartbeat.ErrSilent) || !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("after %v: %v", took, err)
				}
			})
		})
	}
}

// TestDeafDevice: a device that asks and does not read is as silent.
func TestDeafDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := run(t, t.Context(), func(c *wire.Conn, _ net.Conn) {
			_ = c.Send(context.Background(), plist.Dict{"Command": "Marco", "Interval": 10})
			time.Sleep(time.Hour)
		})
		if !errors.Is(err, heartbeat.ErrSilent) {
			t.Error(err)
		}
	})
}

func TestEndsWithItsContext(t *testing.T) {
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := run(t, ctx, func(c *wire.Conn, nc net.Conn) {
		marco(c, 10)
		cancel(enough)
		_, _ = io.Copy(io.Discard, nc)
	})
	if !errors.Is(err, enough) {
		t.Error(err)
	}
}

// TestNoHeartbeat: what is no message ends it and is not taken for silence.
func TestNoHeartbeat(t *testing.T) {
	_, err := run(t, t.Context(), func(_ *wire.Conn, nc net.Conn) { _, _ = nc.Write([]byte{0xff, 0xff, 0xff, 0xff}) })
	if err == nil || errors.Is(err, heartbeat.ErrSilent) || errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}
