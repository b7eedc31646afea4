package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync/atomic"

	"russet"
	"russet/internal/durable"
	"russet/internal/vault/depot"
)

// held is what a vault has already of a backup that is copied to it from
// another vault: the files of the nearest backup of the same device whose stored
// form has the same SHA-256 in the indexes of both vaults. Each vault took its
// sum over the very bytes it wrote. Such a file is not read where it comes from.
type held struct {
	s       *Store
	from    *tree // the backup that is copied, in the other vault; nil if it is not in one
	base    *tree // nil if there is none
	damaged []string
	lost    map[string]bool // contents whose packs are not there
	lock    *durable.Lock   // of the base
	bytes   atomic.Int64    // that were not read
}

// held finds what there is to take from. The vault's packs are listed for it:
// what is lost is neither taken nor believed to be there.
func (s *Store) held(ctx context.Context, fsys fs.FS, all []*version, v *version) (*held, error) {
	h := &held{s: s}
	complete, err := s.depot.Complete(ctx)
	if err == nil && !complete {
		h.lost, err = lost(ctx, s.depot)
	}
	if err != nil {
		return nil, err
	}
	base := nearest(all, v)
	h.from, _ = fsys.(*tree)
	if h.from == nil || base == nil {
		return h, nil
	}
	h.lock, err = s.books.LockBackup(base.rec.ID, true, "copy a backup")
	switch {
	case russet.KindOf(err) == russet.Busy:
		return h, nil // it is about to be deleted
	case err != nil:
		return nil, err
	}
	h.base, h.damaged = openTree(ctx, s.depot, base.Root, base.rec.Time), base.rec.Damaged
	return h, nil
}

// nearest is the last backup of the same device before v, or else the first
// after it; nil if there is none. all is sorted by time.
func nearest(all []*version, v *version) *version {
	var last *version
	for _, o := range all {
		if o.problem != "" || o.rec.Device != v.rec.Device {
			continue
		}
		if last != nil && o.rec.Time.After(v.rec.Time) {
			break
		}
		last = o
	}
	return last
}

func (h *held) close() error {
	if n := h.bytes.Load(); n > 0 {
		h.s.log.Debug("files the vault holds already were not read for a copy", "bytes", n)
	}
	return h.lock.Unlock()
}

// take finds a file in the base, as it was put into this vault. Whatever is in
// the way of that, the file is read where it comes from.
func (h *held) take(c *builder, name string) (kept, bool) {
	if h.base == nil {
		return kept{}, false
	}
	theirs, err := h.from.lookup(name)
	if err != nil || theirs.entry == nil {
		return kept{}, false
	}
	ours, err := h.base.lookup(name)
	if err != nil || ours.entry == nil {
		return kept{}, false
	}
	e := ours.entry
	if !e.standsFor(theirs.entry, c.keys != nil) || slices.Contains(h.damaged, name) || h.s.present(c.ctx, e.id, h.lost) != nil {
		return kept{}, false
	}
	h.bytes.Add(e.Stored)
	return kept{
		stowed: stowed{id: e.id, length: e.Size, content: e.content(), sum: e.Sum, cbc: e.Rebuild == rebuildCBC, why: e.Why},
		stored: e.Stored, key: e.Key.key,
	}, true
}

// standsFor reports whether a file of this vault is bit for bit what another
// vault has, and is kept as well as it could be. unlocked says that the keys of
// the backup are known.
func (e *entry) standsFor(o *entry, unlocked bool) bool {
	switch {
	case e.Sum != o.Sum || e.Stored != o.Stored:
		return false
	case e.Rebuild == rebuildCBC:
		return o.Key.key == nil || sameKey(e, o)
	case o.Rebuild == rebuildCBC, e.Why == whyPending, e.Why == whyPassword && unlocked:
		return false // it can become content
	default:
		return e.Why == o.Why && sameKey(e, o)
	}
}

// sameKey reports whether two files have the same key, or both none: the bytes of
// one that is kept as it came can be the same under another.
func sameKey(a, b *entry) bool {
	x, y := a.Key.key, b.Key.key
	return x == y || x != nil && y != nil && string(x.Bytes()) == string(y.Bytes())
}

// whole looks at a version that was put together while parts of the vault were
// lost: kopia does not store again what its index knows.
func (h *held) whole(ctx context.Context, v *version) error {
	if len(h.lost) == 0 {
		return nil
	}
	if err := h.s.refresh(ctx); err != nil {
		return err
	}
	in := &inspection{ctx: ctx, s: h.s, v: v}
	if err := in.run(); err != nil || len(in.report.Problems) == 0 {
		return err
	}
	p := in.report.Problems[0]
	return &russet.Error{
		Kind: russet.Damaged,
		What: fmt.Sprintf("packs of the vault %q are gone, and the copy would need what was in them: %s: %s (the first of %d)", h.s.opts.Name, p.Path, p.What, len(in.report.Problems)),
		Hint: fmt.Sprintf("russet repair %s; then copy again", h.s.opts.Name),
	}
}

// IsDamage reports whether an error of reading a backup of a vault says that what
// is stored is not what was.
func IsDamage(err error) bool { return errors.Is(err, depot.ErrDamaged) || errors.Is(err, errChecksum) }

// errSource marks what went wrong with the reading of what is copied.
var errSource = errors.New("where it is copied from")

// notAsStored is the error about a file that another vault cannot give back, or
// gives back otherwise than it says.
func notAsStored(name string, err error) error {
	lost := errors.Is(err, errSource) && errors.Is(err, depot.ErrDamaged)
	if !lost && !errors.Is(err, errChecksum) {
		return err
	}
	return &russet.Error{
		Kind: russet.Damaged,
		What: fmt.Sprintf("%q is damaged where it is copied from: %v", name, err),
		Hint: "russet verify --full says what is damaged there; nothing of this backup was copied", Err: err,
	}
}

// marked is a file that is copied.
type marked struct{ io.ReaderAt }

// ReadAt implements io.ReaderAt.
func (m marked) ReadAt(p []byte, off int64) (int, error) {
	n, err := m.ReaderAt.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", errSource, err)
	}
	return n, err
}
