package depot_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"russet/internal/vault/depot"
)

// TestManyAtOnce writes, flushes and reads from many goroutines; run with
// -race it also finds what they share without a lock.
func TestManyAtOnce(t *testing.T) {
	l := newLab(t)
	d := l.open()
	s := l.begin(d)
	var (
		mu  sync.Mutex
		all = map[depot.ID][]byte{}
		wg  sync.WaitGroup
	)
	for g := range 8 {
		wg.Go(func() {
			for i := range 12 {
				data := noise(uint64(g*100+i), []int{10, 5_000, 100_000, 3 << 20}[i%4])
				w := s.Writer([]depot.Kind{depot.Stream, depot.Media, depot.Pages, depot.Meta}[g%4])
				if i == 5 {
					w.Write(data)
					w.Abort()
					continue
				}
				w.Write(data)
				id, err := w.Result()
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				all[id] = data
				mu.Unlock()
				if i%5 == 4 {
					if err := s.Flush(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	l.must(s.Flush(t.Context()))
	for id, data := range all {
		r, err := d.Reader(t.Context(), id)
		if got := l.read(r, err); !bytes.Equal(got, data) {
			t.Fatal("other data")
		}
	}
}

// TestReadersAtOnce reads one object at random and front to back at once, and
// closes the reader in between.
func TestReadersAtOnce(t *testing.T) {
	l := newLab(t)
	d := l.open()
	s := l.begin(d)
	data := noise(1, 12<<20)
	for _, k := range []depot.Kind{depot.Pages, depot.Media, depot.Stream} {
		id := l.write(s, k, data)
		l.must(s.Flush(t.Context()))
		r, err := d.Reader(t.Context(), id)
		l.must(err)
		var wg sync.WaitGroup
		for g := range 6 {
			wg.Go(func() {
				if err := readSome(r, data, g); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for range 20 {
			c, err := d.Reader(t.Context(), id)
			l.must(err)
			wg.Go(func() { io.Copy(io.Discard, io.NewSectionReader(c, 0, c.Size())) })
			c.Close()
		}
		wg.Wait()
		l.must(r.Close())
		if _, err := r.ReadAt(make([]byte, 1), 0); err == nil {
			t.Error("read after close")
		}
	}
}

func readSome(r *depot.Reader, data []byte, g int) error {
	rnd := rand.New(rand.NewPCG(uint64(g), 1))
	buf, next := make([]byte, 70_000), 0
	for i := range 150 {
		off := next
		if g%2 == 0 {
			off = rnd.IntN(len(data))
		}
		n, err := r.ReadAt(buf, int64(off))
		if want := min(len(buf), len(data)-off); n != want || n == len(buf) && err != nil {
			return fmt.Errorf("read %d at %d: %d, %w", i, off, n, err)
		}
		if !bytes.Equal(buf[:n], data[off:off+n]) {
			return fmt.Errorf("other data at %d", off)
		}
		if next += n; next == len(data) {
			next = 0
		}
	}
	return nil
}
