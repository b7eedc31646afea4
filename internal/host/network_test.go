package host_test

import (
	"testing"

	"russet"
)

// TestCableThenNetwork: one device is one device; the cable wins; without it
// the phone is found where usbmuxd saw it.
func TestCableThenNetwork(t *testing.T) {
	l := newNetlab(t)
	p := l.phone(1, "Anna's iPhone")
	h := l.computer(l.withMux())
	l.pair(h, p)
	address := l.join(p)

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
	l := newNetlab(t)
	p := l.phone(1, "Anna's iPhone")
	home := t.TempDir()
	l.pair(l.computerIn(home, l.withMux()), p)
	address := l.join(p)
	h := l.computerIn(home, noMux)
	if devices, err := h.Devices(t.Context()); err != nil || len(devices) != 0 {
		t.Errorf("at an address nobody knows: %+v, %v", devices, err)
	}
	_, err := h.AddAddress(t.Context(), "anna's iphone", address)
	must(t, err)
	if d := l.only(h); d.Connection != "network" || d.Address != address || !d.Paired {
		t.Errorf("where a person said: %+v", d)
	}
	_, err = h.RemoveAddress(t.Context(), p.UDID(), address)
	must(t, err)
	if d := l.only(l.computerIn(home, noMux)); d.Address != address {
		t.Errorf("where it was the last time: %+v", d)
	}
	p.LeaveNetwork()
	_, _, err = h.Connected(t.Context(), []string{"anna's iphone"})
	wantKind(t, err, russet.NotConnected, "away")
	// Who has no pairing at all is told that usbmuxd is missing.
	_, err = l.computer(noMux).Devices(t.Context())
	wantKind(t, err, russet.NotConnected, "nothing")
}

// TestAnotherPhoneAtTheAddress: an address says nothing about who is there.
func TestAnotherPhoneAtTheAddress(t *testing.T) {
	t.Parallel()
	l := newNetlab(t)
	anna, ben := l.phone(1, "Anna"), l.phone(2, "Ben")
	home := t.TempDir()
	cabled := l.computerIn(home, l.withMux())
	l.pair(cabled, anna)
	l.pair(cabled, ben)
	address := l.join(anna)
	h := l.computerIn(home, noMux)
	_, err := h.AddAddress(t.Context(), "Anna", address)
	must(t, err)
	if d := l.only(h); d.Name != "Anna" {
		t.Fatal(describe(d))
	}
	anna.LeaveNetwork()
	must(t, ben.JoinNetwork(addr(address)))
	devices, err := l.computerIn(home, noMux).Devices(t.Context())
	must(t, err)
	for _, d := range devices {
		t.Errorf("taken for: %s", describe(d))
	}
	_, err = h.AddAddress(t.Context(), "Ben", address)
	must(t, err)
	if d := l.only(h); d.UDID != russet.UDID(ben.UDID()) || !d.Paired {
		t.Error(describe(d))
	}
}

func TestAddresses(t *testing.T) {
	l := newNetlab(t)
	p := l.phone(1, "Anna")
	h := l.computer(l.withMux())
	l.pair(h, p)
	for _, bad := range []string{"", "192.168.1.20:62078", "[fe80::1]:62078", "fe80::1", "0.0.0.0", "224.0.0.251", "a b", "-x", "x..y", "http://phone", "a/b"} {
		if _, err := h.AddAddress(t.Context(), "Anna", bad); russet.KindOf(err) != russet.Usage {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, good := range []string{"192.168.1.20", "fe80::1%eth0", "2001:db8::20", "phone", "phone.tail-net.ts.net"} {
		if _, err := h.AddAddress(t.Context(), "Anna", good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	d, err := h.DeviceSettings(russet.UDID(p.UDID()))
	if err != nil || len(d.Addresses) != 5 || d.Name != "Anna" {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := h.RemoveAddress(t.Context(), "Anna", "10.0.0.1"); russet.KindOf(err) != russet.Usage {
		t.Error(err)
	}
}

// TestWiFiAccess: on over the cable, read back; off over the network, where the
// phone cannot answer any more.
func TestWiFiAccess(t *testing.T) {
	l := newNetlab(t)
	p := l.phone(1, "Anna")
	h := l.computer(l.withMux())
	if _, _, err := h.SetWiFi(t.Context(), "Anna", true); russet.KindOf(err) != russet.NotTrusted {
		t.Errorf("not paired: %v", err)
	}
	_, _, err := h.Pair(t.Context(), "", func(russet.Device) {})
	must(t, err)
	l.join(p)
	if d := l.only(h); d.WiFi {
		t.Errorf("before: %+v", d)
	}
	d, verified, err := h.SetWiFi(t.Context(), "Anna", true)
	if err != nil || !verified || !d.WiFi || !l.only(h).WiFi {
		t.Errorf("on: %+v, %v, %v", d, verified, err)
	}
	must(t, h.ChooseWiFi(t.Context(), d, true))
	if s, err := h.DeviceSettings(d.UDID); err != nil || s.WiFi == nil || !*s.WiFi {
		t.Errorf("chosen: %+v, %v", s, err)
	}
	p.Unplug()
	if d := l.only(h); d.Connection != "network" {
		t.Fatal(describe(d))
	}
	d, verified, err = h.SetWiFi(t.Context(), "", false)
	if err != nil || verified || d.WiFi {
		t.Errorf("off: %+v, %v, %v", d, verified, err)
	}
	if devices, err := h.Devices(t.Context()); err != nil || len(devices) != 0 {
		t.Errorf("it is still there: %+v, %v", devices, err)
	}
	p.Plug()
	if d := l.only(h); d.WiFi || d.Connection != "usb" {
		t.Errorf("on the cable again: %+v", d)
	}
}
