package depot

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/content"

	"russet/internal/vault/backend"
)

// VerifyContents checks that every chunk lies inside an existing pack and
// reads percent of them. progress (may be nil) is told how many of all chunks
// are done. It reads the storage itself.
func (d *Depot) VerifyContents(ctx context.Context, percent float64, progress func(done, all int)) ([]BadContent, error) {
	var bad []BadContent
	verify := func(d *Depot) (err error) {
		bad, err = d.verifyContents(ctx, percent, progress)
		return err
	}
	err := d.Straight(ctx, verify)
	if err != nil {
		return nil, fmt.Errorf("verify chunks: %w", err)
	}
	slices.SortFunc(bad, func(a, b BadContent) int { return strings.Compare(a.ID, b.ID) })
	return bad, nil
}

func (d *Depot) verifyContents(ctx context.Context, percent float64, progress func(done, all int)) ([]BadContent, error) {
	// The index first: a pack is stored before it is indexed, so one that is
	// listed afterwards and missing is gone.
	all, err := d.liveContents(ctx)
	if err != nil {
		return nil, err
	}
	packs, err := d.packSizes(ctx)
	if err != nil {
		return nil, err
	}
	v := verifier{d: d, percent: percent, packs: packs, all: len(all), progress: progress}
	// By place in the packs, for disks that must seek.
	slices.SortFunc(all, func(a, b content.Info) int {
		if c := strings.Compare(string(a.PackBlobID), string(b.PackBlobID)); c != 0 {
			return c
		}
		return int(a.PackOffset) - int(b.PackOffset)
	})
	const step = 64
	workers, work := cap(d.slots), make(chan []content.Info)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for run := range work {
				v.check(ctx, run)
			}
		})
	}
	for run := range slices.Chunk(all, step) {
		if ctx.Err() != nil {
			break
		}
		work <- run
	}
	close(work)
	wg.Wait()
	return v.bad, ctx.Err()
}

// Complete reports whether every pack is there, and long enough, that the index
// in hand speaks of. It takes one list of packs and little memory. A no may come
// from an index that others have replaced meanwhile: VerifyContents tells.
func (d *Depot) Complete(ctx context.Context) (bool, error) {
	ends := make(map[blob.ID]int64)
	err := d.eachContent(ctx, func(i content.Info) error {
		ends[i.PackBlobID] = max(ends[i.PackBlobID], int64(i.PackOffset)+int64(i.PackedLength))
		return nil
	})
	var packs map[blob.ID]int64
	if err == nil && len(ends) > 0 {
		packs, err = d.packSizes(ctx)
	}
	if err != nil {
		return false, fmt.Errorf("look for the packs: %w", err)
	}
	for pack, end := range ends {
		if size, there := packs[pack]; !there || size < end {
			return false, nil
		}
	}
	return true, nil
}

// liveContents lists what the index knows and has not deleted.
func (d *Depot) liveContents(ctx context.Context) ([]content.Info, error) {
	var all []content.Info
	err := d.eachContent(ctx, func(i content.Info) error {
		all = append(all, i)
		return nil
	})
	return all, err
}

func (d *Depot) eachContent(ctx context.Context, each func(content.Info) error) error {
	return backend.Bounded(ctx, func(ctx context.Context) error {
		return d.rep.ContentReader().IterateContents(ctx, content.IterateOptions{}, each)
	})
}

func (d *Depot) packSizes(ctx context.Context) (map[blob.ID]int64, error) {
	packs := make(map[blob.ID]int64)
	for _, prefix := range content.PackBlobIDPrefixes {
		err := d.st.ListBlobs(ctx, prefix, func(m blob.Metadata) error {
			packs[m.BlobID] = m.Length
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return packs, nil
}

type verifier struct {
	d        *Depot
	percent  float64
	packs    map[blob.ID]int64
	all      int
	progress func(done, all int)

	mu   sync.Mutex
	bad  []BadContent
	done int
}

func (v *verifier) check(ctx context.Context, run []content.Info) {
	for _, i := range run {
		err := v.one(ctx, i)
		v.mu.Lock()
		if err != nil && ctx.Err() == nil {
			v.bad = append(v.bad, BadContent{ID: i.ContentID.String(), Pack: string(i.PackBlobID), Err: err})
		}
		v.done++
		if v.progress != nil && (v.done%100 == 0 || v.done == v.all) {
			v.progress(v.done, v.all)
		}
		v.mu.Unlock()
	}
}

func (v *verifier) one(ctx context.Context, i content.Info) error {
	size, ok := v.packs[i.PackBlobID]
	if !ok {
		return fmt.Errorf("%w: the pack is missing", ErrDamaged)
	}
	if end := int64(i.PackOffset) + int64(i.PackedLength); end > size {
		return fmt.Errorf("%w: the pack ends at %d, before %d", ErrDamaged, size, end)
	}
	if v.percent <= 0 || rand.Float64()*100 >= v.percent {
		return nil
	}
	err := backend.Bounded(ctx, func(ctx context.Context) error {
		_, err := v.d.rep.ContentReader().GetContent(ctx, i.ContentID)
		return err
	})
	if err != nil {
		return damaged(err)
	}
	return nil
}

// Stats is how much the repository holds.
type Stats struct {
	Bytes    int64 // packed bytes of live chunks
	Contents int
	Packs    int
}

// Stats adds up what the index knows.
func (d *Depot) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	packs := make(map[blob.ID]bool)
	err := d.eachContent(ctx, func(i content.Info) error {
		s.Bytes += int64(i.PackedLength)
		s.Contents++
		packs[i.PackBlobID] = true
		return nil
	})
	if err != nil {
		return Stats{}, fmt.Errorf("add up contents: %w", err)
	}
	s.Packs = len(packs)
	return s, nil
}
