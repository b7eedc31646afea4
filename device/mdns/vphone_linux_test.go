package mdns_test

import (
	"testing"
	"time"

	"russet/device"
	"russet/device/lockdown"
	"russet/vphone"
)

// TestVirtualPhone finds a phone that is announced in a network of its own,
// knows it by its tag, and opens a session at the address.
func TestVirtualPhone(t *testing.T) {
	computer, wifi := lan(t)
	p, err := vphone.New(vphone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	if err := p.SetIOS("26.4"); err != nil {
		t.Fatal(err)
	}
	p.Plug()
	rec, err := device.Pair(t.Context(), p, lockdown.PairOptions{}, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.Unplug()
	wifi.do(func() {
		if err := p.JoinNetwork(addrs("192.168.77.20")...); err != nil {
			t.Error(err)
		}
		if err := p.Announce(true); err != nil {
			t.Error(err)
		}
		if err := p.SetWifi(true); err != nil {
			t.Error(err)
		}
	})
	b, _ := browse(t, computer)
	t.Logf("found after %v", eventually(t, 8*time.Second, "it is found", found(b)))
	a := b.Adverts()[0]
	if a.Instance != p.InstanceName() || a.MAC() == "" || !rec.Advertised(a.Text) {
		t.Errorf("%+v", a)
	}
	computer.do(func() {
		dev, err := device.Connect(t.Context(), device.Network{Host: a.Addrs[0].String()}, rec, device.Options{})
		if err != nil {
			t.Error(err)
			return
		}
		if dev.Info().UDID != p.UDID() {
			t.Errorf("session with %q", dev.Info().UDID)
		}
		_ = dev.Close()
	})
	wifi.do(func() {
		if err := p.SetWifi(false); err != nil {
			t.Error(err)
		}
	})
	eventually(t, 8*time.Second, "its farewell", lost(b))
}
