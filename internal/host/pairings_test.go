package host_test

import (
	"path/filepath"
	"testing"

	"russet"
	"russet/internal/host"
)

// export writes the pairing of the phone into a new file.
func export(t *testing.T, h *host.Host, udid string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pairing.age")
	_, err := h.ExportPairing(t.Context(), udid, file, "correct horse")
	must(t, err)
	return file
}

// TestOldExport: a pairing that was exported before the phone was set up again
// takes nothing from a computer that has the new one, whichever came first.
func TestOldExport(t *testing.T) {
	l := newNetlab(t)
	p := l.phone(1, "Anna")
	first := l.computer(l.withMux())
	l.pair(first, p)
	l.join(p)
	l.only(first)
	before := export(t, first, p.UDID())
	must(t, p.ForgetHosts())
	if d := l.only(first); d.Paired || !d.Untrusted {
		t.Errorf("forgotten: %s", describe(d))
	}
	l.pair(first, p)
	p.Unplug()
	l.only(first) // it knows the address
	after := export(t, first, p.UDID())
	for _, order := range [][]string{{before, after}, {after, before}} {
		second := l.computer(noMux)
		for _, file := range order {
			_, err := second.ImportPairing(t.Context(), file, "correct horse")
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
	l := newNetlab(t)
	p := l.phone(1, "Anna")
	home := t.TempDir()
	l.pair(l.computerIn(home, l.withMux()), p)
	h := l.computerIn(home, noMux)
	address := l.join(p)
	_, err := h.AddAddress(t.Context(), p.UDID(), address)
	must(t, err)
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
	l := newNetlab(t)
	p := l.phone(1, "Anna")
	stale := l.computer(l.withMux())
	l.pair(stale, p)
	must(t, p.ForgetHosts())
	other := newNetlab(t)
	other.mux.Add(p)
	first := other.computer(other.withMux())
	other.pair(first, p)
	_, err := stale.ImportPairing(t.Context(), export(t, first, p.UDID()), "correct horse")
	must(t, err)
	d := l.only(stale)
	if !d.Paired || d.Connection != "usb" {
		t.Fatal(describe(d))
	}
	if _, err := stale.Backup(t.Context(), host.BackupOptions{Device: d, Store: l.store(stale)}); err != nil {
		t.Error(err)
	}
	if _, already, err := stale.Pair(t.Context(), p.UDID(), func(russet.Device) {}); err != nil || !already {
		t.Errorf("%v, %v", already, err)
	}
	if d := l.only(l.computer(l.withMux())); !d.Paired {
		t.Errorf("usbmuxd still has the old one: %s", describe(d))
	}
	if _, told, err := stale.Unpair(t.Context(), p.UDID()); err != nil || !told {
		t.Errorf("%v, %v", told, err)
	}
	if d := l.only(stale); d.Paired {
		t.Errorf("unpaired: %s", describe(d))
	}
}

// TestPairTheOtherOne: of several phones on the cable, the one that is not paired
// is meant.
func TestPairTheOtherOne(t *testing.T) {
	l := newNetlab(t)
	anna, ben := l.phone(1, "iPhone"), l.phone(2, "iPhone")
	h := l.computer(l.withMux())
	if _, _, err := h.Pair(t.Context(), "", func(russet.Device) {}); russet.KindOf(err) != russet.Usage {
		t.Errorf("of two strange ones: %v", err)
	}
	l.pair(h, anna)
	d, already, err := h.Pair(t.Context(), "", func(russet.Device) {})
	if err != nil || already || d.UDID != russet.UDID(ben.UDID()) {
		t.Errorf("%s, %v, %v", describe(d), already, err)
	}
}
