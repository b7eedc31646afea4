package device_test

import (
	"context"
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"russet/device"
	"russet/device/afc"
	"russet/device/heartbeat"
)

// TestOverTheNetwork speaks to a phone at an address: the same session, the
// same services, and nobody there once Wi-Fi access is off.
func TestOverTheNetwork(t *testing.T) {
	p := phone(t, "")
	rec := pair(t, p)
	p.Unplug()
	addr := netip.AddrFrom4([4]byte{127, 83, 1, 1})
	if err := p.JoinNetwork(addr); err != nil {
		t.Skip("this system has no other loopback addresses:", err)
	}
	if err := p.SetWifi(true); err != nil {
		t.Fatal(err)
	}
	network := device.Network{Host: addr.String()}
	dev, err := device.Connect(t.Context(), network, rec, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dev.Close() }()
	if dev.Info().UDID != p.UDID() {
		t.Errorf("session with %q", dev.Info().UDID)
	}
	if v, err := afc.NewClient(dial(t, dev, afc.Service)).Volume(t.Context()); err != nil || v.Total <= 0 {
		t.Errorf("volume %+v, %v", v, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	beat := make(chan time.Duration, 1)
	err = heartbeat.Run(ctx, dial(t, dev, heartbeat.Service), func(interval time.Duration) {
		beat <- interval
		cancel()
	})
	if !errors.Is(err, context.Canceled) || <-beat <= 0 {
		t.Errorf("heartbeat: %v", err)
	}
	p.LeaveNetwork()
	if _, err := device.Connect(t.Context(), network, rec, device.Options{}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a phone that left: %v", err)
	}
}

func TestNetworkWithoutAddress(t *testing.T) {
	if _, err := (device.Network{}).DialPort(t.Context(), 1); err == nil {
		t.Error("nobody answered")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	if _, err := (device.Network{Host: "127.83.1.2"}).DialPort(ctx, 1); !errors.Is(err, enough) {
		t.Errorf("cancelled: %v", err)
	}
}
