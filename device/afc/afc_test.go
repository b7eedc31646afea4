package afc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"russet/device/afc"
)

// TestRequests compares every call with what libimobiledevice sends for it.
func TestRequests(t *testing.T) {
	ctx := t.Context()
	when := time.Unix(1700000000, 5)
	for _, c := range []struct {
		call func(*afc.Client) error
		want request
	}{
		{func(c *afc.Client) error { return c.MakeDir(ctx, "/d") }, request{1, 0x09, "/d\x00", ""}},
		{func(c *afc.Client) error { return c.Remove(ctx, "/d") }, request{1, 0x08, "/d\x00", ""}},
		{func(c *afc.Client) error { return c.RemoveAll(ctx, "/d") }, request{1, 0x22, "/d\x00", ""}},
		{func(c *afc.Client) error { return c.Rename(ctx, "/a", "/b") }, request{1, 0x18, "/a\x00/b\x00", ""}},
		{func(c *afc.Client) error { return c.Symlink(ctx, "t", "/l") }, request{1, 0x1c, word(2) + "t\x00/l\x00", ""}},
		{func(c *afc.Client) error { return c.SetModTime(ctx, "/f", when) }, request{1, 0x1e, word(uint64(when.UnixNano())) + "/f\x00", ""}},
	} {
		var got request
		client := device(t, func(r request) []byte {
			got = r
			return status(r, 0)
		})
		if err := c.call(client); err != nil || got != c.want {
			t.Errorf("got %+v, %v; want %+v", got, err, c.want)
		}
	}
}

func TestFileRequests(t *testing.T) {
	var got []request
	c := device(t, func(r request) []byte {
		got = append(got, r)
		switch r.op {
		case 0x0d:
			return packet(r.number, 0x0e, word(9), "")
		case 0x0f:
			return data(r, "hello")
		case 0x12:
			return packet(r.number, 0x13, word(77), "")
		default:
			return status(r, 0)
		}
	})
	ctx := t.Context()
	f, err := c.Open(ctx, "/f", afc.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 10)
	n, readErr := f.Read(ctx, p)
	at, seekErr := f.Seek(ctx, -3, io.SeekEnd)
	_, writeErr := f.Write(ctx, []byte("abc"))
	err = errors.Join(readErr, seekErr, writeErr, f.Truncate(ctx, 5), f.Lock(ctx), f.LockShared(ctx), f.Unlock(ctx), f.Close(ctx))
	if err != nil || string(p[:n]) != "hello" || at != 77 {
		t.Errorf("read %q, at %d, %v", p[:n], at, err)
	}
	want := []request{
		{1, 0x0d, word(2) + "/f\x00", ""},
		{2, 0x0f, word(9) + word(10), ""},
		{3, 0x11, word(9) + word(2) + word(1<<64-3), ""},
		{4, 0x12, word(9), ""},
		{5, 0x10, word(9), "abc"},
		{6, 0x15, word(9) + word(5), ""},
		{7, 0x1b, word(9) + word(6), ""},
		{8, 0x1b, word(9) + word(5), ""},
		{9, 0x1b, word(9) + word(12), ""},
		{10, 0x14, word(9), ""},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestStatuses(t *testing.T) {
	for code, target := range map[uint64]error{
		8: fs.ErrNotExist, 16: fs.ErrExist, 10: fs.ErrPermission, 19: afc.WouldBlock, 33: afc.NotEmpty, 18: afc.NoSpace, 999: afc.Status(999),
	} {
		c := device(t, func(r request) []byte { return status(r, code) })
		for range 2 { // a refusal leaves the connection as it was
			_, err := c.Open(t.Context(), "/f\n", afc.ReadOnly)
			e, ok := errors.AsType[*afc.Error](err)
			if !ok || uint64(e.Status) != code || !errors.Is(err, target) || errors.Is(err, fs.ErrClosed) || !strings.Contains(err.Error(), `"/f\n"`) {
				t.Errorf("status %d: %v", code, err)
			}
		}
	}
}

// TestHostileAnswers: whatever comes in place of an answer is an error, and
// the connection is not used again.
func TestHostileAnswers(t *testing.T) {
	for name, answer := range map[string]func(request) []byte{
		"nothing":               func(request) []byte { return nil },
		"half a header":         func(r request) []byte { return status(r, 0)[:20] },
		"half a body":           func(r request) []byte { return status(r, 0)[:44] },
		"another number":        func(r request) []byte { r.number++; return status(r, 0) },
		"another magic":         func(r request) []byte { return append([]byte("AFC6LPAA"), status(r, 0)[8:]...) },
		"all bits set":          func(r request) []byte { return raw(1<<64-1, 40, r.number, 2, "") },
		"parameters too long":   func(r request) []byte { return raw(40, 1<<63, r.number, 2, "") },
		"shorter than a header": func(r request) []byte { return raw(39, 39, r.number, 2, "") },
		"over the limit":        func(r request) []byte { return raw(33<<20, 40, r.number, 2, "") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // some wait for what does not come
				asked := 0
				c := device(t, func(r request) []byte {
					if asked++; asked > 1 {
						return status(r, 0)
					}
					return answer(r)
				})
				for range 2 {
					if err := c.MakeDir(t.Context(), "/d"); err == nil {
						t.Error("it was taken")
					}
				}
				if asked > 1 {
					t.Error("the connection is used again")
				}
			})
		})
	}
}

// TestWrongKindOfAnswer: sound packets that do not answer the question.
func TestWrongKindOfAnswer(t *testing.T) {
	ctx := t.Context()
	answers := map[string]func(request) []byte{
		"success":        func(r request) []byte { return status(r, 0) },
		"nothing in it":  func(r request) []byte { return packet(r.number, 1, "", "") },
		"half a handle":  func(r request) []byte { return packet(r.number, 0x0e, "1234", "") },
		"unknown":        func(r request) []byte { return packet(r.number, 0x77, word(1), "") },
		"a strange name": func(r request) []byte { return data(r, "a/b\x00") },
		"half a pair":    func(r request) []byte { return data(r, "st_size\x001\x00st_ifmt\x00") },
	}
	calls := map[string]func(*afc.Client) error{
		"open":    func(c *afc.Client) error { _, err := c.Open(ctx, "/f", afc.ReadOnly); return err },
		"info":    func(c *afc.Client) error { _, err := c.Info(ctx, "/f"); return err },
		"readdir": func(c *afc.Client) error { _, err := c.ReadDir(ctx, "/f"); return err },
		"volume":  func(c *afc.Client) error { _, err := c.Volume(ctx); return err },
		"remove":  func(c *afc.Client) error { return c.Remove(ctx, "/f") },
	}
	right := map[string]bool{
		"remove success": true, "readdir half a pair": true,
	}
	for how, answer := range answers {
		for what, call := range calls {
			c := device(t, answer)
			if err := call(c); err == nil && !right[what+" "+how] && !(how == "a strange name" && what != "readdir") {
				t.Errorf("%s took %s", what, how)
			}
		}
	}
}

func TestMoreThanAskedFor(t *testing.T) {
	c := device(t, func(r request) []byte {
		if r.op == 0x0d {
			return packet(r.number, 0x0e, word(1), "")
		}
		return data(r, "four")
	})
	f, err := c.Open(t.Context(), "/f", afc.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.Read(t.Context(), make([]byte, 3)); err == nil {
		t.Errorf("took %d bytes", n)
	}
}

func TestReadFileWithoutEnd(t *testing.T) {
	c := device(t, func(r request) []byte {
		switch r.op {
		case 0x0d:
			return packet(r.number, 0x0e, word(1), "")
		case 0x0f:
			return data(r, "x")
		default:
			return status(r, 0)
		}
	})
	if b, err := c.ReadFile(t.Context(), "/dev/zero", 100); err == nil {
		t.Errorf("read %d bytes", len(b))
	}
}

func TestInfo(t *testing.T) {
	c := device(t, func(r request) []byte {
		if r.params == "/odd\x00" {
			return data(r, "st_size\x00-5\x00st_ifmt\x00S_IFWHT\x00st_mtime\x00soon\x00")
		}
		return data(r, "st_size\x0017\x00st_nlink\x002\x00st_ifmt\x00S_IFLNK\x00st_mtime\x001700000000000000005\x00LinkTarget\x00/t\x00")
	})
	got, err := c.Info(t.Context(), "/l")
	want := afc.Info{Size: 17, Links: 2, Mode: fs.ModeSymlink, ModTime: time.Unix(1700000000, 5).UTC(), Target: "/t"}
	if got != want || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := c.Info(t.Context(), "/odd"); got != (afc.Info{Mode: fs.ModeIrregular}) || err != nil {
		t.Errorf("odd answers give %+v, %v", got, err)
	}
}

func TestNamesThatAreNone(t *testing.T) {
	c := device(t, func(r request) []byte { return status(r, 0) })
	for _, name := range []string{"", "a\x00b", strings.Repeat("x", 5000)} {
		if err := c.RemoveAll(t.Context(), name); !errors.Is(err, afc.InvalidArgument) {
			t.Errorf("%.10q: %v", name, err)
		}
	}
}

func TestLargeWriteIsCut(t *testing.T) {
	var got bytes.Buffer
	c := device(t, func(r request) []byte {
		if r.op == 0x0d {
			return packet(r.number, 0x0e, word(1), "")
		}
		got.WriteString(r.payload)
		return status(r, 0)
	})
	want := bytes.Repeat([]byte("0123456789"), 100_000)
	if err := c.WriteFile(t.Context(), "/f", want); err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%d bytes arrived, %v", got.Len(), err)
	}
}

func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, theirs) }()
		c := afc.NewClient(ours)
		if err := c.Remove(t.Context(), "/f"); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		_ = c.Close()
	})
	c := device(t, func(r request) []byte { return status(r, 0) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Remove(ctx, "/f"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := c.Remove(t.Context(), "/f"); err != nil {
		t.Errorf("a call that never began broke the connection: %v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(packet(1, 2, "", "st_size\x001\x00"))
	f.Add(packet(1, 1, word(8), ""))
	f.Add(raw(1<<64-1, 40, 1, 2, ""))
	f.Add(packet(1, 2, ".\x00..\x00a\x00", ""))
	f.Fuzz(func(t *testing.T, answer []byte) {
		_, _ = afc.NewClient(&replay{data: answer}).Info(t.Context(), "/f")
		names, err := afc.NewClient(&replay{data: answer}).ReadDir(t.Context(), "/f")
		for _, name := range names {
			if err != nil || name == ".." || strings.ContainsAny(name, "/\x00") {
				t.Errorf("name %q, %v", name, err)
			}
		}
	})
}
