package reach_test

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
	"russet/internal/phonetest"
)

// TestStockAgeReadsIt: with age's own defaults, and the record is whole.
func TestStockAgeReadsIt(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	p := l.phone(1, "Anna")
	h := l.computer(l.Addr())
	l.pair(h, p)
	h.give(p, "anna.example.net")
	file := filepath.Join(t.TempDir(), "anna.age")
	_, err := h.Export(t.Context(), russet.Device{UDID: russet.UDID(p.UDID()), Name: "Anna"}, file, "password")
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
	h := newLab(t).computer(phonetest.NoMux)
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
		if _, _, err := h.Import(t.Context(), file, "p"); russet.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	if seen, err := h.Remembered(); err != nil || len(seen) > 0 {
		t.Errorf("%+v, %v", seen, err)
	}
}
