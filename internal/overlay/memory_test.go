package overlay_test

import (
	"fmt"
	"runtime"
	"testing"

	"russet/internal/overlay"
)

// TestMemory: a phone with a million files must fit in 200 MiB with everything
// else a run needs.
func TestMemory(t *testing.T) {
	const files = 100_000
	o := open(t, folder(t), overlay.Options{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	name := func(i int) string { return fmt.Sprintf("%02x/%02x%038x", i%256, i%256, i*7919) }
	for i := range files {
		do(t, o.Put("U/Snapshot/"+name(i), size(1)))
	}
	for i := range files {
		do(t, o.Rename("U/Snapshot/"+name(i), "U/"+name(i)))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / files
	if per > 80 {
		t.Errorf("the index takes %d bytes a file", per)
	}
	t.Logf("%d bytes a file", per)
	do(t, o.Close())
}

func BenchmarkPutAndRename(b *testing.B) {
	for _, files := range []int{30_000, 1_000_000} {
		b.Run(fmt.Sprint(files), func(b *testing.B) {
			for b.Loop() {
				o := openB(b)
				for i := range files {
					name := fmt.Sprintf("%02x/%02x%038x", i%256, i%256, i*7919)
					if o.Put("U/Snapshot/"+name, size(1)) != nil || o.Rename("U/Snapshot/"+name, "U/"+name) != nil {
						b.Fatal("put or rename")
					}
				}
				if err := o.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*files), "ns/file")
		})
	}
}
