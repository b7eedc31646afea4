package notificationproxy_test

import (
	"context"
	"errors"
	"io"
	"net"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"russet/device/internal/wire"
	"russet/device/notificationproxy"
	"russet/internal/plist"
)

// proxy gives a client and the device's end of its connection.
func proxy(t *testing.T) (*notificationproxy.Client, *wire.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _ = ours.Close(); _ = theirs.Close() })
	return notificationproxy.NewClient(ours), wire.NewConn(theirs, 1<<20)
}

func relay(name string) plist.Dict {
	return plist.Dict{"Command": "RelayNotification", "Name": name}
}

// obey notes commands until the connection ends, and answers Shutdown with
// what is on its way and ProxyDeath.
func obey(device *wire.Conn, onItsWay ...string) <-chan []plist.Dict {
	done := make(chan []plist.Dict, 1)
	go func() {
		var got []plist.Dict
		ctx := context.Background()
		for {
			msg, err := device.Receive(ctx, 0)
			if err != nil {
				done <- got
				return
			}
			got = append(got, msg)
			if msg.String("Command") != "Shutdown" {
				continue
			}
			for _, name := range onItsWay {
				_ = device.Send(ctx, relay(name)) // fails if the client did not wait
			}
			_ = device.Send(ctx, plist.Dict{"Command": "ProxyDeath"})
		}
	}()
	return done
}

func TestCommands(t *testing.T) {
	c, device := proxy(t)
	done := obey(device, "late.1", "late.2")
	ctx := t.Context()
	if err := errors.Join(c.Observe(ctx, "a", "b"), c.Post(ctx, notificationproxy.SyncWillStart), c.Close()); err != nil {
		t.Fatal(err)
	}
	want := []plist.Dict{
		{"Command": "ObserveNotification", "Name": "a"},
		{"Command": "ObserveNotification", "Name": "b"},
		{"Command": "PostNotification", "Name": "com.apple.itunes-mobdev.syncWillStart"},
		{"Command": "Shutdown"},
	}
	if got := <-done; !reflect.DeepEqual(got, want) {
		t.Errorf("the device was told %v", got)
	}
	if _, err := c.Next(ctx); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

func TestNames(t *testing.T) {
	c, device := proxy(t)
	go func() {
		for _, msg := range []plist.Dict{
			relay("a"), {"Command": "Sneeze"}, relay("b"), {"Command": "ProxyDeath"},
		} {
			_ = device.Send(context.Background(), msg) // the reader notices
		}
	}()
	var got []string
	for name, err := range c.Names(t.Context()) {
		if err != nil {
			t.Error(err)
		}
		got = append(got, name)
	}
	if !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
}

func TestNextIsPatientAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, device := proxy(t)
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			if _, err := c.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			cancel()
		}
		go func() { _ = device.Send(context.Background(), relay("a")) }()
		if name, err := c.Next(t.Context()); name != "a" || err != nil {
			t.Errorf("got %q, %v", name, err)
		}
	})
}

func TestDamageIsReported(t *testing.T) {
	ours, theirs := net.Pipe()
	c := notificationproxy.NewClient(ours)
	go func() {
		_, _ = theirs.Write([]byte{0xff, 0xff, 0xff, 0xff})
		_, _ = io.Copy(io.Discard, theirs)
	}()
	var last error
	for _, err := range c.Names(t.Context()) {
		last = err
	}
	if last == nil {
		t.Error("4 GiB of notification were no error")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestCloseEndsNext closes while another goroutine waits, with a device that
// answers and with one that does not.
func TestCloseEndsNext(t *testing.T) {
	for _, answers := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			c, device := proxy(t)
			if answers {
				obey(device)
			} else {
				go func() { _, _ = io.Copy(io.Discard, device.Net()) }()
			}
			ended := make(chan error, 1)
			go func() {
				_, err := c.Next(t.Context())
				ended <- err
			}()
			synctest.Wait()
			start := time.Now()
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("Close took %v", d)
			}
			if err := <-ended; !errors.Is(err, io.EOF) && answers || err == nil {
				t.Errorf("Next ended with %v", err)
			}
		})
	}
}
