package folder

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"russet"
	"russet/internal/durable"
)

// held is what a store has already of a backup that is copied to it from a vault:
// the files of the nearest backup of the same device that have the SHA-256 which
// the vault's index gives. They are read for that, here, and not where they come
// from; what this store noted of them proves nothing, for others write here too.
type held struct {
	from    russet.Summed
	base    *durable.Dir
	noShare bool // this file system cannot share blocks
}

// held finds what there is to take from; nil if there is nothing.
func (s *Store) held(fsys fs.FS, all []*found, rec *record) *held {
	from, ok := fsys.(russet.Summed)
	if !ok {
		return nil
	}
	var last *found
	for _, f := range all {
		if f.facts.Problem != "" {
			continue
		}
		if last != nil && f.rec.Time.After(rec.Time) {
			break
		}
		last = f
	}
	if last == nil {
		return nil
	}
	base, err := s.dir.Sub(last.folder)
	if err != nil {
		return nil // deleted or exchanged meanwhile
	}
	return &held{from: from, base: base}
}

func (h *held) close() error {
	if h == nil {
		return nil
	}
	return h.base.Close()
}

// take copies a file from the backup that is there already, if it is the one
// that is to be copied; else there is nothing of it yet.
func (c *copier) take(name string, dir *durable.Dir, leaf string) (size int64, when time.Time, taken bool, err error) {
	if c.held == nil {
		return 0, when, false, nil
	}
	want, size, known := c.held.from.StoredSum(name)
	info, err := fs.Stat(c.from, name)
	if !known || err != nil {
		return 0, when, false, nil // reading it will tell
	}
	src, err := c.held.open(name, size)
	if err != nil {
		return 0, when, false, nil //nolint:nilerr // then there is nothing to take
	}
	defer src.Close()
	sum, taken, err := c.same(src, size, want, dir, leaf)
	if taken {
		c.sums.add(sumEntry{name: path.Clean(name), size: size, sum: sum, known: true})
	}
	return size, info.ModTime(), taken, err
}

// open opens a file of that size.
func (h *held) open(name string, size int64) (*os.File, error) {
	f, err := openRegular(h.base.FS(), name)
	if err != nil {
		return nil, err
	}
	file, ok := f.(*os.File)
	if info, err := f.Stat(); !ok || err != nil || info.Size() != size {
		return nil, errors.Join(fs.ErrNotExist, err, f.Close())
	}
	return file, nil
}

// same copies a file of this store if its SHA-256 is the one that is wanted, and
// leaves nothing if it is not.
func (c *copier) same(src *os.File, size int64, want [sha256.Size]byte, dir *durable.Dir, leaf string) (sum [16]byte, ok bool, err error) {
	is := sha256.New()
	matches := func(n int64) bool { return n == size && bytes.Equal(is.Sum(nil), want[:]) }
	if !c.held.noShare {
		n, sum, err := hashFile(readerOf(c.ctx, src), c.buf, is)
		if err != nil || !matches(n) {
			return sum, false, c.ctx.Err()
		}
		if c.share(src, dir, leaf) {
			return sum, true, nil // what is written meanwhile is found when all is read back
		}
		c.held.noShare = true
		is.Reset()
		if _, err := src.Seek(0, io.SeekStart); err != nil {
			return sum, false, err
		}
	}
	n, sum, err := c.bytes(readerOf(c.ctx, src), dir, leaf, is)
	if err == nil && matches(n) {
		return sum, true, nil
	}
	if err != nil && (c.ctx.Err() != nil || durable.IsFull(err)) {
		return sum, false, err
	}
	return sum, false, dir.Remove(leaf) // it cannot be read here, or is another
}
