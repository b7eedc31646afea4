package depot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sort"

	"github.com/kopia/kopia/repo/content"
	"github.com/kopia/kopia/repo/object"

	"russet/internal/vault/backend"
)

// Reader gives random access to an object. ReadAt may be called from several
// goroutines at once; reading front to back is noticed and runs ahead.
type Reader struct {
	f      fetcher
	cancel context.CancelFunc
	root   []object.IndirectObjectEntry
	size   int64
	ahead  ahead
}

// Reader opens an object that was flushed. Cancelling ctx makes it fail. An ID
// that nothing is stored under is fs.ErrNotExist.
func (d *Depot) Reader(ctx context.Context, id ID) (*Reader, error) {
	return newReader(ctx, d, d.rep.ContentReader(), id)
}

// Reader opens an object, flushed or not.
func (s *Session) Reader(ctx context.Context, id ID) (*Reader, error) {
	return newReader(ctx, s.d, s.w.ContentReader(), id)
}

func newReader(ctx context.Context, d *Depot, src source, id ID) (*Reader, error) {
	ctx, cancel := context.WithCancel(ctx)
	r := &Reader{f: fetcher{ctx: ctx, cache: d.cache, src: src, d: d}, cancel: cancel}
	r.ahead.init(d.opts.LowMemory)
	if err := r.open(id); err != nil {
		cancel()
		if errors.Is(err, content.ErrContentNotFound) {
			return nil, fmt.Errorf("open object %q: %w", id, fs.ErrNotExist)
		}
		return nil, fmt.Errorf("open object %q: %w", id, err)
	}
	return r, nil
}

func (r *Reader) open(id ID) (err error) {
	oid, err := parseID(id)
	if err != nil {
		return err
	}
	if _, ok := oid.IndexObjectID(); ok {
		if r.root, err = r.f.table(oid, 0); err != nil {
			return err
		}
	} else {
		cid, _, _ := oid.ContentID()
		info, err := r.f.src.ContentInfo(r.f.ctx, cid)
		if err != nil {
			return err
		}
		r.root = []object.IndirectObjectEntry{{Length: int64(info.OriginalLength), Object: oid}}
	}
	r.size = length(r.root)
	return nil
}

// Size is the length of the object.
func (r *Reader) Size() int64 { return r.size }

// Close ends reading ahead; reading after it fails. Close itself never fails.
func (r *Reader) Close() error {
	r.ahead.stop(r.cancel)
	return nil
}

// ReadAt implements io.ReaderAt.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("read object: negative offset")
	}
	r.readAhead(off, int64(len(p)))
	n := 0
	for n < len(p) {
		if off >= r.size {
			return n, io.EOF
		}
		e, err := r.find(off)
		if err != nil {
			return n, fmt.Errorf("read object: %w", err)
		}
		data, err := r.f.chunk(e)
		if err != nil {
			return n, fmt.Errorf("read object: %w", err)
		}
		k := copy(p[n:], data[off-e.Start:])
		n += k
		off += int64(k)
	}
	return n, nil
}

// find returns the chunk that holds off, with its place in the object.
func (r *Reader) find(off int64) (object.IndirectObjectEntry, error) {
	entries, base := r.root, int64(0)
	for depth := 1; ; depth++ {
		i := sort.Search(len(entries), func(i int) bool { return base+entries[i].Start+entries[i].Length > off })
		if i == len(entries) {
			return object.IndirectObjectEntry{}, fmt.Errorf("%w: no chunk at %d", ErrDamaged, off)
		}
		e := entries[i]
		if _, ok := e.Object.IndexObjectID(); !ok {
			e.Start += base
			return e, nil
		}
		sub, err := r.f.table(e.Object, depth)
		if err != nil {
			return e, err
		}
		if length(sub) != e.Length {
			return e, fmt.Errorf("%w: a seek table is %d bytes long, not %d", ErrDamaged, length(sub), e.Length)
		}
		entries, base = sub, base+e.Start
	}
}

// Has says whether every chunk of the object is known and not deleted.
func (d *Depot) Has(ctx context.Context, id ID) (bool, error) {
	return has(ctx, d, d.rep.ContentReader(), id)
}

// Has says whether every chunk of the object is known, flushed or not, and not
// deleted.
func (s *Session) Has(ctx context.Context, id ID) (bool, error) {
	return has(ctx, s.d, s.w.ContentReader(), id)
}

func has(ctx context.Context, d *Depot, src source, id ID) (bool, error) {
	f := fetcher{ctx: ctx, cache: d.cache, src: src, d: d}
	err := f.walk(id, func(c content.ID) error {
		return backend.Bounded(ctx, func(ctx context.Context) error {
			info, err := src.ContentInfo(ctx, c)
			if err == nil && info.Deleted {
				return content.ErrContentNotFound
			}
			return err
		})
	})
	if errors.Is(err, content.ErrContentNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up object %q: %w", id, err)
	}
	return true, nil
}

// ContentsOf lists the contents an object consists of, seek tables included,
// each once.
func (d *Depot) ContentsOf(ctx context.Context, id ID) ([]string, error) {
	f := fetcher{ctx: ctx, cache: d.cache, src: d.rep.ContentReader(), d: d}
	var list []string
	seen := make(map[content.ID]bool)
	err := f.walk(id, func(c content.ID) error {
		if !seen[c] {
			seen[c] = true
			list = append(list, c.String())
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list contents of object %q: %w", id, err)
	}
	return list, nil
}
