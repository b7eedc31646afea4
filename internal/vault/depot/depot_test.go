package depot_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/blob/filesystem"

	"russet/internal/vault/depot"
)

const password = "correct horse"

// lab is a repository on a folder of the test.
type lab struct {
	t     testing.TB
	dir   string
	st    blob.Storage
	state string
}

func newLab(t testing.TB) *lab {
	t.Helper()
	l := &lab{t: t, dir: t.TempDir(), state: t.TempDir()}
	l.st = l.storage()
	l.must(depot.Create(t.Context(), l.st, password, depot.CreateOptions{}))
	return l
}

func (l *lab) storage() blob.Storage {
	l.t.Helper()
	st, err := filesystem.New(l.t.Context(), &filesystem.Options{Path: l.dir, FileMode: 0o600, DirectoryMode: 0o700}, true)
	l.must(err)
	l.t.Cleanup(func() { st.Close(context.WithoutCancel(l.t.Context())) })
	return st
}

func (l *lab) must(errs ...error) {
	l.t.Helper()
	for _, err := range errs {
		if err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l *lab) open(change ...func(*depot.OpenOptions)) *depot.Depot {
	l.t.Helper()
	o := depot.OpenOptions{State: l.state}
	for _, c := range change {
		c(&o)
	}
	d, err := depot.Open(l.t.Context(), l.st, password, o)
	l.must(err)
	l.t.Cleanup(func() { l.must(d.Close(context.WithoutCancel(l.t.Context()))) })
	return d
}

func (l *lab) begin(d *depot.Depot) *depot.Session {
	l.t.Helper()
	s, err := d.Begin(l.t.Context(), "test")
	l.must(err)
	l.t.Cleanup(func() { l.must(s.Close(context.WithoutCancel(l.t.Context()))) })
	return s
}

// write stores data, handed over in steps of several sizes.
func (l *lab) write(s *depot.Session, k depot.Kind, data []byte) depot.ID {
	l.t.Helper()
	w := s.Writer(k)
	defer w.Abort()
	for step := 1; len(data) > 0; step = step*3%1_000_003 + 1 {
		n := min(step, len(data))
		_, err := w.Write(data[:n])
		l.must(err)
		data = data[n:]
	}
	id, err := w.Result()
	l.must(err)
	return id
}

// read gives the whole object.
func (l *lab) read(r *depot.Reader, err error) []byte {
	l.t.Helper()
	l.must(err)
	defer r.Close()
	data, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	l.must(err)
	return data
}

// version stores one file under one directory and a version of it.
func (l *lab) version(s *depot.Session, udid string, data []byte, incomplete string) (depot.Version, depot.ID) {
	l.t.Helper()
	id := l.write(s, depot.Stream, data)
	e, err := s.WriteDir(l.t.Context(), "", []depot.Entry{{Name: "file", ID: id, Size: int64(len(data))}}, time.Now())
	l.must(err)
	now := time.Now()
	v := depot.Version{
		Path: "/" + udid, Start: now, End: now, Root: e.ID, RootSize: e.Size, Files: e.Files, Dirs: e.Dirs,
		Tags: map[string]string{"id": udid + "-1"}, Incomplete: incomplete,
	}
	l.must(s.SaveVersion(l.t.Context(), &v))
	return v, id
}

// names lists the blobs that begin with one of the prefixes.
func (l *lab) names(prefixes ...string) (names []blob.Metadata) {
	l.t.Helper()
	for _, p := range prefixes {
		l.must(l.st.ListBlobs(l.t.Context(), blob.ID(p), func(m blob.Metadata) error {
			names = append(names, m)
			return nil
		}))
	}
	return names
}

// path is where the folder keeps a blob.
func (l *lab) path(id blob.ID) (found string) {
	l.t.Helper()
	l.must(filepath.WalkDir(l.dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.HasSuffix(path, ".f") {
			rel, _ := filepath.Rel(l.dir, path)
			if strings.TrimSuffix(strings.ReplaceAll(rel, string(filepath.Separator), ""), ".f") == string(id) {
				found = path
			}
		}
		return err
	}))
	if found == "" {
		l.t.Fatalf("no file for blob %q", id)
	}
	return found
}

// noise is data that does not shrink; half of it does when text.
func noise(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n+8)
	for i := 0; i < n; i += 8 {
		v := r.Uint64()
		for j := range 8 {
			b[i+j] = byte(v >> (8 * j))
		}
	}
	return b[:n]
}

func TestCreateAndOpen(t *testing.T) {
	l := newLab(t)
	ctx := t.Context()
	if err := depot.Create(ctx, l.st, password, depot.CreateOptions{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second create: %v", err)
	}
	if _, err := depot.Open(ctx, l.st, "wrong", depot.OpenOptions{State: l.state}); !errors.Is(err, depot.ErrPassword) {
		t.Errorf("wrong password: %v", err)
	}
	empty, err := filesystem.New(ctx, &filesystem.Options{Path: t.TempDir()}, true)
	l.must(err)
	if _, err := depot.Open(ctx, empty, password, depot.OpenOptions{State: l.state}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent repository: %v", err)
	}
	if _, err := depot.Open(ctx, l.st, password, depot.OpenOptions{State: "relative"}); err == nil {
		t.Error("a relative state folder was accepted")
	}
	l.open()
	// Nothing of what kopia needed to open may be left, and no secret ever was.
	left, err := os.ReadDir(l.state)
	l.must(err)
	if len(left) > 0 {
		t.Errorf("the state folder holds %v", left)
	}
	if logs := l.names("_"); len(logs) > 0 {
		t.Errorf("logs in the repository: %v", logs)
	}
}

func TestKinds(t *testing.T) {
	l := newLab(t)
	d := l.open()
	s := l.begin(d)
	ctx := t.Context()
	kinds := []depot.Kind{depot.Stream, depot.Media, depot.Pages, depot.Pieces, depot.Meta}
	sizes := []int{0, 1, 100, 16<<10 - 1, 16 << 10, 16<<10 + 1, 512 << 10, 512<<10 + 5, 2 << 20, 4 << 20, 4<<20 + 1, 13<<20 + 77}
	type object struct {
		id   depot.ID
		data []byte
	}
	var all []object
	for _, k := range kinds {
		for _, n := range sizes {
			data := noise(uint64(n), n)
			o := object{l.write(s, k, data), data}
			all = append(all, o)
			r, err := s.Reader(ctx, o.id)
			if got := l.read(r, err); !bytes.Equal(got, data) {
				t.Fatalf("kind %d, %d bytes: other data before the flush", k, n)
			}
			if again := l.write(s, k, data); again != o.id {
				t.Errorf("kind %d, %d bytes: %q, then %q", k, n, o.id, again)
			}
		}
	}
	if s.Uploaded() == 0 {
		t.Error("nothing uploaded")
	}
	l.must(s.Flush(ctx))
	other := l.open(func(o *depot.OpenOptions) { o.LowMemory = true })
	for i, o := range all {
		for _, d := range []*depot.Depot{d, other} {
			r, err := d.Reader(ctx, o.id)
			if got := l.read(r, err); !bytes.Equal(got, o.data) {
				t.Fatalf("object %d (%d bytes): other data after the flush", i, len(o.data))
			}
			if ok, err := d.Has(ctx, o.id); err != nil || !ok {
				t.Fatalf("object %d: has = %v, %v", i, ok, err)
			}
		}
	}
}

func TestWriterEnds(t *testing.T) {
	l := newLab(t)
	s := l.begin(l.open())
	// A second end of a writer would hand one of kopia's pooled writers to two
	// callers. Whatever the order of calls, others must not notice.
	for range 50 {
		w := s.Writer(depot.Stream)
		w.Write([]byte("AAAA"))
		id, err := w.Result()
		l.must(err)
		w.Abort()
		if again, err := w.Result(); err != nil || again != id {
			t.Fatalf("second result: %q, %v", again, err)
		}
		if _, err := w.Write([]byte("x")); !errors.Is(err, depot.ErrClosed) {
			t.Fatalf("write after the end: %v", err)
		}
		gone := s.Writer(depot.Media)
		gone.Write(noise(1, 5<<20))
		gone.Abort()
		gone.Abort()
		if _, err := gone.Result(); !errors.Is(err, depot.ErrClosed) {
			t.Fatalf("result after abort: %v", err)
		}
		a, b := s.Writer(depot.Stream), s.Writer(depot.Stream)
		a.Write([]byte("aaaa"))
		b.Write([]byte("bbbb"))
		ida, err := a.Result()
		l.must(err)
		idb, err := b.Result()
		l.must(err)
		ra, err := s.Reader(t.Context(), ida)
		if got := l.read(ra, err); string(got) != "aaaa" {
			t.Fatalf("a = %q", got)
		}
		rb, err := s.Reader(t.Context(), idb)
		if got := l.read(rb, err); string(got) != "bbbb" {
			t.Fatalf("b = %q", got)
		}
	}
}

func TestPagesShare(t *testing.T) {
	l := newLab(t)
	s := l.begin(l.open())
	data := noise(3, 8<<20)
	l.write(s, depot.Pages, data)
	l.must(s.Flush(t.Context()))
	before := s.Uploaded()
	copy(data[5<<20+100:], "one page changes")
	l.write(s, depot.Pages, data)
	l.must(s.Flush(t.Context()))
	if n := s.Uploaded() - before; n > 80<<10 {
		t.Errorf("one changed page cost %d bytes", n)
	}
	// Equal pages are one content: 4 MiB of zeros cost next to nothing.
	before = s.Uploaded()
	l.write(s, depot.Pages, make([]byte, 4<<20))
	l.must(s.Flush(t.Context()))
	if n := s.Uploaded() - before; n > 64<<10 {
		t.Errorf("zeros cost %d bytes", n)
	}
}

func TestNestedTables(t *testing.T) {
	l := newLab(t)
	d := l.open()
	s := l.begin(d)
	const page = 16 << 10
	for _, pages := range []int{8192, 8193, 9*1024 + 1} {
		data := make([]byte, pages*page+7) // a short last chunk
		for i := range pages {
			copy(data[i*page:], fmt.Sprint("page ", i%3000))
		}
		id := l.write(s, depot.Pages, data)
		l.must(s.Flush(t.Context()))
		r, err := d.Reader(t.Context(), id)
		l.must(err)
		if r.Size() != int64(len(data)) {
			t.Fatalf("%d pages: size %d", pages, r.Size())
		}
		rnd := rand.New(rand.NewPCG(1, 2))
		buf := make([]byte, 40_000)
		for range 50 {
			off := rnd.IntN(len(data) - len(buf))
			_, err := r.ReadAt(buf, int64(off))
			l.must(err)
			if !bytes.Equal(buf, data[off:off+len(buf)]) {
				t.Fatalf("%d pages: other data at %d", pages, off)
			}
		}
		n, err := r.ReadAt(buf, int64(len(data)-10))
		if n != 10 || err != io.EOF {
			t.Fatalf("at the end: %d, %v", n, err)
		}
		l.must(r.Close())
		if ok, err := d.Has(t.Context(), id); err != nil || !ok {
			t.Fatalf("has = %v, %v", ok, err)
		}
	}
}
