package disk_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"russet/vphone/disk"
)

// kinds makes one disk of every kind.
func kinds(t *testing.T) map[string]disk.Disk {
	t.Helper()
	folder, err := disk.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	made, err := disk.CreateGenerated(t.TempDir(), disk.Recipe{Seed: 1, Rows: 300, Bytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]disk.Disk{
		"memory":              disk.NewMemory(),
		"folder":              folder,
		"generated":           disk.Generated(disk.Recipe{Seed: 1, Rows: 300, Bytes: 1 << 20}),
		"generated in folder": made,
	}
	t.Cleanup(func() {
		for name, d := range all {
			if err := d.Close(); err != nil {
				t.Errorf("closing %s: %v", name, err)
			}
		}
	})
	return all
}

func onEach(t *testing.T, test func(t *testing.T, d disk.Disk)) {
	for name, d := range kinds(t) {
		t.Run(name, func(t *testing.T) { test(t, d) })
	}
}

func file(path string) *disk.Entry {
	at := time.Unix(1_750_000_000, 123_456_789).UTC()
	return &disk.Entry{
		Domain: "HomeDomain", Path: path, Kind: disk.File, Mode: 0o100600, UID: 501, GID: -2,
		ModTime: at, ChangeTime: at.Add(time.Hour), Birth: at.Add(-time.Hour), Inode: 1<<60 + 7,
		Class: 7, Flags: 128, ScanSize: 99, EncryptedOnly: true,
		XAttrs: map[string][]byte{"com.example.a": {0, 1, 2}, "b": {}},
	}
}

func dir(path string) *disk.Entry {
	return &disk.Entry{Domain: "HomeDomain", Path: path, Kind: disk.Dir, Mode: 0o40755}
}

func put(t *testing.T, d disk.Disk, e *disk.Entry, content string) {
	t.Helper()
	var r io.Reader
	if e.Kind == disk.File {
		r = strings.NewReader(content)
	}
	if err := d.Put(e, r); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, d disk.Disk, domain, path string) string {
	t.Helper()
	r, err := d.Open(domain, path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func paths(t *testing.T, d disk.Disk, domain string) []string {
	t.Helper()
	var all []string
	err := d.Walk(func(e *disk.Entry) error {
		if e.Domain == domain {
			all = append(all, e.Path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestPutLookupOpen(t *testing.T) {
	onEach(t, func(t *testing.T, d disk.Disk) {
		for _, size := range []int{0, 1, 4096, 64 << 10, 64<<10 + 1, 300_000} {
			want := file("a/file")
			content := strings.Repeat("x", size)
			put(t, d, want, content)
			got, err := d.Lookup("HomeDomain", "a/file")
			if err != nil {
				t.Fatal(err)
			}
			want.Size = int64(size)
			if !same(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if read(t, d, "HomeDomain", "a/file") != content {
				t.Errorf("content of %d bytes differs", size)
			}
		}
		link := &disk.Entry{Domain: "HomeDomain", Path: "link", Kind: disk.Symlink, Mode: 0o120755, Target: "/var/\nmobile"}
		put(t, d, link, "")
		if got, err := d.Lookup("HomeDomain", "link"); err != nil || got.Target != link.Target {
			t.Errorf("link: %+v, %v", got, err)
		}
	})
}

// same compares entries field by field; XAttrs keep maps from being compared.
func same(a, b *disk.Entry) bool {
	x, y := *a, *b
	for name, v := range x.XAttrs {
		if w, ok := y.XAttrs[name]; !ok || !bytes.Equal(v, w) {
			return false
		}
	}
	return len(x.XAttrs) == len(y.XAttrs) && x.ModTime.Equal(y.ModTime) && x.ChangeTime.Equal(y.ChangeTime) && x.Birth.Equal(y.Birth) &&
		x.Domain == y.Domain && x.Path == y.Path && x.Kind == y.Kind && x.Mode == y.Mode && x.UID == y.UID && x.GID == y.GID &&
		x.Size == y.Size && x.Inode == y.Inode && x.Class == y.Class && x.Flags == y.Flags && x.Target == y.Target &&
		x.ScanSize == y.ScanSize && x.EncryptedOnly == y.EncryptedOnly
}

func TestMissing(t *testing.T) {
	onEach(t, func(t *testing.T, d disk.Disk) {
		put(t, d, dir(""), "")
		if _, err := d.Lookup("HomeDomain", "x"); !errors.Is(err, disk.ErrNotExist) {
			t.Errorf("lookup: %v", err)
		}
		if _, err := d.Open("NoDomain", "x"); !errors.Is(err, disk.ErrNotExist) {
			t.Errorf("open: %v", err)
		}
		if err := d.Remove("HomeDomain", "x"); !errors.Is(err, disk.ErrNotExist) {
			t.Errorf("remove: %v", err)
		}
		if _, err := d.Open("HomeDomain", ""); err == nil {
			t.Error("a directory was opened as a file")
		}
	})
}

func TestRefusedNames(t *testing.T) {
	onEach(t, func(t *testing.T, d disk.Disk) {
		for _, path := range []string{"/a", "a/", "a//b", "..", "a/../b", "./a", "a\x00b", strings.Repeat("n", 256), strings.Repeat("n/", 600) + "n"} {
			if err := d.Put(file(path), strings.NewReader("x")); err == nil {
				t.Errorf("%q was stored", path)
			}
		}
		for _, e := range []disk.Entry{
			{Path: "a", Kind: disk.File}, {Domain: "a/b", Kind: disk.Dir}, {Domain: "A", Path: "a"}, {Domain: "A", Kind: disk.File},
		} {
			if err := d.Put(&e, nil); err == nil {
				t.Errorf("%+v was stored", e)
			}
		}
	})
}

func TestOddNames(t *testing.T) {
	names := []string{
		"line\nbreak", `back\slash`, " leading", ".leading", "trailing. ", "caf\u00e9", "cafe\u0301", "Case", "case", "👩‍👩‍👧‍👦",
		strings.Repeat("é", 125), "a-b", "a", "a b", "\xff\xfe not UTF-8",
	}
	onEach(t, func(t *testing.T, d disk.Disk) {
		put(t, d, dir(""), "")
		for _, name := range names {
			put(t, d, file(name), "content of "+name)
		}
		for _, name := range names {
			if got := read(t, d, "HomeDomain", name); got != "content of "+name {
				t.Errorf("%q holds %q", name, got)
			}
		}
		if got := paths(t, d, "HomeDomain"); len(got) != len(names)+1 {
			t.Errorf("walk saw %q", got)
		}
	})
}

func TestWalkOrder(t *testing.T) {
	onEach(t, func(t *testing.T, d disk.Disk) {
		for _, path := range []string{"b/c/d", "b", "a-", "a/x", "a", "", "b/c"} {
			if strings.HasSuffix(path, "d") || strings.HasSuffix(path, "x") {
				put(t, d, file(path), "")
			} else {
				put(t, d, dir(path), "")
			}
		}
		put(t, d, &disk.Entry{Domain: "AAADomain", Kind: disk.Dir}, "")
		put(t, d, &disk.Entry{Domain: "ZZZDomain", Kind: disk.Dir}, "")
		var domains []string
		seen := make(map[string]bool)
		err := d.Walk(func(e *disk.Entry) error {
			domains = append(domains, e.Domain)
			if cut := strings.LastIndexByte(e.Path, '/'); cut >= 0 && !seen[e.Domain+"\x00"+e.Path[:cut]] {
				t.Errorf("%q in %s comes before its parent", e.Path, e.Domain)
			}
			seen[e.Domain+"\x00"+e.Path] = true
			return nil
		})
		if err != nil || !slices.IsSorted(domains) {
			t.Errorf("domains out of order (%v): %q", err, slices.Compact(domains))
		}
		if got := paths(t, d, "HomeDomain"); len(got) != 7 {
			t.Errorf("walk saw %q", got)
		}
		stop := errors.New("enough")
		if err := d.Walk(func(*disk.Entry) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("walk went on: %v", err)
		}
	})
}

func TestRemoveTakesWhatIsBelow(t *testing.T) {
	onEach(t, func(t *testing.T, d disk.Disk) {
		for _, path := range []string{"", "a", "a/b", "ab"} {
			put(t, d, dir(path), "")
		}
		put(t, d, file("a/b/c"), strings.Repeat("y", 100_000))
		if err := d.Remove("HomeDomain", "a"); err != nil {
			t.Fatal(err)
		}
		if got := paths(t, d, "HomeDomain"); !slices.Equal(got, []string{"", "ab"}) {
			t.Errorf("left: %q", got)
		}
		put(t, d, file("ab"), "a file now")
		if got := read(t, d, "HomeDomain", "ab"); got != "a file now" {
			t.Errorf("got %q", got)
		}
	})
}

func TestFailedPutChangesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, d disk.Disk) {
		put(t, d, file("f"), "before")
		broken := errors.New("cable pulled")
		for _, size := range []int{10, 200_000} {
			r := io.MultiReader(bytes.NewReader(make([]byte, size)), iotest.ErrReader(broken))
			if err := d.Put(file("f"), r); !errors.Is(err, broken) {
				t.Errorf("got %v", err)
			}
		}
		if got := read(t, d, "HomeDomain", "f"); got != "before" {
			t.Errorf("the file holds %q", got)
		}
	})
}

func TestFull(t *testing.T) {
	onEach(t, func(t *testing.T, d disk.Disk) {
		free, err := d.Free()
		if err != nil {
			t.Fatal(err)
		}
		film := disk.Pattern{Seed: 4, Size: free - 100}
		if err := d.Put(file("film"), disk.NewPatternReader(film)); err != nil {
			t.Fatal(err)
		}
		if err := d.Put(file("more"), strings.NewReader(strings.Repeat("z", 101))); !errors.Is(err, disk.ErrFull) {
			t.Errorf("got %v", err)
		}
		if left, _ := d.Free(); left != 100 {
			t.Errorf("%d bytes left", left)
		}
	})
}

func TestReadersAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, d disk.Disk) {
		put(t, d, file("small"), "small")
		put(t, d, file("large"), strings.Repeat("l", 200_000))
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					if read(t, d, "HomeDomain", "small") != "small" || len(read(t, d, "HomeDomain", "large")) != 200_000 {
						t.Error("content differs")
					}
					paths(t, d, "HomeDomain")
				}
			})
		}
		wg.Wait()
	})
}

func TestClosed(t *testing.T) {
	onEach(t, func(t *testing.T, d disk.Disk) {
		if err := errors.Join(d.Close(), d.Close()); err != nil {
			t.Fatal(err)
		}
		if err := d.Put(file("f"), nil); err == nil {
			t.Error("a closed disk was written to")
		}
	})
}
