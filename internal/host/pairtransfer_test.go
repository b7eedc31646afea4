package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"russet"
	"russet/internal/host"
	"russet/internal/phonetest"
)

// TestSecondComputer: a pairing that was exported lets another computer, which
// has no usbmuxd, back the phone up without cable and without Trust.
func TestSecondComputer(t *testing.T) {
	t.Parallel()
	l := newNetlab(t)
	p := l.phone(1, "Anna's iPhone")
	first := l.computer(l.Addr())
	l.pair(first, p)
	address := l.Join(p)
	p.Unplug()
	l.only(first) // it knows the address now
	dir := t.TempDir()
	file := filepath.Join(dir, "anna.age")
	d, err := first.CheckExport(t.Context(), "anna's iphone", file)
	if err != nil || d.UDID != russet.UDID(p.UDID()) {
		t.Fatal(d, err)
	}
	_, err = first.ExportPairing(t.Context(), "anna's iphone", file, "correct horse")
	must(t, err)
	if _, err := first.ExportPairing(t.Context(), p.UDID(), file, "correct horse"); russet.KindOf(err) != russet.Usage {
		t.Errorf("over a file: %v", err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}

	second := l.computer(phonetest.NoMux)
	if _, err := second.ImportPairing(t.Context(), file, "wrong horse"); russet.KindOf(err) != russet.Password {
		t.Errorf("wrong password: %v", err)
	}
	m, err := second.ImportPairing(t.Context(), file, "correct horse")
	if err != nil || m.Device.Name != "Anna's iPhone" || len(m.Notes) > 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	if d := l.only(second); d.Connection != "network" || d.Address != address || !d.Paired {
		t.Error(describe(d))
	}
	r, err := second.Backup(t.Context(), host.BackupOptions{Device: m.Device, Store: l.store(second)})
	if err != nil || r.Backup == nil || r.Run.Way != "network" {
		t.Errorf("%+v, %v", r, err)
	}

	// A third has a usbmuxd, which gets the pairing too; a fourth has one that
	// is paired with the phone itself.
	other := newNetlab(t)
	third := other.computer(other.Addr())
	m, err = third.ImportPairing(t.Context(), file, "correct horse")
	if err != nil || len(m.Notes) > 0 {
		t.Errorf("%+v, %v", m, err)
	}
	other.Mux.Add(p)
	p.Plug()
	if d := other.only(other.computer(other.Addr())); !d.Paired || d.Connection != "usb" {
		t.Errorf("usbmuxd was not given it: %s", describe(d))
	}
	fourth := newNetlab(t)
	fourth.Mux.Add(p)
	h := fourth.computer(fourth.Addr())
	fourth.pair(h, p)
	if m, err = h.ImportPairing(t.Context(), file, "correct horse"); err != nil || len(m.Notes) != 1 || !strings.Contains(m.Notes[0], "of its own") {
		t.Errorf("%+v, %v", m, err)
	}
}
