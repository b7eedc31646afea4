package host_test

import (
	"testing"

	"russet"
)

func TestAddresses(t *testing.T) {
	l := newNetlab(t)
	p := l.phone(1, "Anna")
	h := l.computer(l.Addr())
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

// TestChooseWiFi: what a person chose is known again.
func TestChooseWiFi(t *testing.T) {
	l := newNetlab(t)
	h := l.computer(l.Addr())
	l.pair(h, l.phone(1, "Anna"))
	d := l.only(h)
	if s, err := h.DeviceSettings(d.UDID); err != nil || s.WiFi != nil {
		t.Errorf("before: %+v, %v", s, err)
	}
	for _, on := range []bool{true, false} {
		must(t, h.ChooseWiFi(t.Context(), d, on))
		if s, err := h.DeviceSettings(d.UDID); err != nil || s.WiFi == nil || *s.WiFi != on {
			t.Errorf("chosen %v: %+v, %v", on, s, err)
		}
	}
}
