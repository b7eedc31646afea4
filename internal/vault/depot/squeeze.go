package depot

import (
	"context"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/content"
	"github.com/kopia/kopia/repo/maintenance"
)

// deadPercent is how much of a pack must be dead for it to be written anew
// when space is wanted at once.
const deadPercent = 20

// squeeze writes anew what is alive in packs that are partly dead, and removes
// the old ones. Kopia's own maintenance does that only to packs that are small,
// and gave back less than half of what was dead. Only with nobody else writing.
func (d *Depot) squeeze(ctx context.Context) error {
	return d.direct(ctx, "squeeze", func(ctx context.Context, w repo.DirectRepositoryWriter) error {
		move, err := d.partlyDead(ctx, w)
		if err != nil || len(move) == 0 {
			return err
		}
		// Rewriting flushes before it returns: the old packs go only after.
		_, err = maintenance.RewriteContents(ctx, w, &maintenance.RewriteContentsOptions{
			ContentIDs: move, Parallel: cap(d.slots),
		}, maintenance.SafetyNone)
		if err != nil {
			return err
		}
		_, err = maintenance.DeleteUnreferencedPacks(ctx, w, maintenance.DeleteUnreferencedPacksOptions{}, maintenance.SafetyNone)
		return err
	})
}

// partlyDead lists what is alive in packs that are not worth their size.
func (d *Depot) partlyDead(ctx context.Context, w repo.DirectRepositoryWriter) ([]content.ID, error) {
	sizes, err := d.packSizes(ctx)
	if err != nil {
		return nil, err
	}
	var all []content.Info
	live := make(map[blob.ID]int64)
	err = w.ContentReader().IterateContents(ctx, content.IterateOptions{}, func(i content.Info) error {
		all = append(all, i)
		live[i.PackBlobID] += int64(i.PackedLength)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var move []content.ID
	for _, i := range all {
		// Small packs are full of their own index and padding, not of the dead.
		size := sizes[i.PackBlobID]
		if size > 1<<20 && live[i.PackBlobID] < size*(100-deadPercent)/100 {
			move = append(move, i.ContentID)
		}
	}
	return move, nil
}
