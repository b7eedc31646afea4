package depot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	straightPrefix = "straight-"
	straightCache  = 64 << 20
	leftAfter      = 7 * 24 * time.Hour // a folder of a process that was killed
)

// Straight lends the repository as the storage has it now: what was read before
// does not answer for it. A copy that is far away keeps what it reads itself, so
// that packs of many small chunks are fetched once.
func (d *Depot) Straight(ctx context.Context, use func(*Depot) error) error {
	if d.straight {
		return use(d)
	}
	if !d.opts.Cache {
		s := newDepot(d.rep, d.st, d.opts)
		s.straight = true
		return use(s)
	}
	d.removeLeft()
	dir, err := os.MkdirTemp(d.opts.State, straightPrefix)
	if err != nil {
		return fmt.Errorf("read the storage itself: %w", err)
	}
	defer os.RemoveAll(dir)
	opts := d.opts
	opts.State, opts.CacheBytes = dir, straightCache
	s, err := open(ctx, d.st, d.password, opts)
	if err != nil {
		return err
	}
	s.straight = true
	return errors.Join(use(s), s.Close(ctx))
}

func (d *Depot) removeLeft() {
	entries, err := os.ReadDir(d.opts.State)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), straightPrefix) && time.Since(info.ModTime()) > leftAfter {
			os.RemoveAll(filepath.Join(d.opts.State, e.Name())) // another attempt comes
		}
	}
}
