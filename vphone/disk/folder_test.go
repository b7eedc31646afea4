package disk_test

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"russet/vphone/disk"
)

func open(t *testing.T, dir string) disk.Disk {
	t.Helper()
	d, err := disk.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func closed(t *testing.T, d disk.Disk) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFolderOutlivesTheProcess(t *testing.T) {
	at := t.TempDir()
	d := open(t, at)
	put(t, d, dir(""), "")
	put(t, d, file("small"), "small")
	put(t, d, file("gone"), "gone")
	put(t, d, file("large"), strings.Repeat("l", 100_000))
	film := disk.Pattern{Head: []byte("moov"), Seed: 9, Size: 1 << 30}
	if err := d.Put(file("film"), disk.NewPatternReader(film)); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove("HomeDomain", "gone"); err != nil {
		t.Fatal(err)
	}
	// A killed process never closes; what it put is there all the same.
	d = open(t, at)
	defer closed(t, d)
	if got := paths(t, d, "HomeDomain"); !slices.Equal(got, []string{"", "film", "large", "small"}) {
		t.Errorf("found %q", got)
	}
	want := file("small")
	want.Size = 5
	if got, err := d.Lookup("HomeDomain", "small"); err != nil || !same(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if read(t, d, "HomeDomain", "small") != "small" || len(read(t, d, "HomeDomain", "large")) != 100_000 {
		t.Error("content differs")
	}
	r, err := d.Open("HomeDomain", "film")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	start := make([]byte, 100)
	want100 := make([]byte, 100)
	if _, err := io.ReadFull(r, start); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(disk.NewPatternReader(film), want100); err != nil || !slices.Equal(start, want100) {
		t.Error("the film differs")
	}
}

func TestFolderSurvivesATornRecord(t *testing.T) {
	at := t.TempDir()
	d := open(t, at)
	put(t, d, file("first"), "1")
	whole := sizeOf(t, filepath.Join(at, "index"))
	put(t, d, file("second"), "2")
	closed(t, d)
	end := sizeOf(t, filepath.Join(at, "index"))
	for cut := end - 1; cut > whole; cut -= 7 {
		if err := os.Truncate(filepath.Join(at, "index"), cut); err != nil {
			t.Fatal(err)
		}
		d := open(t, at)
		if got := paths(t, d, "HomeDomain"); !slices.Equal(got, []string{"first"}) {
			t.Fatalf("cut at %d: found %q", cut, got)
		}
		put(t, d, file("second"), "2")
		closed(t, d)
	}
}

func TestFolderReportsDamage(t *testing.T) {
	at := t.TempDir()
	d := open(t, at)
	put(t, d, file("first"), "1")
	put(t, d, file("second"), "2")
	closed(t, d)
	path := filepath.Join(at, "index")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[25] ^= 1
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Open(at); err == nil {
		t.Error("a damaged index was opened")
	}
}

func TestFolderRefusesTwoWriters(t *testing.T) {
	at := t.TempDir()
	one, two := open(t, at), open(t, at)
	put(t, one, file("a"), "1")
	if err := two.Put(file("b"), strings.NewReader("2")); err == nil {
		t.Error("the second writer was not stopped")
	}
	closed(t, two)
	closed(t, one)
	d := open(t, at)
	defer closed(t, d)
	if got := paths(t, d, "HomeDomain"); !slices.Equal(got, []string{"a"}) {
		t.Errorf("found %q", got)
	}
}

func TestFolderDeletesWhatNothingNames(t *testing.T) {
	at := t.TempDir()
	d := open(t, at)
	for range 5 {
		put(t, d, file("large"), strings.Repeat("l", 100_000))
	}
	stray := filepath.Join(at, "files", "00000099")
	if err := os.WriteFile(stray, []byte("left by a killed process"), 0o644); err != nil {
		t.Fatal(err)
	}
	closed(t, d)
	closed(t, open(t, at))
	names, err := os.ReadDir(filepath.Join(at, "files"))
	if err != nil || len(names) != 1 {
		t.Errorf("found %v, %v", names, err)
	}
}

func TestFolderIndexIsPacked(t *testing.T) {
	at := t.TempDir()
	d := open(t, at)
	for range 2000 {
		put(t, d, file("again"), "content")
	}
	put(t, d, file("other"), "content")
	before := sizeOf(t, filepath.Join(at, "index"))
	closed(t, d)
	if after := sizeOf(t, filepath.Join(at, "index")); after > before/100 {
		t.Errorf("index of two files holds %d bytes", after)
	}
	d = open(t, at)
	defer closed(t, d)
	if got := paths(t, d, "HomeDomain"); len(got) != 2 || read(t, d, "HomeDomain", "again") != "content" {
		t.Errorf("found %q", got)
	}
}

func TestOpenRefusesForeignFolders(t *testing.T) {
	at := t.TempDir()
	if err := os.WriteFile(filepath.Join(at, "letter.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Open(at); err == nil {
		t.Error("a folder of other things became a phone")
	}
}

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
