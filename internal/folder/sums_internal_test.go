package folder

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zeebo/xxh3"

	"russet/internal/durable"
	"russet/internal/facts"
)

func testDir(tb testing.TB) *durable.Dir {
	tb.Helper()
	d, err := durable.Open(tb.TempDir(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { d.Close() })
	return d
}

// walked are entries in the order of a walk; a folder's contents come before
// names that sort before the slash.
var walked = []sumEntry{
	{name: "00", folder: true},
	{name: "00/00112233445566778899aabbccddeeff00112233", size: 5, sum: [16]byte{1}, known: true, object: 7},
	{name: "00/00112233445566778899aabbccddeeff00112234", size: 1 << 40},
	{name: "00/notes", size: 3, sum: [16]byte{2}, known: true},
	{name: "00-other", size: 9, known: true},
	{name: "Info.plist", size: 0, known: true, object: 1 << 31},
	{name: "link", link: true},
}

func writeSums(tb testing.TB, d *durable.Dir, entries []sumEntry) {
	tb.Helper()
	w, err := createSums(d, "sums")
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range entries {
		w.add(e)
	}
	if err := w.close(); err != nil {
		tb.Fatal(err)
	}
}

func readSums(tb testing.TB, d *durable.Dir) ([]sumEntry, error) {
	tb.Helper()
	r, err := openSums(d, "sums")
	if err != nil {
		return nil, err
	}
	defer r.close() //nolint:errcheck // it was only read
	var all []sumEntry
	for e, ok := r.read(); ok; e, ok = r.read() {
		all = append(all, e)
	}
	return all, r.err
}

func TestSums(t *testing.T) {
	d := testDir(t)
	if r, err := openSums(d, "sums"); r != nil || err != nil {
		t.Errorf("no list opens as %v, %v", r, err)
	}
	for n := range len(walked) + 1 {
		writeSums(t, d, walked[:n])
		if got, err := readSums(t, d); err != nil || !slices.Equal(got, walked[:n]) {
			t.Errorf("written %v\nread %v, %v", walked[:n], got, err)
		}
	}
	for i := range walked[1:] {
		if compareNames(walked[i].name, walked[i+1].name) >= 0 {
			t.Errorf("%q does not come before %q", walked[i].name, walked[i+1].name)
		}
	}
}

func TestSumsSeek(t *testing.T) {
	d := testDir(t)
	writeSums(t, d, walked)
	r, err := openSums(d, "sums")
	if err != nil {
		t.Fatal(err)
	}
	defer r.close() //nolint:errcheck // it was only read
	var skipped []string
	r.skip = func(e sumEntry) { skipped = append(skipped, e.name) }
	for _, name := range []string{"0", walked[1].name, "00/x", "00-other", "zzz"} {
		e, ok := r.seek(name)
		if want := name == walked[1].name || name == "00-other"; ok != want || (ok && e.name != name) {
			t.Errorf("seek %q: %v, %v", name, e, ok)
		}
	}
	if err := r.drain(); err != nil {
		t.Error(err)
	}
	if want := []string{"00", walked[2].name, "00/notes", "Info.plist", "link"}; !slices.Equal(skipped, want) {
		t.Errorf("skipped %q, not %q", skipped, want)
	}
}

// TestSumsWounds flips every byte of a list, and cuts it everywhere.
func TestSumsWounds(t *testing.T) {
	d := testDir(t)
	writeSums(t, d, walked)
	file := filepath.Join(d.Path(), "sums")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		cut, flipped := whole[:i], slices.Clone(whole)
		flipped[i] ^= 0x10
		for what, data := range map[string][]byte{fmt.Sprintf("cut at %d", i): cut, fmt.Sprintf("flipped at %d", i): flipped} {
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := readSums(t, d); !errors.Is(err, errSums) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

// FuzzSums reads lists from strangers, with a good checksum around them.
func FuzzSums(f *testing.F) {
	d := testDir(f)
	writeSums(f, d, walked)
	whole, err := os.ReadFile(filepath.Join(d.Path(), "sums"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole[len(sumsMagic) : len(whole)-16])
	f.Add([]byte{sumFile, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, body []byte) {
		data := append([]byte(sumsMagic), body...)
		sum := xxh3.Hash128(data).Bytes()
		r, err := newSumsReader(readCloser{bytes.NewReader(append(data, sum[:]...))})
		if err != nil {
			t.Fatal(err)
		}
		for e, ok := r.read(); ok; e, ok = r.read() {
			if !fs.ValidPath(e.name) || e.size < 0 {
				t.Errorf("read %+v", e)
			}
		}
		if r.err != nil && !errors.Is(r.err, errSums) {
			t.Error(r.err)
		}
	})
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

func TestParseName(t *testing.T) {
	for name, want := range map[string]string{
		"00008101-000A11112222001E":                      "00008101-000A11112222001E ",
		"00008101-000A11112222001E-20250102-030405":      "00008101-000A11112222001E 20250102-030405",
		"0123456789abcdef0123456789abcdef01234567":       "0123456789abcdef0123456789abcdef01234567 ",
		"0123456789abcdef0123456789abcdef01234567-x":     "",
		"00008101-000A11112222001E-20250102-03040":       "",
		"00008101-000A11112222001E-20250102-030405 copy": "",
		".russet": "", "": "", "-20250102-030405": "",
	} {
		device, stamp, ok := facts.ParseName(name)
		if got := string(device) + " " + stamp; ok != (want != "") || (ok && got != want) {
			t.Errorf("%q is %q, %v", name, got, ok)
		}
	}
}
