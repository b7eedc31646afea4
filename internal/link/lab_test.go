package link_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"russet/device"
	"russet/device/lockdown"
	"russet/internal/link"
	"russet/vphone"
)

// key is the key of every phone here: making one takes a while.
var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// warm makes what is slow before a bubble's clock counts it.
func warm(t *testing.T) {
	t.Helper()
	key()
}

// wifi is the way to a phone over its network.
type wifi struct{ *vphone.Phone }

func (w wifi) DialPort(ctx context.Context, port uint16) (net.Conn, error) {
	return w.DialNetwork(ctx, port)
}

// heard notes when something of a phone was read last.
type heard struct {
	device.Dialer
	last *atomic.Pointer[time.Time]
}

func (h heard) DialPort(ctx context.Context, port uint16) (net.Conn, error) {
	conn, err := h.Dialer.DialPort(ctx, port)
	return heardConn{conn, h.last}, err
}

type heardConn struct {
	net.Conn
	last *atomic.Pointer[time.Time]
}

func (c heardConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.last.Store(new(time.Now()))
	}
	return n, err
}

// onWiFi is a phone that is paired, off the cable and on a network within this
// process, and the link to it with a session.
func onWiFi(t *testing.T, o link.Options) (*vphone.Phone, *link.Link, *device.Device) {
	t.Helper()
	p, rec := paired(t)
	l, dev := over(t, wifi{p}, rec, o)
	return p, l, dev
}

// paired is such a phone, and over the link to it.
func paired(t *testing.T) (*vphone.Phone, *lockdown.PairRecord) {
	t.Helper()
	p, err := vphone.New(vphone.Options{Key: key(), RebootTime: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	p.Plug()
	rec, err := device.Pair(t.Context(), p, lockdown.PairOptions{}, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.JoinNetwork(); err != nil {
		t.Fatal(err)
	}
	if err := p.SetWifi(true); err != nil {
		t.Fatal(err)
	}
	p.Unplug()
	return p, rec
}

func over(t *testing.T, d device.Dialer, rec *lockdown.PairRecord, o link.Options) (*link.Link, *device.Device) {
	t.Helper()
	l := link.New(d, o)
	dev, err := device.Connect(t.Context(), l, rec, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dev.Close() })
	return l, dev
}
