package host_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"russet"
	"russet/internal/host"
)

// TestSecondComputer: a pairing that was exported lets another computer, which
// has no usbmuxd, back the phone up without cable and without Trust.
func TestSecondComputer(t *testing.T) {
	t.Parallel()
	l := newNetlab(t)
	p := l.phone(1, "Anna's iPhone")
	first := l.computer(l.withMux())
	l.pair(first, p)
	address := l.join(p)
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

	second := l.computer(noMux)
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
	third := other.computer(other.withMux())
	m, err = third.ImportPairing(t.Context(), file, "correct horse")
	if err != nil || len(m.Notes) > 0 {
		t.Errorf("%+v, %v", m, err)
	}
	other.mux.Add(p)
	p.Plug()
	if d := other.only(other.computer(other.withMux())); !d.Paired || d.Connection != "usb" {
		t.Errorf("usbmuxd was not given it: %s", describe(d))
	}
	fourth := newNetlab(t)
	fourth.mux.Add(p)
	h := fourth.computer(fourth.withMux())
	fourth.pair(h, p)
	if m, err = h.ImportPairing(t.Context(), file, "correct horse"); err != nil || len(m.Notes) != 1 || !strings.Contains(m.Notes[0], "of its own") {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestStockAgeReadsIt: with age's own defaults, and the record is whole.
func TestStockAgeReadsIt(t *testing.T) {
	t.Parallel()
	l := newNetlab(t)
	p := l.phone(1, "Anna")
	h := l.computer(l.withMux())
	l.pair(h, p)
	_, err := h.AddAddress(t.Context(), "Anna", "anna.example.net")
	must(t, err)
	file := filepath.Join(t.TempDir(), "anna.age")
	_, err = h.ExportPairing(t.Context(), "Anna", file, "password")
	must(t, err)
	sealed, err := os.ReadFile(file)
	must(t, err)
	id, err := age.NewScryptIdentity("password")
	must(t, err)
	r, err := age.Decrypt(bytes.NewReader(sealed), id)
	must(t, err)
	data, err := io.ReadAll(r)
	must(t, err)
	var p1 struct {
		Device     struct{ UDID, Name string }
		Addresses  []string
		PairRecord string `json:"pair_record"`
	}
	must(t, json.Unmarshal(data, &p1))
	if p1.Device.UDID != p.UDID() || p1.Addresses[0] != "anna.example.net" || !strings.Contains(p1.PairRecord, "EscrowBag") || !strings.Contains(p1.PairRecord, "HostPrivateKey") {
		t.Error("something is missing")
	}
}

// TestHostilePairings: files that ask for years of work, are of the wrong kind,
// or name what is no device.
func TestHostilePairings(t *testing.T) {
	h := hostIn(t, t.TempDir(), host.VaultAnswers{})
	seal := func(text string, work int) []byte {
		to, err := age.NewScryptRecipient("p")
		must(t, err)
		to.SetWorkFactor(work)
		var b bytes.Buffer
		w, err := age.Encrypt(&b, to)
		must(t, err)
		_, err = io.WriteString(w, text)
		must(t, errors.Join(err, w.Close()))
		return b.Bytes()
	}
	// The header says how much work it is; age asks for the work before it looks
	// at anything else.
	years := bytes.Replace(seal("{}", 10), []byte(" 10\n"), []byte(" 30\n"), 1)
	const valid = "00008110-0001ABCD12345678"
	for name, c := range map[string]struct {
		data []byte
		kind russet.Kind
	}{
		"empty":        {nil, russet.Damaged},
		"text":         {[]byte("hello"), russet.Damaged},
		"years":        {years, russet.Damaged},
		"large":        {bytes.Repeat([]byte("x"), 1<<20), russet.Usage},
		"no JSON":      {seal("<plist/>", 10), russet.Damaged},
		"other format": {seal(`{"format":"russet pairing 2"}`, 10), russet.Damaged},
		"climbs out":   {seal(`{"format":"russet pairing 1","device":{"udid":"../../../../etc/passwd00000"}}`, 10), russet.Damaged},
		"no record":    {seal(`{"format":"russet pairing 1","device":{"udid":"`+valid+`"}}`, 10), russet.Damaged},
		"bad address":  {seal(`{"format":"russet pairing 1","device":{"udid":"`+valid+`"},"addresses":["a b"]}`, 10), russet.Damaged},
		"bomb":         {seal(`{"format":"russet pairing 1","device":{"name":"`+strings.Repeat("x", 2<<20)+`"}}`, 10), russet.Usage},
	} {
		file := filepath.Join(t.TempDir(), "x")
		must(t, os.WriteFile(file, c.data, 0o600))
		if _, err := h.ImportPairing(t.Context(), file, "p"); russet.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	if seen, err := h.Remembered(); err != nil || len(seen) > 0 {
		t.Errorf("%+v, %v", seen, err)
	}
}
