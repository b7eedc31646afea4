package link_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"russet/device"
	"russet/device/afc"
	"russet/internal/link"
)

// dialer is a dialer made of a function.
type dialer func() net.Conn

func (d dialer) DialPort(context.Context, uint16) (net.Conn, error) { return d(), nil }

// pipe is a connection through a link, and its other end.
func pipe(t *testing.T, o link.Options) (*link.Link, net.Conn, net.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	l := link.New(dialer(func() net.Conn { return ours }), o)
	conn, err := l.DialPort(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); _ = theirs.Close() })
	return l, conn, theirs
}

// slow is 100 KB a second.
func slow() link.Options { return link.Options{Rate: rate.NewLimiter(100e3, 256<<10)} }

// spent is a limit whose burst has been used up.
func spent() link.Options {
	o := slow()
	o.Rate.AllowN(time.Now(), o.Rate.Burst())
	return o
}

const megabyte = 1_000_000

func TestCounts(t *testing.T) {
	l, conn, other := pipe(t, link.Options{})
	go func() {
		_, _ = io.CopyN(io.Discard, other, 1000)
		_, _ = other.Write(make([]byte, 234))
		_ = other.Close()
	}()
	if _, err := conn.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(conn); len(data) != 234 || err != nil {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if l.Bytes() != 1234 {
		t.Errorf("counted %d", l.Bytes())
	}
}

// TestSpeed: a limit holds in both directions, and for two connections
// together.
func TestSpeed(t *testing.T) {
	warm(t)
	content := bytes.Repeat([]byte("russet "), megabyte/7)
	for name, transfer := range map[string]func(t *testing.T, files *afc.Client) error{
		"to the phone": func(t *testing.T, files *afc.Client) error { return files.WriteFile(t.Context(), "/new", content) },
		"from the phone": func(t *testing.T, files *afc.Client) error {
			got, err := files.ReadFile(t.Context(), "/there", 2*megabyte)
			if !bytes.Equal(got, content) {
				t.Errorf("%d other bytes came", len(got))
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, l, dev := onWiFi(t, slow())
				if err := os.WriteFile(filepath.Join(p.MediaDir(), "there"), content, 0o600); err != nil {
					t.Fatal(err)
				}
				ctx, stop := l.Guard(t.Context(), dev)
				defer stop()
				start, before := time.Now(), l.Bytes()
				var wg sync.WaitGroup
				for range 2 {
					wg.Go(func() {
						conn, err := dev.Dial(ctx, afc.Service, device.ServiceOptions{})
						if err != nil {
							t.Error(err)
							return
						}
						defer func() { _ = conn.Close() }()
						if err := transfer(t, afc.NewClient(conn)); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				crossed, took := l.Bytes()-before, time.Since(start)
				if speed := float64(crossed) / took.Seconds(); crossed < 2*megabyte || speed > 140e3 || speed < 80e3 {
					t.Errorf("%d bytes in %v: %.0f a second", crossed, took, speed)
				}
			})
		})
	}
}

// TestHeartbeatBehindALimit: requests, handshakes and heartbeats do not wait
// behind transfers, however slow those are.
func TestHeartbeatBehindALimit(t *testing.T) {
	warm(t)
	synctest.Test(t, func(t *testing.T) {
		limit := rate.NewLimiter(20e3, 256<<10)
		p, l, dev := onWiFi(t, link.Options{Rate: limit})
		ctx, stop := l.Guard(t.Context(), dev)
		defer stop()
		if err := os.WriteFile(filepath.Join(p.MediaDir(), "there"), make([]byte, 10*megabyte), 0o600); err != nil {
			t.Fatal(err)
		}
		reading, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				conn, err := dev.Dial(ctx, afc.Service, device.ServiceOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				defer func() { _ = conn.Close() }()
				if _, err := afc.NewClient(conn).ReadFile(reading, "/there", 20*megabyte); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
		for range 40 {
			time.Sleep(7 * time.Second)
			start := time.Now()
			service(t, dev)
			if _, err := dev.Value(ctx, "", "DeviceName"); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("a new service took %v", took)
			}
		}
		if ctx.Err() != nil {
			t.Errorf("lost: %v", context.Cause(ctx))
		}
		start := time.Now()
		cancel()
		wg.Wait()
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("cancelling took %v", took)
		}
	})
}

// TestDeadlineIsTheDevices: waiting for the limit does not use up the time that
// the device has.
func TestDeadlineIsTheDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, conn, other := pipe(t, spent())
		go func() { _, _ = other.Write(make([]byte, megabyte)) }()
		start := time.Now()
		if err := conn.SetReadDeadline(start.Add(2 * time.Second)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 200_000)
		for n := 0; n < megabyte; {
			m, err := conn.Read(buf)
			if err != nil {
				t.Fatalf("after %v and %d bytes: %v", time.Since(start), n, err)
			}
			n += m
		}
		if took := time.Since(start); took < 5*time.Second {
			t.Errorf("a megabyte in %v", took)
		}
		// And then it has those two seconds.
		start = time.Now()
		_, err := conn.Read(buf)
		if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took > 5*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// TestInterrupted: a deadline in the past and Close end the wait, and nothing
// is lost by the former.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, conn, other := pipe(t, spent())
		sent := bytes.Repeat([]byte("0123456789"), 30_000)
		go func() { _, _ = other.Write(sent) }()
		var got []byte
		buf := make([]byte, 100_000)
		interrupted := 0
		for len(got) < len(sent) {
			time.AfterFunc(100*time.Millisecond, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
			start := time.Now()
			n, err := conn.Read(buf)
			got = append(got, buf[:n]...)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				interrupted++
			} else if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > 100*time.Millisecond {
				t.Fatalf("a read took %v", took)
			}
			time.Sleep(101 * time.Millisecond)
			if err := conn.SetReadDeadline(time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, sent) || interrupted == 0 {
			t.Errorf("%d bytes of %d, %d times interrupted", len(got), len(sent), interrupted)
		}
		time.AfterFunc(100*time.Millisecond, func() { _ = conn.Close() })
		start := time.Now()
		if _, err := conn.Write(sent); !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) || time.Since(start) > time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// TestConnBelow: package device sets up the TCP connection below a link.
func TestConnBelow(t *testing.T) {
	raw, _ := net.Pipe()
	conn, err := link.New(dialer(func() net.Conn { return raw }), link.Options{}).DialPort(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if below, ok := conn.(interface{ NetConn() net.Conn }); !ok || below.NetConn() != raw {
		t.Error("it cannot be found")
	}
}
