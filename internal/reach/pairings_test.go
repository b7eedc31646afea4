package reach_test

import (
	"path/filepath"
	"testing"

	"russet"
	"russet/internal/phonetest"
	"russet/internal/reach"
	"russet/vphone"
)

// export writes the pairing of the phone into a new file.
func export(t *testing.T, c *computer, p *vphone.Phone) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pairing.age")
	_, err := c.Export(t.Context(), russet.Device{UDID: russet.UDID(p.UDID()), Name: "Anna"}, file, "correct horse")
	must(t, err)
	return file
}

// TestOldExport: a pairing that was exported before the phone was set up again
// takes nothing from a computer that has the new one, whichever came first.
func TestOldExport(t *testing.T) {
	l := newLab(t)
	p := l.phone(1, "Anna")
	first := l.computer(l.Addr())
	l.pair(first, p)
	l.Join(p)
	l.only(first)
	before := export(t, first, p)
	must(t, p.ForgetHosts())
	if d := l.only(first); d.Paired || !d.Untrusted {
		t.Errorf("forgotten: %s", describe(d))
	}
	l.pair(first, p)
	p.Unplug()
	l.only(first) // it knows the address
	after := export(t, first, p)
	for _, order := range [][]string{{before, after}, {after, before}} {
		second := l.computer(phonetest.NoMux)
		for _, file := range order {
			_, _, err := second.Import(t.Context(), file, "correct horse")
			must(t, err)
		}
		if d := l.only(second); !d.Paired {
			t.Error(describe(d))
		}
	}
}

// TestForgottenAtAddress: a phone that is looked for at an address a person
// gave, and that forgot this computer, is not simply away.
func TestForgottenAtAddress(t *testing.T) {
	l := newLab(t)
	p := l.phone(1, "Anna")
	home := t.TempDir()
	l.pair(l.computerIn(home, l.Addr()), p)
	h := l.computerIn(home, phonetest.NoMux)
	address := l.Join(p)
	h.give(p, address)
	p.Unplug()
	if d := l.only(h); !d.Paired || d.Untrusted {
		t.Error(describe(d))
	}
	must(t, p.ForgetHosts())
	if d := l.only(h); d.Paired || !d.Untrusted || d.Address != address || d.Name != "Anna" {
		t.Error(describe(d))
	}
}

// TestStaleInUsbmuxd: what usbmuxd has of a phone is of no use any more, and
// the cable works with the pairing that was imported. Pairing again mends
// usbmuxd.
func TestStaleInUsbmuxd(t *testing.T) {
	l := newLab(t)
	p := l.phone(1, "Anna")
	stale := l.computer(l.Addr())
	l.pair(stale, p)
	must(t, p.ForgetHosts())
	other := newLab(t)
	other.Mux.Add(p)
	first := other.computer(other.Addr())
	other.pair(first, p)
	_, _, err := stale.Import(t.Context(), export(t, first, p), "correct horse")
	must(t, err)
	d := l.only(stale)
	if !d.Paired || d.Connection != "usb" {
		t.Fatal(describe(d))
	}
	s, err := stale.Find(t.Context(), p.UDID())
	must(t, err)
	_, _, end, err := stale.Contact(t.Context(), s, "back it up", reach.PlugIn)
	must(t, err)
	end()
	if _, already, err := stale.Pair(t.Context(), p.UDID(), func(russet.Device) {}); err != nil || !already {
		t.Errorf("%v, %v", already, err)
	}
	if d := l.only(l.computer(l.Addr())); !d.Paired {
		t.Errorf("usbmuxd still has the old one: %s", describe(d))
	}
	if told, err := stale.Unpair(t.Context(), s); err != nil || !told {
		t.Errorf("%v, %v", told, err)
	}
	if d := l.only(stale); d.Paired {
		t.Errorf("unpaired: %s", describe(d))
	}
}

// TestPairTheOtherOne: of several phones on the cable, the one that is not paired
// is meant.
func TestPairTheOtherOne(t *testing.T) {
	l := newLab(t)
	anna, ben := l.phone(1, "iPhone"), l.phone(2, "iPhone")
	h := l.computer(l.Addr())
	if _, _, err := h.Pair(t.Context(), "", func(russet.Device) {}); russet.KindOf(err) != russet.Usage {
		t.Errorf("of two strange ones: %v", err)
	}
	l.pair(h, anna)
	d, already, err := h.Pair(t.Context(), "", func(russet.Device) {})
	if err != nil || already || d.UDID != russet.UDID(ben.UDID()) {
		t.Errorf("%s, %v, %v", describe(d), already, err)
	}
}
