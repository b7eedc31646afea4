package host_test

import (
	"context"
	"crypto/rsa"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/vphone"
	"russet/vphone/content"
	"russet/vphone/disk"
)

// phoneKey is made once: that takes longer than most tests.
var phoneKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return vphone.NewKey() })

// netlab is virtual phones, a usbmuxd, and computers.
type netlab struct {
	t      *testing.T
	mux    *vphone.Mux
	socket string
}

func newNetlab(t *testing.T) *netlab {
	t.Helper()
	dir, err := os.MkdirTemp("", "russet") // the path of a socket must be short
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	mux, err := vphone.NewMux("", nil)
	must(t, err)
	l := &netlab{t: t, mux: mux, socket: filepath.Join(dir, "mux")}
	t.Cleanup(l.serve())
	return l
}

// serve is usbmuxd's life; the returned function ends it.
func (l *netlab) serve() (stop func()) {
	l.t.Helper()
	listener, err := net.Listen("unix", l.socket)
	must(l.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- l.mux.Serve(ctx, listener) }()
	return sync.OnceFunc(func() {
		cancel()
		must(l.t, <-served)
	})
}

// phone makes a phone that is known to usbmuxd, with its cable plugged in.
func (l *netlab) phone(seed uint64, name string) *vphone.Phone {
	l.t.Helper()
	key, err := phoneKey()
	must(l.t, err)
	identity := vphone.NewIdentity(seed)
	identity.Name = name
	d := disk.NewMemory()
	must(l.t, content.MakeOn(l.t.Context(), d, content.Options{Profile: "small-files", Files: 40, Size: 2_000_000, Seed: seed}))
	p, err := vphone.New(vphone.Options{Identity: identity, Disk: d, Key: key})
	must(l.t, err)
	l.t.Cleanup(func() { must(l.t, p.Close()) })
	l.mux.Add(p)
	return p
}

// computer is a host with a home of its own.
func (l *netlab) computer(mux string) *host.Host { return l.computerIn(l.t.TempDir(), mux) }

// computerIn is a host in a home that may be another's, too.
func (l *netlab) computerIn(dir, mux string) *host.Host {
	l.t.Helper()
	h := host.Open(host.Options{Home: home.Place{Dir: dir, Data: dir, Moved: true}, Mux: mux})
	l.t.Cleanup(func() { must(l.t, h.Close()) })
	return h
}

// noMux is where no usbmuxd is.
const noMux = "UNIX:/nowhere/at/all"

func (l *netlab) withMux() string { return "UNIX:" + l.socket }

// pair makes a phone trust a computer, with Wi-Fi access on.
func (l *netlab) pair(h *host.Host, p *vphone.Phone) {
	l.t.Helper()
	_, _, err := h.Pair(l.t.Context(), p.UDID(), func(russet.Device) {})
	must(l.t, err)
	must(l.t, p.SetWifi(true))
}

// loopback gives out addresses that nothing else of this process listens on:
// lockdownd's port is always the same.
var loopback atomic.Uint32

// join puts a phone on a network of its own, and says where.
func (l *netlab) join(p *vphone.Phone) string {
	l.t.Helper()
	for range 50 {
		n := loopback.Add(1)
		addr := netip.AddrFrom4([4]byte{127, byte(64 + os.Getpid()%128), byte(n >> 8), byte(n)})
		if err := p.JoinNetwork(addr); err == nil {
			return addr.String()
		}
	}
	l.t.Fatal("no address is free")
	return ""
}

// store is a folder store of a computer.
func (l *netlab) store(h *host.Host) host.StoreSettings {
	l.t.Helper()
	st, _, err := h.StoreFor(l.t.Context(), "")
	must(l.t, err)
	return st
}

// only is the one device a computer sees.
func (l *netlab) only(h *host.Host) russet.Device {
	l.t.Helper()
	devices, err := h.Devices(l.t.Context())
	must(l.t, err)
	if len(devices) != 1 {
		l.t.Fatalf("it sees %d devices: %+v", len(devices), devices)
	}
	return devices[0]
}

func wantKind(t *testing.T, err error, kind russet.Kind, what string) {
	t.Helper()
	if russet.KindOf(err) != kind {
		t.Fatalf("%s: %v (kind %d), not of kind %d", what, err, russet.KindOf(err), kind)
	}
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func describe(d russet.Device) string {
	return fmt.Sprintf("%s %s %s paired %v problem %q", d.Name, d.Connection, d.Address, d.Paired, d.Problem)
}
