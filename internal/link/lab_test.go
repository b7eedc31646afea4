package link_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"net"
	"sync"
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

// onWiFi is a phone that is paired, off the cable and on a network within this
// process, and the link to it with a session.
func onWiFi(t *testing.T, o link.Options) (*vphone.Phone, *link.Link, *device.Device) {
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
	l := link.New(wifi{p}, o)
	dev, err := device.Connect(t.Context(), l, rec, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dev.Close() })
	return p, l, dev
}
