// Package phonetest has virtual phones, the usbmuxd that carries their cables, and
// networks for them, for the tests of what speaks to phones. Nothing else imports
// it.
package phonetest

import (
	"context"
	"crypto/rsa"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"russet/vphone"
	"russet/vphone/disk"
)

// Lab is a usbmuxd and its phones. All of it ends with the test.
type Lab struct {
	Mux *vphone.Mux

	t      testing.TB
	socket string
	stop   func()
}

// New makes a Lab whose usbmuxd serves.
func New(t testing.TB) *Lab {
	t.Helper()
	dir, err := os.MkdirTemp("", "russet") // the path of a socket must be short
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	mux, err := vphone.NewMux("", nil)
	must(t, err)
	l := &Lab{Mux: mux, t: t, socket: filepath.Join(dir, "mux")}
	l.Serve()
	t.Cleanup(func() { l.stop() })
	return l
}

// Serve starts the usbmuxd again after Stop.
func (l *Lab) Serve() {
	l.t.Helper()
	listener, err := net.Listen("unix", l.socket)
	must(l.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- l.Mux.Serve(ctx, listener) }()
	l.stop = sync.OnceFunc(func() {
		cancel()
		must(l.t, <-served)
	})
}

// Stop ends the usbmuxd, as when its program is stopped: its socket is gone.
func (l *Lab) Stop() {
	l.stop()
	_ = os.Remove(l.socket)
}

// Addr is the address of the usbmuxd, as USBMUXD_SOCKET_ADDRESS has it.
func (l *Lab) Addr() string { return "UNIX:" + l.socket }

// NoMux is an address where no usbmuxd is.
const NoMux = "UNIX:/nowhere/at/all"

// key is made once: that takes longer than most tests.
var key = sync.OnceValues(func() (*rsa.PrivateKey, error) { return vphone.NewKey() })

// Phone makes a phone and plugs it in. Without a key it gets the one of all tests,
// without a disk an empty one; when it restarts, that is quick.
func (l *Lab) Phone(o vphone.Options) *vphone.Phone {
	l.t.Helper()
	if o.Key == nil {
		k, err := key()
		must(l.t, err)
		o.Key = k
	}
	if o.Disk == nil {
		o.Disk = disk.NewMemory()
	}
	if o.RebootTime == 0 {
		o.RebootTime = 50 * time.Millisecond
	}
	p, err := vphone.New(o)
	must(l.t, err)
	l.t.Cleanup(func() { must(l.t, p.Close()) })
	l.Mux.Add(p)
	return p
}

// Named is the identity of a phone that its owner called so; phones with the same
// seed are one.
func Named(seed uint64, name string) vphone.Identity {
	i := vphone.NewIdentity(seed)
	i.Name = name
	return i
}

// loopback gives out addresses that nothing else of this process listens on:
// lockdownd's port is always the same.
var loopback atomic.Uint32

// Join puts a phone on a network of its own, and returns its address there.
func (l *Lab) Join(p *vphone.Phone) string {
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

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
