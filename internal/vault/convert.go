package vault

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"russet"
	"russet/internal/facts"
	"russet/internal/overlay"
	"russet/internal/vault/depot"
	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

// Converted is what Convert did.
type Converted struct {
	Backups int   // that were changed
	Bytes   int64 // that were ciphertext and no longer are
}

// Convert turns what is still kept as ciphertext although its key is known into
// content: files that went through a spool that was full, and whole backups
// whose password has become known. The backups stay what they are, to the last
// bit of what they give back. Broken off it goes on where it was: what it has
// stored is not stored again.
func (s *Store) Convert(ctx context.Context, pass russet.Passwords) (Converted, error) {
	var done Converted
	all, err := s.versions(ctx)
	if err != nil {
		return done, s.explain(err, "convert what is kept as ciphertext")
	}
	var failed error
	for _, v := range all {
		if v.problem != "" || (v.rec.Pending == 0 && !v.rec.Locked) {
			continue
		}
		n, err := s.convert(ctx, v, pass)
		if err != nil {
			// What is wrong with one backup does not concern the others.
			failed = errors.Join(failed, s.explain(err, fmt.Sprintf("convert the backup %s", v.rec.ID)))
			if ctx.Err() != nil {
				break
			}
			continue
		}
		if n > 0 {
			done.Backups++
			done.Bytes += n
		}
	}
	return done, failed
}

// Pending reports whether Convert would have something to do: bytes of
// ciphertext whose keys are known, and backups whose password is not.
func (s *Store) Pending(ctx context.Context) (bytes int64, locked int, err error) {
	all, err := s.versions(ctx)
	for _, v := range all {
		bytes += v.rec.Pending
		if v.rec.Locked {
			locked++
		}
	}
	return bytes, locked, err
}

func (s *Store) convert(ctx context.Context, v *version, pass russet.Passwords) (int64, error) {
	lock, err := s.books.LockBackup(v.rec.ID, true, "convert a backup")
	if err != nil {
		if russet.KindOf(err) == russet.Busy {
			err = nil
		}
		return 0, err
	}
	defer lock.Unlock() //nolint:errcheck // it lets go in any case
	t := openTree(ctx, s.depot, v.Root, v.rec.Time)
	var b *mobilesync.Backup
	if v.rec.Locked {
		if b, err = facts.OpenBackup(ctx, t, v.rec.Device, pass, nil, false); err != nil {
			return 0, err
		}
		if b.Locked() {
			return 0, b.Close()
		}
	} else if b, err = mobilesync.Open(ctx, t, mobilesync.Options{}); err != nil {
		return 0, err
	}
	defer b.Close()
	from := &treeArrivals{t: t}
	before := v.rec
	v.rec.Size, v.rec.Files, v.rec.Pending, v.rec.Locked, v.rec.Unchecked = 0, 0, 0, false, nil
	label := newLabel()
	err = s.change(ctx, "convert", func(w *session) (err error) {
		defer func() {
			if err != nil {
				s.withdraw(ctx, label)
			}
		}()
		from.w = w
		c := &builder{ctx: ctx, s: s, w: w, start: v.Start, from: from, b: b, v: v, keys: b.Keys(), label: label}
		c.partial = []depot.Entry{{Name: ownDir, Dir: true, ID: v.Root}}
		root, err := c.build()
		if err != nil {
			return err
		}
		if err := w.Flush(ctx); err != nil {
			return err
		}
		if !before.Locked {
			v.rec.Unchecked = before.Unchecked
		}
		v.Root, v.RootSize, v.Files, v.Dirs = root.ID, root.Size, root.Files, root.Dirs
		if err := v.mark(); err != nil {
			return err
		}
		v.End = time.Now().UTC()
		if err := s.release(ctx, w, c.label); err != nil {
			return err
		}
		return w.UpdateVersion(ctx, &v.Version)
	})
	return from.converted, err
}

// treeArrivals are the files of a version that is converted.
type treeArrivals struct {
	t         *tree
	w         *session
	converted int64
	since     int64
}

func (a *treeArrivals) list(name string) ([]overlay.Item, error) {
	f, err := a.t.folder(path.Join(".", name))
	if err != nil {
		return nil, err
	}
	items := make([]overlay.Item, len(f.items))
	for i, it := range f.items {
		items[i] = overlay.Item{Name: it.name, Folder: it.dir}
	}
	return items, nil
}

func (a *treeArrivals) ready(*builder, string, []overlay.Item, []mobilesync.Record) error { return nil }

func (a *treeArrivals) file(c *builder, name string, _ overlay.Item, row *mobilesync.Record) (entry, error) {
	it, err := a.t.lookup(name)
	if err != nil {
		return entry{}, err
	}
	if it.entry == nil {
		return entry{}, fmt.Errorf("%w: it does not know %q", errIndex, name)
	}
	e := *it.entry
	if row != nil {
		e.Domain, e.Path = row.Domain, row.Path
	}
	if name == facts.ManifestDB || name == facts.ManifestPlist {
		return a.manifest(c, e)
	}
	key := e.Key.key
	if key == nil && row != nil && e.Why == whyPassword {
		var why string
		if key, why = keyOf(row, c.keys); key == nil {
			e.Why = why
			return e, nil
		}
	}
	if key == nil || (e.Why != whyPending && e.Why != whyPassword) {
		return e, nil
	}
	return a.turn(c, e, key, row)
}

// turn makes content of one file.
func (a *treeArrivals) turn(c *builder, e entry, key *keybag.Key, row *mobilesync.Record) (entry, error) {
	src, err := c.s.depot.Reader(c.ctx, e.id)
	if err != nil {
		return e, err
	}
	s, err := a.w.stow(c.ctx, readerSource{src}, key, &e.Sum, e.Path)
	if err = errors.Join(err, src.Close()); err != nil {
		return e, fmt.Errorf("convert %q: %w", e.title(), err)
	}
	s.settle(row)
	e.take(&s, key)
	a.converted += e.Stored
	if a.since += e.Stored; a.since >= flushBytes {
		a.since = 0
		err = a.w.Flush(c.ctx)
	}
	return e, err
}

// manifest keeps a manifest as it is, or as content if that has become possible.
func (a *treeArrivals) manifest(c *builder, e entry) (entry, error) {
	if e.Rebuild == rebuildCBC || c.keys == nil {
		copies, err := c.s.copies(c.ctx, &version{Version: depot.Version{Root: a.t.root}})
		if err != nil {
			return e, err
		}
		c.copies = append(c.copies, depot.Entry{Name: e.Name, ID: copies[e.Name], Size: e.Size, ModTime: c.v.rec.Time})
		return e, nil
	}
	src, err := c.s.depot.Reader(c.ctx, e.id)
	if err != nil {
		return e, err
	}
	sum := e.Sum
	e.Why = ""
	e, err = c.manifest(e, nil, readerSource{src}, &sum)
	return e, errors.Join(err, src.Close())
}

type readerSource struct{ *depot.Reader }
