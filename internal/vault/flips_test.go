package vault_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"russet"
	"russet/internal/vault"
)

// flipped is one bit of one blob.
type flipped struct {
	file string // below the vault
	at   int64
}

// choose picks bits of every blob of these kinds, n of each kind, seeded.
func choose(tb testing.TB, h *hurt, rnd *rand.Rand, n int, kinds ...string) []flipped {
	tb.Helper()
	var list []flipped
	for _, kind := range kinds {
		files := blobs(tb, h.dir, kind)
		if len(files) == 0 {
			tb.Fatalf("there is no blob %s…", kind)
		}
		var total int64
		sizes := make([]int64, len(files))
		for i, f := range files {
			info, err := os.Stat(f)
			must(tb, err)
			sizes[i] = info.Size()
			total += info.Size()
		}
		for i := range n {
			f := i // each blob once, then where the bytes are
			at := int64(0)
			if i < len(files) {
				at = rnd.Int64N(sizes[f])
			} else {
				at = rnd.Int64N(total)
				for f = 0; at >= sizes[f]; f++ {
					at -= sizes[f]
				}
			}
			rel, err := filepath.Rel(h.dir, files[f])
			must(tb, err)
			list = append(list, flipped{rel, at})
		}
	}
	return list
}

// TestFlips turns over single bits all over a vault. Each is found, when the
// vault is opened or verified in full, or changes nothing that anybody reads:
// kopia fills its packs up with noise, and keeps a second index at their ends.
func TestFlips(t *testing.T) {
	t.Parallel()
	h := newHurt(t)
	v := h.open(t, h.dir, vault.Options{})
	_, err := v.Maintain(t.Context(), true) // what no backup refers to, nobody looks at
	must(t, err)
	rnd := rand.New(rand.NewPCG(20260101, 1))
	var found, harmless int
	var quiet []string
	count := func(f flipped, c condition, again bool) bool {
		switch {
		case c.wrong > 0:
			t.Errorf("a bit of %s at %d: %v", f.file, f.at, c)
		case !c.well(h):
			found++
		case again:
			return false
		case len(c.unread) > 0:
			t.Errorf("a bit of %s at %d: nothing was found, and %v cannot be read", f.file, f.at, c.unread)
		default:
			harmless++
			quiet = append(quiet, fmt.Sprintf("%.12s…+%d", strings.ReplaceAll(f.file, "/", ""), f.at))
		}
		return true
	}
	// Packs of data are read anew every time: the vault can stay open.
	for _, f := range choose(t, h, rnd, 50, "p") {
		flip(t, filepath.Join(h.dir, f.file), f.at)
		count(f, h.glance(t, v), false)
		flip(t, filepath.Join(h.dir, f.file), f.at)
	}
	// Of metadata much is remembered.
	var rest []flipped
	for _, f := range choose(t, h, rnd, 55, "q") {
		flip(t, filepath.Join(h.dir, f.file), f.at)
		if !count(f, h.glance(t, v), true) {
			rest = append(rest, f)
		}
		flip(t, filepath.Join(h.dir, f.file), f.at)
	}
	must(t, v.Close())
	rest = append(rest, choose(t, h, rnd, 20, "x")...)
	rest = append(rest, choose(t, h, rnd, 15, "kopia.repository", "kopia.blobcfg")...)
	var group sync.WaitGroup
	var mu sync.Mutex
	work := make(chan flipped)
	for range 2 {
		dir := h.copy(t, "bare")
		group.Go(func() {
			for f := range work {
				flip(t, filepath.Join(dir, f.file), f.at)
				v, err := h.try(dir, vault.Options{})
				c := condition{open: err}
				if err == nil {
					c = h.glance(t, v)
					must(t, v.Close())
				}
				flip(t, filepath.Join(dir, f.file), f.at)
				mu.Lock()
				count(f, c, false)
				mu.Unlock()
			}
		})
	}
	for _, f := range rest {
		work <- f
	}
	close(work)
	group.Wait()
	t.Logf("%d flips were found, %d change nothing: %v", found, harmless, quiet)
}

// glance verifies the vault in full; only when that finds nothing it reads all
// files.
func (h *hurt) glance(t *testing.T, v *vault.Store) (c condition) {
	all, err := v.Backups(context.Background(), "")
	if c.list = err; err != nil {
		return c
	}
	for _, b := range all {
		if b.Problem != "" {
			c.full++
		}
	}
	if len(all) != len(h.made) {
		c.full++
	}
	for _, b := range h.made {
		report, err := v.Verify(context.Background(), b.ID, russet.VerifyOptions{Full: true})
		c.full += len(report.Problems)
		if err != nil {
			c.full++
		}
	}
	if c.full > 0 {
		return c
	}
	for i, b := range h.made {
		h.read(t, v, b, h.folders[i], &c)
	}
	c.unread, err = vault.BadChunks(context.Background(), v)
	must(t, err)
	return c
}
