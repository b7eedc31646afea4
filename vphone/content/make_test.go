package content_test

import (
	"testing"
	"time"

	"russet/vphone/content"
	"russet/vphone/disk"
)

func TestTry(t *testing.T) {
	for _, prof := range []string{"tiny", "big", "small-files", "million"} {
		start := time.Now()
		dir := t.TempDir()
		if err := content.Make(t.Context(), dir, content.Options{Profile: prof, Seed: 1}); err != nil {
			t.Fatal(err)
		}
		t.Log(prof, "made in", time.Since(start))
		start = time.Now()
		d, err := disk.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		n, files, dirs, bytes := 0, 0, 0, int64(0)
		_ = d.Walk(func(e *disk.Entry) error {
			n++
			bytes += e.Size
			if e.Kind == disk.File {
				files++
			} else {
				dirs++
			}
			if prof == "tiny" && testing.Verbose() {
				t.Logf("%-60s %q %d", e.Domain, e.Path, e.Size)
			}
			return nil
		})
		t.Log(prof, n, "entries", files, "files", dirs, "others", bytes, "bytes", time.Since(start))
		_ = d.Close()
	}
}
