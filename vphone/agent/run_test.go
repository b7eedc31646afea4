package agent

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"russet/vphone/agent/internal/manifest"
)

// cachePhone is a phone of which only the cache is looked at.
type cachePhone struct {
	Phone
	dir string
}

func (p cachePhone) CacheDir() string { return p.dir }

func cacheSession(t *testing.T) *session { return &session{phone: cachePhone{dir: t.TempDir()}} }

// TestForgetCloses: Windows removes no file that this process has open.
func TestForgetCloses(t *testing.T) {
	b := &backup{session: cacheSession(t)}
	var err error
	if b.arrivals, err = b.openArrivals(); err != nil {
		t.Fatal(err)
	}
	if b.db, err = manifest.Create(b.cached(manifestFile)); err != nil {
		t.Fatal(err)
	}
	log := b.arrivals.f
	if err := b.forget(); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); !errors.Is(err, fs.ErrClosed) || b.arrivals != nil || b.db != nil {
		t.Errorf("what was removed is still open: %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(b.cached("x")))
	if err != nil || len(left) > 0 {
		t.Errorf("%v are left: %v", left, err)
	}
}

// TestArrivals: what is added after the log was read or replaced goes to its
// end.
func TestArrivals(t *testing.T) {
	s := cacheSession(t)
	one, two, three := fileID{1}, fileID{2}, fileID{3}
	open := func() *arrivals {
		a, err := s.openArrivals()
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	holds := func(a *arrivals, want map[fileID]int64) {
		t.Helper()
		if got, err := a.all(); err != nil || !maps.Equal(got, want) {
			t.Fatalf("the log holds %v, want %v (%v)", got, want, err)
		}
	}
	a := open()
	err := errors.Join(a.add(one, 1), a.add(two, 2), a.close())
	a = open()
	err = errors.Join(err, a.add(three, 3))
	holds(a, map[fileID]int64{one: 1, two: 2, three: 3})
	err = errors.Join(err, a.add(one, 10))
	holds(a, map[fileID]int64{one: 10, two: 2, three: 3})
	err = errors.Join(err, a.replace(map[fileID]int64{two: 2}), a.add(three, 30))
	holds(a, map[fileID]int64{two: 2, three: 30})
	if err := errors.Join(err, a.close()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(s.cached(arrivedFile)); err != nil || info.Size() != 2*arrivedSize {
		t.Errorf("the log takes %v bytes (%v)", info.Size(), err)
	}
}
