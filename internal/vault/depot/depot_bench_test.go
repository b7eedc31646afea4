package depot_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"russet/internal/vault/depot"
)

// BenchmarkSmallFiles stores files of 4 KiB, every one another, from as many
// goroutines as a backup has.
func BenchmarkSmallFiles(b *testing.B) {
	for _, writers := range []int{1, 8} {
		b.Run(fmt.Sprint("writers=", writers), func(b *testing.B) {
			l := newLab(b)
			d := l.open()
			s := l.begin(d)
			base := noise(1, 4<<10)
			b.ResetTimer()
			var wg sync.WaitGroup
			for g := range writers {
				wg.Go(func() {
					data := append([]byte(nil), base...)
					for i := g; i < b.N; i += writers {
						copy(data, strconv.Itoa(i))
						w := s.Writer(depot.Stream)
						w.Write(data)
						if _, err := w.Result(); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			l.must(s.Flush(b.Context()))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "files/s")
		})
	}
}

// BenchmarkWrite stores a stream of each kind; half-text data shrinks.
func BenchmarkWrite(b *testing.B) {
	const size = 64 << 20
	kinds := []struct {
		name string
		kind depot.Kind
	}{{"stream", depot.Stream}, {"media", depot.Media}, {"pages", depot.Pages}}
	for _, k := range kinds {
		for _, writers := range []int{1, 8} {
			b.Run(fmt.Sprint(k.name, "/writers=", writers), func(b *testing.B) {
				l := newLab(b)
				s := l.begin(l.open())
				data := noise(uint64(k.kind), size)
				if k.kind != depot.Media {
					for i := 0; i < size; i += 64 {
						copy(data[i:], "some text that a database or a list has over and")
					}
				}
				b.SetBytes(int64(size))
				b.ResetTimer()
				var wg sync.WaitGroup
				for g := range writers {
					wg.Go(func() {
						for i := g; i < b.N; i += writers {
							writeUnique(b, s, k.kind, data, len(data), i)
						}
					})
				}
				wg.Wait()
				l.must(s.Flush(b.Context()))
			})
		}
	}
}

// writeUnique stores size bytes of data, over and over, with a mark in every
// page, so that nothing is known already.
func writeUnique(b *testing.B, s *depot.Session, k depot.Kind, data []byte, size, mark int) {
	w := s.Writer(k)
	page := make([]byte, 16<<10)
	for off := 0; off < size; off += len(page) {
		copy(page, data[off%len(data):])
		copy(page, fmt.Sprintf("%d %d", mark, off))
		w.Write(page)
	}
	if _, err := w.Result(); err != nil {
		b.Error(err)
	}
}

// BenchmarkRead reads an object front to back, and at random.
func BenchmarkRead(b *testing.B) {
	const size = 128 << 20
	l := newLab(b)
	d := l.open()
	s := l.begin(d)
	data := noise(9, size)
	for i := 0; i < size; i += 64 {
		copy(data[i:], "some text that a database or a list has over and")
	}
	for _, k := range []struct {
		name string
		kind depot.Kind
	}{{"stream", depot.Stream}, {"media", depot.Media}, {"pages", depot.Pages}} {
		id := l.write(s, k.kind, data)
		l.must(s.Flush(b.Context()))
		b.Run("sequential/"+k.name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				r, err := d.Reader(b.Context(), id)
				l.must(err)
				_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{io.NewSectionReader(r, 0, size)}, make([]byte, 128<<10))
				l.must(err, r.Close())
			}
		})
		b.Run("random16K/"+k.name, func(b *testing.B) {
			r, err := d.Reader(b.Context(), id)
			l.must(err)
			buf := make([]byte, 16<<10)
			off := int64(0)
			for b.Loop() {
				off = (off + 7_919*(16<<10)) % (size - 16<<10)
				_, err := r.ReadAt(buf, off)
				l.must(err)
			}
			r.Close()
		})
	}
}

// BenchmarkPeak tells how much memory eight writers take; run it by itself.
func BenchmarkPeak(b *testing.B) {
	for _, low := range []bool{false, true} {
		b.Run(fmt.Sprint("low=", low), func(b *testing.B) {
			l := newLab(b)
			s := l.begin(l.open(func(o *depot.OpenOptions) { o.LowMemory = low }))
			data := noise(4, 1<<20)                                   // little: the collector allows as much garbage as there is data
			debug.FreeOSMemory()                                      // what opening took
			os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o600) // the highest size so far
			ctx, cancel := context.WithCancel(b.Context())
			peak := make(chan uint64)
			go func() {
				var top uint64
				for ctx.Err() == nil {
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					top = max(top, m.HeapInuse+m.StackInuse)
					time.Sleep(5 * time.Millisecond)
				}
				peak <- top
			}()
			for i := range b.N {
				var wg sync.WaitGroup
				for g := range 8 {
					kind := []depot.Kind{depot.Stream, depot.Media, depot.Pages, depot.Media}[g%4]
					wg.Go(func() { writeUnique(b, s, kind, data, 64<<20, i*8+g) })
				}
				wg.Wait()
			}
			cancel()
			b.ReportMetric(float64(<-peak)/(1<<20), "MiB-heap")
			b.ReportMetric(rss(), "MiB-peak-rss")
		})
	}
}

// rss is the highest resident size of this process so far, in MiB.
func rss() float64 {
	data, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(data), "VmHWM:")
	f := strings.Fields(rest)
	if len(f) == 0 {
		return 0
	}
	kib, _ := strconv.ParseFloat(f[0], 64)
	return kib / 1024
}
