package disk_test

import (
	"bytes"
	"io"
	"runtime"
	"slices"
	"testing"

	"russet/vphone/disk"
)

func TestGeneratedHasItsRows(t *testing.T) {
	for _, rows := range []int{20, 57, 1000, 30_001} {
		d := disk.Generated(disk.Recipe{Seed: 3, Rows: rows, Bytes: 100 << 20})
		count, bytes := 0, int64(0)
		last := ""
		err := d.Walk(func(e *disk.Entry) error {
			at := e.Domain + "\x00" + e.Path
			if at <= last {
				t.Fatalf("%q comes after %q", at, last)
			}
			last = at
			count++
			bytes += e.Size
			got, err := d.Lookup(e.Domain, e.Path)
			if err != nil || !same(got, e) {
				t.Fatalf("lookup of %q: %+v, %v; walk says %+v", at, got, err, e)
			}
			return nil
		})
		if err != nil || count != rows {
			t.Errorf("%d rows, want %d (%v)", count, rows, err)
		}
		if rows > 1000 && (bytes < 80<<20 || bytes > 120<<20) {
			t.Errorf("%d bytes in %d rows", bytes, rows)
		}
	}
}

func TestGeneratedChanges(t *testing.T) {
	at := t.TempDir()
	recipe := disk.Recipe{Seed: 5, Rows: 2000, Bytes: 1 << 20}
	d, err := disk.CreateGenerated(at, recipe)
	if err != nil {
		t.Fatal(err)
	}
	all := paths(t, d, "CameraRollDomain")
	photo, gone := all[10], all[11]
	want := read(t, d, "CameraRollDomain", photo)
	put(t, d, &disk.Entry{Domain: "CameraRollDomain", Path: all[12], Kind: disk.File, Mode: 0o100644}, "edited")
	if err := d.Remove("CameraRollDomain", gone); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove("AppDomain-com.example.generated0000", "Library"); err != nil {
		t.Fatal(err)
	}
	put(t, d, &disk.Entry{Domain: "AppDomain-com.example.generated0000", Path: "Library", Kind: disk.Dir}, "")
	for range 2 { // before and after it was closed
		left := paths(t, d, "CameraRollDomain")
		if len(left) != len(all)-1 || slices.Contains(left, gone) {
			t.Errorf("%d of %d photos left", len(left), len(all))
		}
		if read(t, d, "CameraRollDomain", photo) != want || read(t, d, "CameraRollDomain", all[12]) != "edited" {
			t.Error("content differs")
		}
		if got := paths(t, d, "AppDomain-com.example.generated0000"); !slices.Equal(got, []string{"", "Library"}) {
			t.Errorf("left: %d entries", len(got))
		}
		closed(t, d)
		d = open(t, at)
	}
	closed(t, d)
}

func TestPattern(t *testing.T) {
	p := disk.Pattern{Head: []byte("head"), Seed: 7, Size: 1_000_000}
	var whole bytes.Buffer
	if n, err := disk.NewPatternReader(p).WriteTo(&whole); err != nil || n != p.Size {
		t.Fatalf("%d bytes, %v", n, err)
	}
	var pieces bytes.Buffer
	if _, err := io.CopyBuffer(struct{ io.Writer }{&pieces}, struct{ io.Reader }{disk.NewPatternReader(p)}, make([]byte, 777)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(whole.Bytes(), pieces.Bytes()) || !bytes.HasPrefix(whole.Bytes(), p.Head) {
		t.Error("the same pattern read twice differs")
	}
	other, _ := io.ReadAll(disk.NewPatternReader(disk.Pattern{Head: p.Head, Seed: 8, Size: p.Size}))
	if bytes.Equal(whole.Bytes(), other) {
		t.Error("the seed does not matter")
	}
}

func TestGeneratedTakesNoMemory(t *testing.T) {
	d := disk.Generated(disk.Recipe{Seed: 1, Rows: 200_000, Bytes: 1 << 30})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if err := d.Walk(func(*disk.Entry) error { return nil }); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("a walk kept %d bytes", grown)
	}
	runtime.KeepAlive(d)
}
