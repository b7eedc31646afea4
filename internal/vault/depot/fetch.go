package depot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/content"
	"github.com/kopia/kopia/repo/object"

	"russet/internal/vault/backend"
)

const (
	maxDepth = 16        // of seek tables in seek tables
	maxTable = 256 << 20 // bytes of one seek table that we read
	minHash  = 16        // bytes of the shortest hash kopia has
)

// source is what objects are read from: the repository, or a session with what
// it has not flushed.
type source interface {
	GetContent(ctx context.Context, id content.ID) ([]byte, error)
	ContentInfo(ctx context.Context, id content.ID) (content.Info, error)
}

// fetcher reads chunks and seek tables through the depot's cache. Kopia's own
// object reader would keep one chunk, and panics on an empty seek table.
type fetcher struct {
	ctx   context.Context
	cache *cache
	src   source
	d     *Depot
}

// parseID reads an ID. Kopia takes an empty one and one of any length for IDs
// too.
func parseID(id ID) (object.ID, error) {
	oid, err := object.ParseID(string(id))
	if err != nil {
		return oid, err
	}
	plain := strings.TrimLeft(string(id), "I")
	switch {
	case strings.HasPrefix(plain, "Z"):
		return oid, errors.New("old compressed objects are not supported")
	case len(plain) < 2*minHash || len(id)-len(plain) > maxDepth:
		return oid, errors.New("not an object ID")
	}
	return oid, nil
}

// chunk returns the bytes of a leaf entry.
func (f *fetcher) chunk(e object.IndirectObjectEntry) ([]byte, error) {
	it, err := f.cache.get(f.ctx, e.Object, func() (*item, error) {
		data, err := f.content(e.Object)
		return &item{data: data, cost: int64(cap(data)) + itemCost}, err
	})
	if err != nil {
		return nil, err
	}
	if int64(len(it.data)) != e.Length {
		return nil, fmt.Errorf("%w: chunk %v is %d bytes long, not %d", ErrDamaged, e.Object, len(it.data), e.Length)
	}
	return it.data, nil
}

// content reads an object that is a single content.
func (f *fetcher) content(id object.ID) ([]byte, error) {
	cid, compressed, ok := id.ContentID()
	if !ok || compressed {
		return nil, fmt.Errorf("%w: %v is not a chunk", ErrDamaged, id)
	}
	var data []byte
	get := func(ctx context.Context) (err error) {
		data, err = f.src.GetContent(ctx, cid)
		return err
	}
	err := backend.Bounded(f.ctx, get)
	if errors.Is(err, blob.ErrBlobNotFound) && f.d.lookAgain(f.ctx) {
		err = backend.Bounded(f.ctx, get)
	}
	if err != nil {
		return nil, damaged(fmt.Errorf("read chunk %v: %w", cid, err))
	}
	return data, nil
}

// lookAgain reads the index again after a pack was not there: another host may
// have moved what was in it. Where many are lost it does so once in a while.
func (d *Depot) lookAgain(ctx context.Context) bool {
	d.missed.Lock()
	defer d.missed.Unlock()
	if time.Since(d.looked) > lookAgainAfter {
		if err := d.Refresh(ctx); err != nil {
			return false
		}
		d.looked = time.Now()
	}
	return true
}

const lookAgainAfter = 2 * time.Second

// damaged marks errors that mean damage, not trouble with the storage.
func damaged(err error) error {
	switch {
	case errors.Is(err, content.ErrContentNotFound), errors.Is(err, blob.ErrBlobNotFound), errors.Is(err, blob.ErrInvalidRange),
		// Kopia has no value for this one; TestDamage notices when the words change.
		strings.Contains(err.Error(), "invalid checksum at"):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// table returns the seek table of an object that has one.
func (f *fetcher) table(id object.ID, depth int) ([]object.IndirectObjectEntry, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: seek tables nest too deeply", ErrDamaged)
	}
	it, err := f.cache.get(f.ctx, id, func() (*item, error) {
		entries, err := f.readTable(id, depth)
		return &item{entries: entries, cost: int64(cap(entries))*64 + itemCost}, err
	})
	if err != nil {
		return nil, err
	}
	return it.entries, nil
}

// readTable reads a seek table past the cache: what it needs on the way may be
// tables too, and must not wait for itself.
func (f *fetcher) readTable(id object.ID, depth int) ([]object.IndirectObjectEntry, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: seek tables nest too deeply", ErrDamaged)
	}
	index, _ := id.IndexObjectID()
	data, err := f.all(index, depth)
	if err != nil {
		return nil, err
	}
	return parseTable(data)
}

// all reads a whole object that is a seek table, and may have one of its own.
func (f *fetcher) all(id object.ID, depth int) ([]byte, error) {
	if _, ok := id.IndexObjectID(); !ok {
		return f.content(id)
	}
	entries, err := f.readTable(id, depth+1)
	if err != nil {
		return nil, err
	}
	if n := length(entries); n > maxTable {
		return nil, fmt.Errorf("%w: a seek table of %d bytes", ErrDamaged, n)
	}
	var all []byte
	for _, e := range entries {
		data, err := f.all(e.Object, depth+1)
		if err != nil {
			return nil, err
		}
		if int64(len(data)) != e.Length {
			return nil, fmt.Errorf("%w: chunk %v is %d bytes long, not %d", ErrDamaged, e.Object, len(data), e.Length)
		}
		all = append(all, data...)
	}
	return all, nil
}

// parseTable reads a seek table and accepts only one without holes.
func parseTable(data []byte) ([]object.IndirectObjectEntry, error) {
	if len(data) > maxTable {
		return nil, fmt.Errorf("%w: a seek table of %d bytes", ErrDamaged, len(data))
	}
	var t indirect
	if err := json.Unmarshal(data, &t); err != nil {
		return nil, fmt.Errorf("%w: seek table: %w", ErrDamaged, err)
	}
	if t.Stream != streamID || len(t.Entries) == 0 {
		return nil, fmt.Errorf("%w: not a seek table", ErrDamaged)
	}
	end := int64(0)
	for i, e := range t.Entries {
		empty := e.Length <= 0 && (e.Length < 0 || len(t.Entries) > 1)
		if e.Start != end || empty || e.Length > math.MaxInt64-end || e.Object == object.EmptyID {
			return nil, fmt.Errorf("%w: seek table: entry %d does not follow", ErrDamaged, i)
		}
		end += e.Length
	}
	return t.Entries, nil
}

// length is how many bytes a valid seek table covers.
func length(entries []object.IndirectObjectEntry) int64 {
	last := entries[len(entries)-1]
	return last.Start + last.Length
}

// walk calls each with every content of an object; a seek table comes before
// it is read.
func (f *fetcher) walk(id ID, each func(content.ID) error) error {
	oid, err := parseID(id)
	if err != nil {
		return err
	}
	w := walker{f: f, each: each, seen: make(map[object.ID]bool)}
	return w.object(oid, 0)
}

type walker struct {
	f    *fetcher
	each func(content.ID) error
	seen map[object.ID]bool // tables, so that many references to one cost one walk
}

func (w *walker) object(id object.ID, depth int) error {
	index, ok := id.IndexObjectID()
	if !ok {
		cid, _, _ := id.ContentID()
		return w.each(cid)
	}
	if w.seen[id] {
		return nil
	}
	w.seen[id] = true
	if depth > maxDepth {
		return fmt.Errorf("%w: seek tables nest too deeply", ErrDamaged)
	}
	if err := w.object(index, depth+1); err != nil {
		return err
	}
	entries, err := w.f.table(id, depth)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.object(e.Object, depth+1); err != nil {
			return err
		}
	}
	return nil
}
