package depot

import (
	"context"
	"fmt"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/content"

	"russet/internal/vault/backend"
)

// Salvage indexes the packs that no index refers to (each carries its own
// index): what a run that was killed had uploaded, or everything after the
// indexes were lost. A pack whose own index cannot be read is passed over: it
// was cut off while it was written. What nobody refers to in the end is
// collected by Maintain.
func (d *Depot) Salvage(ctx context.Context) (packs, contents int, err error) {
	err = d.direct(ctx, "salvage", func(ctx context.Context, w repo.DirectRepositoryWriter) error {
		m := w.ContentManager()
		return m.IterateUnreferencedPacks(ctx, content.PackBlobIDPrefixes, 1, func(b blob.Metadata) error {
			found, err := m.RecoverIndexFromPackBlob(ctx, b.BlobID, b.Length, true)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				d.log.Warn("a pack cannot be salvaged", "pack", b.BlobID, "bytes", b.Length, "err", err)
				return nil
			}
			packs++
			contents += len(found)
			return nil
		})
	})
	if err != nil {
		return 0, 0, fmt.Errorf("salvage packs: %w", err)
	}
	return packs, contents, nil
}

// direct runs work in a session of its own and flushes it when it succeeds.
func (d *Depot) direct(ctx context.Context, purpose string, work func(context.Context, repo.DirectRepositoryWriter) error) error {
	return backend.Bounded(ctx, func(ctx context.Context) error {
		return repo.DirectWriteSession(ctx, d.rep, repo.WriteSessionOptions{Purpose: purpose}, work)
	})
}

// BadContent is a chunk that cannot be read.
type BadContent struct {
	ID, Pack string
	Err      error
}

// Heal marks chunks as deleted, so that the next write of the same data
// stores it again, which mends every version that has it. Full maintenance
// fails between the two: it wants to bring back what versions refer to.
func (d *Depot) Heal(ctx context.Context, contents []string) error {
	err := d.direct(ctx, "heal", func(ctx context.Context, w repo.DirectRepositoryWriter) error {
		for _, name := range contents {
			id, err := content.ParseID(name)
			if err != nil {
				return err
			}
			if err := w.ContentManager().DeleteContent(ctx, id); err != nil {
				return fmt.Errorf("%v: %w", id, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("give up damaged chunks: %w", err)
	}
	return nil
}
