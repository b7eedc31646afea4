//go:build unix

package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"russet"
)

// copying is a store with two backups of a device, and another to which the
// first has been copied.
type copying struct {
	from     russet.Store
	dir      string // of the other
	backups  []russet.Backup
	contents []Folder
}

func newCopying(t *testing.T, from, to Opener) *copying {
	c := &copying{dir: fastDir(t), contents: []Folder{Day(t, 1), Day(t, 2)}}
	var err error
	if c.from, err = from(fastDir(t), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.from.Close(); err != nil {
			t.Error(err)
		}
	})
	dest, err := to(c.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n, folder := range c.contents {
		b, err := Backup(t.Context(), c.from, Device, folder)
		if c.backups = append(c.backups, b); err == nil && n == 0 {
			err = c.copy(t.Context(), dest, n)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := dest.Close(); err != nil {
		t.Fatal(err)
	}
	return c
}

// copy copies the n-th backup.
func (c *copying) copy(ctx context.Context, dest russet.Store, n int) error {
	opened, err := c.from.Open(ctx, c.backups[n].ID)
	if err != nil {
		return err
	}
	_, err = dest.Import(ctx, opened.Folder(), russet.ImportOptions{ID: c.backups[n].ID})
	return errors.Join(err, opened.Close())
}

// Copies breaks the copy of a backup, to a store that has the backup before, at
// changes on disk: with an error of that one change, with a disk that is full,
// by dying there, and by a power cut. Each time the earlier copy is found whole
// and the new one whole or not at all, and copying again succeeds. sample is how
// many points are tried unless all are asked for.
func Copies(t *testing.T, from, to Opener, sample int) {
	c := newCopying(t, from, to)
	var count atomic.Int64
	if err := c.try(t, to, c.clone(t), fault{}.at(-1, &count)); err != nil {
		t.Fatal(err)
	}
	total := int(count.Load())
	t.Logf("a copy makes %d changes on disk", total)
	ways := len(faultKinds) + 1
	each(t, choose(total*ways, sample), func(t *testing.T, point int) {
		dir, n := c.clone(t), int64(point/ways)
		if point%ways == len(faultKinds) {
			power := &cut{dir: dir, last: n, safe: map[uint64]int64{}}
			power.sync("")
			if err := c.try(t, to, dir, power.before); err != nil && !errors.Is(err, errDark) {
				t.Errorf("a power cut at change %d is reported as %v", n, err)
			}
			power.lose(t, rand.New(rand.NewPCG(seed, uint64(n))))
			c.inspect(t, to, dir, fmt.Sprintf("a power cut at change %d", n))
			return
		}
		kind := faultKinds[point%ways]
		var count atomic.Int64
		if err := c.try(t, to, dir, kind.at(n, &count)); err != nil && !errors.Is(err, kind.err) && russet.KindOf(err) == russet.Failed {
			t.Errorf("%s at change %d is reported as %v", kind.name, n, err)
		}
		c.inspect(t, to, dir, fmt.Sprintf("%s at change %d", kind.name, n))
	})
}

// clone copies the store that is copied to, for one fault.
func (c *copying) clone(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(fastDir(t), "store")
	if err := os.CopyFS(dir, os.DirFS(c.dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// try makes the second copy.
func (c *copying) try(t *testing.T, to Opener, dir string, before func(op, name string) error) error {
	dest, err := to(dir, before)
	if err != nil {
		return err
	}
	return errors.Join(c.copy(t.Context(), dest, 1), dest.Close())
}

// inspect looks at the store after a failure, and copies again.
func (c *copying) inspect(t *testing.T, to Opener, dir, after string) {
	t.Helper()
	dest, err := to(dir, nil)
	if err != nil {
		t.Fatalf("after %s the store does not open: %v", after, err)
	}
	defer dest.Close()
	c.whole(t, dest, after, 1)
	if err := c.copy(t.Context(), dest, 1); err != nil {
		t.Fatalf("after %s copying again ends with %v", after, err)
	}
	c.whole(t, dest, after+" and another copy", 2)
	for _, b := range c.backups {
		report, err := dest.Verify(t.Context(), b.ID, russet.VerifyOptions{Full: true})
		if err != nil || len(report.Problems) > 0 {
			t.Errorf("after %s and another copy %s verifies as %+v, %v", after, b.ID, report.Problems, err)
		}
	}
}

// whole checks that every backup that is listed is what it was, and that there
// are at least so many.
func (c *copying) whole(t *testing.T, dest russet.Store, after string, least int) {
	t.Helper()
	all, err := dest.Backups(t.Context(), Device)
	if err != nil || len(all) < least {
		t.Fatalf("after %s there are %d backups, %v", after, len(all), err)
	}
	for i, b := range all {
		opened, err := dest.Open(t.Context(), b.ID)
		if err != nil || i >= len(c.backups) || b.ID != c.backups[i].ID {
			t.Fatalf("after %s, the backup %s does not open or is none of those that were copied: %v", after, b.ID, err)
		}
		if diff := differ(Read(t, opened.Folder()), c.contents[i]); diff != "" {
			t.Errorf("after %s the backup %s is not what it was: %s", after, b.ID, diff)
		}
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	}
}
