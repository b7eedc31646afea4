package wire_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"russet/device/internal/wire"
	"russet/internal/plist"
)

const limit = 1 << 20

// pipe gives both ends of a connection, ours already speaking.
func pipe(t *testing.T) (*wire.Conn, net.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _ = ours.Close(); _ = theirs.Close() })
	return wire.NewConn(ours, limit), theirs
}

// message frames a body as devices do.
func message(body string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

const hello = `<plist version="1.0"><dict><key>Say</key><string>hello</string></dict></plist>`

func TestCall(t *testing.T) {
	c, nc := pipe(t)
	device := wire.NewConn(nc, limit)
	want := plist.Dict{"Name": "Anna's iPhone", "N": int64(-3), "Data": []byte{0, 1}}
	go func() {
		for range 2 {
			req, err := device.Receive(context.Background(), 0)
			if err != nil || device.SendBinary(context.Background(), req) != nil {
				_ = nc.Close()
			}
		}
	}()
	for _, call := range []func(context.Context, plist.Dict) (plist.Dict, error){c.Call, c.CallBinary} {
		if got, err := call(t.Context(), want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, %v", got, err)
		}
	}
}

func TestReceiveRefuses(t *testing.T) {
	for _, c := range []struct {
		name, send string
		want       error  // or
		text       string // part of it
	}{
		{"nothing", "", io.EOF, ""},
		{"half a length", "\x00\x00", io.ErrUnexpectedEOF, ""},
		{"half a message", "\x00\x00\x00\x09half", io.ErrUnexpectedEOF, ""},
		{"more than the limit", "\x00\x10\x00\x01", nil, "exceeds"},
		{"all bits set", "\xff\xff\xff\xff", nil, "exceeds"},
		{"an empty message", "\x00\x00\x00\x00", plist.ErrFormat, ""},
		{"no property list", string(message("hello")), plist.ErrFormat, ""},
		{"an array", string(message("<plist><array/></plist>")), plist.ErrFormat, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, device := pipe(t)
			go func() {
				_, _ = io.WriteString(device, c.send)
				_ = device.Close()
			}()
			_, err := conn.Receive(t.Context(), 0)
			if c.want != nil && !errors.Is(err, c.want) || err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestAnnouncedLengthIsNotAllocated: only what arrives takes memory.
func TestAnnouncedLengthIsNotAllocated(t *testing.T) {
	ours, theirs := net.Pipe()
	conn := wire.NewConn(ours, 1<<30)
	go func() {
		_, _ = theirs.Write([]byte{0x3f, 0xff, 0xff, 0xff, 'x'})
		_ = theirs.Close()
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := conn.Receive(t.Context(), 0)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("allocated %d bytes for one", n)
	}
}

// TestReceiveGoesOn cancels a Receive after every byte of a message.
func TestReceiveGoesOn(t *testing.T) {
	conn, device := pipe(t)
	msg := message(hello)
	for i := range msg[:len(msg)-1] {
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		go func() {
			_, _ = device.Write(msg[i : i+1])
			cancel(enough) // Write returned: the byte was read
		}()
		if _, err := conn.Receive(ctx, 0); !errors.Is(err, enough) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	go func() { _, _ = device.Write(append(msg[len(msg)-1:], msg...)) }()
	for range 2 {
		if got, err := conn.Receive(t.Context(), 0); err != nil || got.String("Say") != "hello" {
			t.Errorf("got %v, %v", got, err)
		}
	}
}

func TestSilenceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, device := pipe(t)
		go func() { _, _ = io.Copy(io.Discard, device) }() // listens, never answers
		start := time.Now()
		_, err := conn.Call(t.Context(), plist.Dict{})
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != wire.RequestLimit {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if _, err := conn.Call(t.Context(), plist.Dict{}); !errors.Is(err, wire.ErrBroken) {
			t.Errorf("the connection went on: %v", err)
		}
		_ = device.Close()
	})
}

func TestDeafnessEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := pipe(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := conn.Call(ctx, plist.Dict{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestDoClearsItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, device := pipe(t)
		if _, err := conn.Receive(t.Context(), time.Second); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Hour) // in the bubble's time
			_, _ = device.Write(message(hello))
		}()
		if _, err := conn.Receive(t.Context(), 0); err != nil {
			t.Error(err)
		}
	})
}

func TestEndedContextDoesNothing(t *testing.T) {
	conn, device := pipe(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := conn.Call(ctx, plist.Dict{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	go func() { _, _ = io.Copy(io.Discard, device) }()
	if err := conn.Send(t.Context(), plist.Dict{}); err != nil {
		t.Errorf("a request that never began broke the connection: %v", err)
	}
}

func TestBrief(t *testing.T) {
	if s := wire.Brief("short"); s != "short" {
		t.Errorf("got %q", s)
	}
	if s := wire.Brief(strings.Repeat("ü", 50) + "x"); s != strings.Repeat("ü", 32)+"…" {
		t.Errorf("got %q", s)
	}
}

// replay is a connection on which these bytes arrive.
type replay struct {
	net.Conn
	bytes.Reader
}

func (r *replay) Read(p []byte) (int, error)        { return r.Reader.Read(p) }
func (r *replay) SetReadDeadline(_ time.Time) error { return nil }

func FuzzReceive(f *testing.F) {
	f.Add(message(hello))
	f.Add(append(message(hello), message(hello)...))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0})
	f.Add(message("bplist00\xd0\x08\x00\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &replay{Reader: *bytes.NewReader(data)}
		conn := wire.NewConn(r, limit)
		for {
			msg, err := conn.Receive(t.Context(), 0)
			if err == nil && msg == nil {
				t.Error("neither a message nor an error")
			}
			if r.Len() == 0 || r.Len() == len(data) || err != nil {
				return
			}
		}
	})
}
