package reach_test

import (
	"net/netip"
	"testing"

	"russet"
	"russet/internal/phonetest"
)

// TestCableThenNetwork: one device is one device; the cable wins; without it
// the phone is found where usbmuxd saw it.
func TestCableThenNetwork(t *testing.T) {
	l := newLab(t)
	p := l.phone(1, "Anna's iPhone")
	h := l.computer(l.Addr())
	l.pair(h, p)
	address := l.Join(p)

	d := l.only(h)
	if d.Connection != "usb" || d.Address != "" || !d.Paired || !d.WiFi || d.Battery < 0 || !d.Power {
		t.Errorf("on both: %+v", d)
	}
	p.Unplug()
	if d := l.only(h); d.Connection != "network" || d.Address != address || !d.Paired || !d.WiFi {
		t.Errorf("on the network: %+v", d)
	}
	p.Plug()
	if d := l.only(h); d.Connection != "usb" {
		t.Errorf("on both again: %+v", d)
	}
	seen, err := h.Remembered()
	must(t, err)
	if len(seen) != 1 || seen[0].Address != address || seen[0].Cable.IsZero() || seen[0].At.Before(seen[0].Cable) || seen[0].First.IsZero() {
		t.Errorf("remembered: %+v", seen)
	}
}

// TestWithoutUsbmuxd: russet's own copy of the pairing is enough. The phone is
// found where it was the last time and where a person said.
func TestWithoutUsbmuxd(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	p := l.phone(1, "Anna's iPhone")
	home := t.TempDir()
	l.pair(l.computerIn(home, l.Addr()), p)
	address := l.Join(p)
	h := l.computerIn(home, phonetest.NoMux)
	if devices, err := h.List(t.Context()); err != nil || len(devices) != 0 {
		t.Errorf("at an address nobody knows: %+v, %v", devices, err)
	}
	h.give(p, address)
	if d := l.only(h); d.Connection != "network" || d.Address != address || !d.Paired {
		t.Errorf("where a person said: %+v", d)
	}
	h.give(p)
	if d := l.only(l.computerIn(home, phonetest.NoMux)); d.Address != address {
		t.Errorf("where it was the last time: %+v", d)
	}
	p.LeaveNetwork()
	_, _, err := h.Connected(t.Context(), []string{"anna's iphone"})
	wantKind(t, err, russet.NotConnected, "away")
	// Who has no pairing at all is told that usbmuxd is missing.
	_, err = l.computer(phonetest.NoMux).List(t.Context())
	wantKind(t, err, russet.NotConnected, "nothing")
}

// TestAnotherPhoneAtTheAddress: an address says nothing about who is there.
func TestAnotherPhoneAtTheAddress(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	anna, ben := l.phone(1, "Anna"), l.phone(2, "Ben")
	home := t.TempDir()
	cabled := l.computerIn(home, l.Addr())
	l.pair(cabled, anna)
	l.pair(cabled, ben)
	address := l.Join(anna)
	h := l.computerIn(home, phonetest.NoMux)
	h.give(anna, address)
	if d := l.only(h); d.Name != "Anna" {
		t.Fatal(describe(d))
	}
	anna.LeaveNetwork()
	must(t, ben.JoinNetwork(netip.MustParseAddr(address)))
	devices, err := l.computerIn(home, phonetest.NoMux).List(t.Context())
	must(t, err)
	for _, d := range devices {
		t.Errorf("taken for: %s", describe(d))
	}
	h.give(ben, address)
	if d := l.only(h); d.UDID != russet.UDID(ben.UDID()) || !d.Paired {
		t.Error(describe(d))
	}
}

// TestWiFiAccess: on over the cable, read back; off over the network, where the
// phone cannot answer any more.
func TestWiFiAccess(t *testing.T) {
	l := newLab(t)
	p := l.phone(1, "Anna")
	h := l.computer(l.Addr())
	if _, _, err := h.SetWiFi(t.Context(), "Anna", true); russet.KindOf(err) != russet.NotTrusted {
		t.Errorf("not paired: %v", err)
	}
	_, _, err := h.Pair(t.Context(), "", func(russet.Device) {})
	must(t, err)
	l.Join(p)
	if d := l.only(h); d.WiFi {
		t.Errorf("before: %+v", d)
	}
	d, verified, err := h.SetWiFi(t.Context(), "Anna", true)
	if err != nil || !verified || !d.WiFi || !l.only(h).WiFi {
		t.Errorf("on: %+v, %v, %v", d, verified, err)
	}
	p.Unplug()
	if d := l.only(h); d.Connection != "network" {
		t.Fatal(describe(d))
	}
	d, verified, err = h.SetWiFi(t.Context(), "", false)
	if err != nil || verified || d.WiFi {
		t.Errorf("off: %+v, %v, %v", d, verified, err)
	}
	if devices, err := h.List(t.Context()); err != nil || len(devices) != 0 {
		t.Errorf("it is still there: %+v, %v", devices, err)
	}
	p.Plug()
	if d := l.only(h); d.WiFi || d.Connection != "usb" {
		t.Errorf("on the cable again: %+v", d)
	}
}
