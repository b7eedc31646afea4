package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"russet"
	"russet/mobilesync"
)

// change is a file that is not the same in two backups.
type change struct {
	kind         string // "added", "removed" or "changed"
	domain, path string
	was, size    int64
}

func (c *change) name() string { return c.domain + "/" + c.path }

// indexed is implemented by the contents of stores that keep an index: vaults.
// It lists the files of a folder "00" to "ff", sorted by name.
type indexed interface {
	Index(folder string) ([]russet.Indexed, error)
}

// compare calls found with each file that is not the same in two backups: by
// what is in it where both lie in stores that know, else by size and time.
func (h *Host) compare(ctx context.Context, old, now russet.Backup, found func(change)) (err error) {
	a, err := h.openBackup(ctx, old)
	if err != nil {
		return err
	}
	defer closeInto(&err, a)
	b, err := h.openBackup(ctx, now)
	if err != nil {
		return err
	}
	defer closeInto(&err, b)
	x, knowsOld := a.(indexed)
	y, knowsNow := b.(indexed)
	if knowsOld && knowsNow {
		c := &indexComparison{}
		err := c.run(ctx, x, y)
		if err == nil {
			err = h.settle(ctx, c, old, now, a, b)
		}
		if err == nil {
			for _, ch := range c.changes {
				found(ch)
			}
		}
		if !errors.Is(err, errLocked) {
			return err
		}
	}
	return h.compareManifests(ctx, old, now, found)
}

// errLocked: a backup whose password was not known when it was made. Its index
// has no paths; its manifest has them.
var errLocked = errors.New("the index does not know the files' paths")

// indexComparison goes through two indexes side by side, which are sorted by
// the hash of domain and path: neither is ever in memory as a whole.
type indexComparison struct {
	changes []change
	doubts  []doubt
}

// doubt is a file that is known by its ciphertext only, which is another one.
type doubt struct {
	id mobilesync.FileID
	change
}

func (c *indexComparison) run(ctx context.Context, old, now indexed) error {
	for i := range 256 {
		if err := ctx.Err(); err != nil {
			return err
		}
		folder := fmt.Sprintf("%02x", i)
		was, err := old.Index(folder)
		if err != nil {
			return err
		}
		is, err := now.Index(folder)
		if err != nil {
			return err
		}
		if err := c.folder(was, is); err != nil {
			return err
		}
	}
	return nil
}

func (c *indexComparison) folder(was, is []russet.Indexed) error {
	for len(was) > 0 || len(is) > 0 {
		order := 0
		switch {
		case len(was) == 0:
			order = 1
		case len(is) == 0:
			order = -1
		default:
			order = strings.Compare(was[0].Name, is[0].Name)
		}
		var a, b *russet.Indexed
		if order <= 0 {
			a, was = &was[0], was[1:]
		}
		if order >= 0 {
			b, is = &is[0], is[1:]
		}
		if err := c.file(a, b); err != nil {
			return err
		}
	}
	return nil
}

// file compares one file; a or b is nil where it is not there.
func (c *indexComparison) file(a, b *russet.Indexed) error {
	for _, e := range []*russet.Indexed{a, b} {
		if e != nil && e.Domain == "" && e.Sealed {
			return errLocked
		}
	}
	// What no manifest names is no file of the owner's.
	if a != nil && a.Domain == "" {
		a = nil
	}
	if b != nil && b.Domain == "" {
		b = nil
	}
	switch {
	case a == nil && b == nil:
	case a == nil:
		c.changes = append(c.changes, change{"added", b.Domain, b.Path, 0, b.Size})
	case b == nil:
		c.changes = append(c.changes, change{"removed", a.Domain, a.Path, a.Size, 0})
	case a.Sum == b.Sum:
	default:
		ch := change{"changed", b.Domain, b.Path, a.Size, b.Size}
		if a.Sealed || b.Sealed {
			c.doubts = append(c.doubts, doubt{mobilesync.FileIDOf(b.Domain, b.Path), ch})
		} else {
			c.changes = append(c.changes, ch)
		}
	}
	return nil
}

// settle looks the doubtful files up in the manifests.
func (h *Host) settle(ctx context.Context, c *indexComparison, old, now russet.Backup, a, b russet.Contents) error {
	if len(c.doubts) == 0 {
		return nil
	}
	was, err := h.unlock(ctx, old, a.Folder())
	if err != nil {
		return err
	}
	defer was.Close()
	is, err := h.unlock(ctx, now, b.Folder())
	if err != nil {
		return err
	}
	defer is.Close()
	for _, d := range c.doubts {
		x, err := was.ByID(ctx, d.id)
		y, err2 := is.ByID(ctx, d.id)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && err2 == nil && traitOf(&x).same(traitOf(&y)) {
			continue
		}
		c.changes = append(c.changes, d.change)
	}
	return nil
}

// trait is what tells whether a file changed where nothing else is known: the
// device decides by the time of modification, and so do we; the digest is known
// for some.
type trait struct {
	domain         string
	size, modified int64
	digest         [20]byte
	digested       bool
}

func traitOf(r *mobilesync.Record) trait {
	t := trait{domain: r.Domain, size: sizeOf(r), modified: r.Modified, digested: len(r.Digest) == 20 && len(r.EncryptionKey) == 0}
	if t.digested {
		copy(t.digest[:], r.Digest)
	}
	return t
}

func (t trait) same(o trait) bool {
	if t.digested && o.digested && !bytes.Equal(t.digest[:], o.digest[:]) {
		return false
	}
	return t.size == o.size && t.modified == o.modified
}

// compareManifests is compare for stores that know nothing but files.
func (h *Host) compareManifests(ctx context.Context, old, now russet.Backup, found func(change)) error {
	older, err := h.traits(ctx, old)
	if err != nil {
		return err
	}
	newer, err := h.traits(ctx, now)
	if err != nil {
		return err
	}
	for path, t := range newer {
		inside := strings.TrimPrefix(path, t.domain+"/")
		was, had := older[path]
		switch {
		case !had:
			found(change{"added", t.domain, inside, 0, t.size})
		case !t.same(was):
			found(change{"changed", t.domain, inside, was.size, t.size})
		}
	}
	for path, t := range older {
		if _, has := newer[path]; !has {
			found(change{"removed", t.domain, strings.TrimPrefix(path, t.domain+"/"), t.size, 0})
		}
	}
	return nil
}

// traits reads what tells changes from a backup's manifest.
func (h *Host) traits(ctx context.Context, b russet.Backup) (traits map[string]trait, err error) {
	view, err := h.openView(ctx, b)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, view)
	traits = map[string]trait{}
	err = view.each(ctx, func(r *mobilesync.Record) {
		if r.Kind == mobilesync.File {
			traits[pathOf(r)] = traitOf(r)
		}
	})
	return traits, err
}
