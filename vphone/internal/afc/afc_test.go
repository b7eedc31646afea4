package afc_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"russet/vphone/internal/afc"
	"russet/vphone/internal/pipe"
)

// A phone is a Media folder that hosts connect to.
type phone struct {
	t     *testing.T
	dir   string
	locks afc.Locks
}

func newPhone(t *testing.T) *phone {
	dir := filepath.Join(t.TempDir(), "media")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return &phone{t: t, dir: dir}
}

// connect returns a host's end.
func (p *phone) connect() *host {
	p.t.Helper()
	root, err := os.OpenRoot(p.dir)
	if err != nil {
		p.t.Fatal(err)
	}
	there, here := pipe.New()
	info := func() afc.Info { return afc.Info{Model: "iPhone17,1", Total: 1000, Free: 10} }
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer here.Close()
		defer root.Close()
		afc.Serve(here, root, &p.locks, info, slog.New(slog.DiscardHandler))
	}()
	p.t.Cleanup(func() {
		there.Close()
		<-done
	})
	return &host{t: p.t, conn: there}
}

type host struct {
	t      *testing.T
	conn   net.Conn
	number uint64
}

func packet(number, op uint64, params, payload []byte) []byte {
	b := []byte("CFA6LPAA")
	for _, n := range []uint64{uint64(40 + len(params) + len(payload)), uint64(40 + len(params)), number, op} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return append(append(b, params...), payload...)
}

func u64(n ...uint64) []byte {
	var b []byte
	for _, n := range n {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

// ask sends one packet and returns the answer's operation and all after its head.
func (h *host) ask(op uint64, params, payload []byte) (uint64, []byte) {
	h.t.Helper()
	h.number++
	if _, err := h.conn.Write(packet(h.number, op, params, payload)); err != nil {
		h.t.Fatal(err)
	}
	var head [40]byte
	if _, err := io.ReadFull(h.conn, head[:]); err != nil {
		h.t.Fatal(err)
	}
	if n := binary.LittleEndian.Uint64(head[24:]); n != h.number {
		h.t.Errorf("operation %#x: answer %d to packet %d", op, n, h.number)
	}
	body := make([]byte, binary.LittleEndian.Uint64(head[8:])-40)
	if _, err := io.ReadFull(h.conn, body); err != nil {
		h.t.Fatal(err)
	}
	return binary.LittleEndian.Uint64(head[32:]), body
}

// status asks and wants a status.
func (h *host) status(want uint64, op uint64, params, payload []byte) {
	h.t.Helper()
	answer, body := h.ask(op, params, payload)
	if answer != 1 || !bytes.Equal(body, u64(want)) {
		h.t.Errorf("operation %#x %q: answer %#x %x, want status %d", op, params, answer, body, want)
	}
}

// data asks and wants bytes.
func (h *host) data(op uint64, params []byte) string {
	h.t.Helper()
	answer, body := h.ask(op, params, nil)
	if answer != 2 {
		h.t.Errorf("operation %#x %q: answer %#x %x", op, params, answer, body)
	}
	return string(body)
}

func (h *host) open(mode uint64, path string) uint64 {
	h.t.Helper()
	answer, body := h.ask(0x0D, append(u64(mode), path+"\x00"...), nil)
	if answer != 0x0E {
		h.t.Fatalf("open %q: answer %#x %x", path, answer, body)
	}
	return binary.LittleEndian.Uint64(body)
}

func path(names ...string) []byte { return []byte(strings.Join(names, "\x00") + "\x00") }

func TestFiles(t *testing.T) {
	h := newPhone(t).connect()
	h.status(0, 0x09, path("/a/b"), nil)
	f := h.open(3, "/a/b/one")
	h.status(0, 0x10, u64(f), []byte("hello world"))
	h.status(0, 0x15, u64(f, 5), nil)
	h.status(0, 0x14, u64(f), nil)
	h.status(7, 0x14, u64(f), nil)

	f = h.open(1, "a/b/one")
	if got := h.data(0x0F, u64(f, 100)); got != "hello" {
		t.Errorf("read %q", got)
	}
	if got := h.data(0x0F, u64(f, 100)); got != "" {
		t.Errorf("read %q at the end", got)
	}
	h.status(0, 0x11, append(u64(f, 0), u64(1)...), nil)
	if answer, body := h.ask(0x12, u64(f), nil); answer != 0x13 || !bytes.Equal(body, u64(1)) {
		t.Errorf("tell: %#x %x", answer, body)
	}
	if got := h.data(0x0F, u64(f, 3)); got != "ell" {
		t.Errorf("read %q after the seek", got)
	}
	h.status(7, 0x10, u64(f), []byte("not opened for writing"))

	h.status(0, 0x18, path("/a/b/one", "/a/two"), nil)
	h.status(0, 0x1E, append(u64(1_000_000_000), path("/a/two")...), nil)
	info := h.data(0x0A, path("/a/two"))
	for _, want := range []string{"st_size\x005\x00", "st_ifmt\x00S_IFREG\x00", "st_mtime\x001000000000\x00", "st_nlink\x001\x00"} {
		if !strings.Contains(info, want) {
			t.Errorf("info %q lacks %q", info, want)
		}
	}
	if got := h.data(0x03, path("/a")); got != ".\x00..\x00b\x00two\x00" {
		t.Errorf("listing %q", got)
	}
	h.status(33, 0x08, path("/a"), nil)
	h.status(0, 0x08, path("/a/two"), nil)
	h.status(0, 0x22, path("/a"), nil)
	h.status(8, 0x22, path("/a"), nil)
	h.status(8, 0x03, path("/a"), nil)
}

func TestOpenModes(t *testing.T) {
	h := newPhone(t).connect()
	h.status(8, 0x0D, append(u64(1), path("/f")...), nil)
	for _, step := range []struct {
		mode uint64
		want string
	}{{2, "abc"}, {5, "abcabc"}, {6, "abcabcabc"}, {2, "abcabcabc"}, {3, "abc"}, {4, "abc"}} {
		f := h.open(step.mode, "/f")
		h.status(0, 0x10, u64(f), []byte("abc"))
		h.status(0, 0x14, u64(f), nil)
		f = h.open(1, "/f")
		if got := h.data(0x0F, u64(f, 100)); got != step.want {
			t.Errorf("mode %d: %q, want %q", step.mode, got, step.want)
		}
		h.status(0, 0x14, u64(f), nil)
	}
	h.status(7, 0x0D, append(u64(9), path("/f")...), nil)
	h.status(9, 0x0D, append(u64(1), path("/")...), nil)
}

func TestLocks(t *testing.T) {
	p := newPhone(t)
	one, two := p.connect(), p.connect()
	f, g := one.open(2, "/com.apple.itunes.lock_sync"), two.open(2, "/com.apple.itunes.lock_sync")
	one.status(0, 0x1B, u64(f, 6), nil)
	two.status(19, 0x1B, u64(g, 6), nil)
	two.status(19, 0x1B, u64(g, 5), nil)
	one.status(0, 0x1B, u64(f, 5), nil)
	two.status(0, 0x1B, u64(g, 5), nil)
	one.status(19, 0x1B, u64(f, 6), nil)
	two.status(0, 0x1B, u64(g, 12), nil)
	one.status(0, 0x1B, u64(f, 6), nil)
	one.status(0, 0x14, u64(f), nil) // closing unlocks
	two.status(0, 0x1B, u64(g, 6), nil)
	two.status(7, 0x1B, u64(g, 99), nil)
}

func TestLinks(t *testing.T) {
	p := newPhone(t)
	outside := filepath.Join(filepath.Dir(p.dir), "outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := p.connect()
	h.status(0, 0x09, path("/d"), nil)
	h.status(0, 0x1C, append(u64(2), path("d", "/link")...), nil)
	if info := h.data(0x0A, path("/link")); !strings.Contains(info, "S_IFLNK") || !strings.Contains(info, "LinkTarget\x00d\x00") {
		t.Errorf("info %q", info)
	}
	h.status(0, 0x1C, append(u64(2), path("../outside", "/climbs")...), nil)
	for _, climbing := range []string{"/climbs", "/d/../../outside", "../outside"} {
		answer, body := h.ask(0x0D, append(u64(1), path(climbing)...), nil)
		if answer != 1 || bytes.Equal(body, u64(0)) {
			t.Errorf("open %q: %#x %x", climbing, answer, body)
		}
	}
	h.status(7, 0x22, path("/d/../.."), nil)
	h.status(10, 0x22, path("/"), nil)
	f := h.open(3, "/d/f")
	h.status(0, 0x14, u64(f), nil)
	h.status(0, 0x1C, append(u64(1), path("/d/f", "/hard")...), nil)
	h.status(16, 0x1C, append(u64(1), path("/d/f", "/hard")...), nil)
	h.status(7, 0x1C, append(u64(3), path("/d/f", "/x")...), nil)
	if data, err := os.ReadFile(outside); err != nil || string(data) != "secret" {
		t.Errorf("outside: %q, %v", data, err)
	}
}

func TestDeviceInfoAndNonsense(t *testing.T) {
	h := newPhone(t).connect()
	if got := h.data(0x0B, nil); got != "Model\x00iPhone17,1\x00FSTotalBytes\x001000\x00FSFreeBytes\x0010\x00FSBlockSize\x004096\x00" {
		t.Errorf("device info %q", got)
	}
	h.status(6, 0x99, nil, nil)
	h.status(7, 0x0F, u64(77, 10), nil)
	h.status(7, 0x0F, nil, nil)
	h.status(7, 0x03, nil, nil)
	h.status(7, 0x10, u64(77), []byte("into nothing"))
	f := h.open(3, "/f")
	h.status(18, 0x15, u64(f, 1<<62), nil)
	// The stream is still in step.
	if got := h.data(0x03, path("/")); got != ".\x00..\x00f\x00" {
		t.Errorf("listing %q", got)
	}
}

// conversation is a host that says everything at once.
type conversation struct {
	net.Conn
	in  *bytes.Reader
	out bytes.Buffer
}

func (c *conversation) Read(p []byte) (int, error)  { return c.in.Read(p) }
func (c *conversation) Write(p []byte) (int, error) { return c.out.Write(p) }

func FuzzServe(f *testing.F) {
	open := packet(1, 0x0D, append(u64(2), path("/f")...), nil)
	f.Add(append(open, packet(2, 0x10, u64(1), []byte("data"))...))
	f.Add(append(open, packet(2, 0x0F, u64(1, 1<<63), nil)...))
	f.Add(append(open, packet(2, 0x1B, u64(1, 6), nil)...))
	f.Add(packet(1, 0x18, path("/a", "/../b"), nil))
	f.Add(packet(1, 0x1C, append(u64(2), path("/etc", "/a")...), path("/b")))
	parent := f.TempDir()
	media := filepath.Join(parent, "media")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.RemoveAll(media); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(media, 0o700); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(media)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		c := &conversation{in: bytes.NewReader(data)}
		info := func() afc.Info { return afc.Info{} }
		if err := afc.Serve(c, root, &afc.Locks{}, info, slog.New(slog.DiscardHandler)); err == nil {
			t.Error("ended without an end")
		}
		if names, err := os.ReadDir(parent); err != nil || len(names) != 1 {
			t.Errorf("outside: %v, %v", names, err)
		}
	})
}
