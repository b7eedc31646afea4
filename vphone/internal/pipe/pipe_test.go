package pipe_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"russet/vphone/internal/pipe"
)

func TestCarriesMoreThanItHolds(t *testing.T) {
	a, b := pipe.New()
	want := bytes.Repeat([]byte("0123456789abcdef"), pipe.Size/4)
	go func() {
		a.Write(want)
		a.Close()
	}()
	got, err := io.ReadAll(b)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d of %d bytes, %v", len(got), len(want), err)
	}
}

func TestWritesBeforeAnyoneReads(t *testing.T) {
	a, b := pipe.New()
	for _, end := range []net.Conn{a, b} {
		if _, err := end.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 10)
	if n, err := b.Read(buf); err != nil || string(buf[:n]) != "hello" {
		t.Errorf("%q, %v", buf[:n], err)
	}
}

func TestClosing(t *testing.T) {
	a, b := pipe.New()
	a.Write([]byte("last words"))
	a.Close()
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read from the closed end: %v", err)
	}
	if _, err := a.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write to the closed end: %v", err)
	}
	if _, err := b.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("write to the end whose peer is gone: %v", err)
	}
	if got, err := io.ReadAll(b); err != nil || string(got) != "last words" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New()
		a.SetReadDeadline(time.Now().Add(time.Minute))
		start := time.Now()
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		if d := time.Since(start); d != time.Minute {
			t.Errorf("read waited %v", d)
		}
		a.SetDeadline(time.Now().Add(-time.Second))
		if _, err := a.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %v", err)
		}
		a.SetDeadline(time.Time{})
		if _, err := a.Write([]byte("x")); err != nil {
			t.Errorf("write without a deadline: %v", err)
		}
		a.SetReadDeadline(time.Now().Add(time.Hour))
		b.Write([]byte("y"))
		if _, err := a.Read(make([]byte, 1)); err != nil {
			t.Errorf("read in time: %v", err)
		}
		a.Close()
		b.Close()
	})
}
