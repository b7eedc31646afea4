package host

import (
	"context"
	"fmt"

	"russet"
)

// Archive keeps a backup until a person says otherwise.
func (h *Host) Archive(ctx context.Context, which Which, note string) (russet.Backup, error) {
	b, store, err := h.toChange(ctx, which)
	if err != nil {
		return b, err
	}
	if b.Draft {
		return b, &russet.Error{
			Kind: russet.Usage, What: "an unfinished backup cannot be archived",
			Hint: "back the phone up again; the next run goes on from there",
		}
	}
	return store.Archive(ctx, b.ID, note)
}

// Unarchive makes an archived backup deletable again.
func (h *Host) Unarchive(ctx context.Context, which Which) (russet.Backup, error) {
	b, store, err := h.toChange(ctx, which)
	if err != nil {
		return b, err
	}
	if !b.Archived {
		return b, &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("backup %s is not archived", shortID(b.ID)),
			Hint: `"russet backups" shows which are`,
		}
	}
	return store.Unarchive(ctx, b.ID)
}

// Delete removes a backup, or what an unfinished run left, for good.
func (h *Host) Delete(ctx context.Context, b russet.Backup) error {
	store, err := h.storeOf(ctx, b)
	if err != nil {
		return err
	}
	if b.Archived {
		return &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("backup %s is archived", shortID(b.ID)),
			Hint: fmt.Sprintf(`take that back first: "russet unarchive %s"`, shortID(b.ID)),
		}
	}
	return store.Delete(ctx, b.ID)
}

// toChange finds a backup that is about to be changed. One that is in several
// stores must be named together with its store.
func (h *Host) toChange(ctx context.Context, which Which) (russet.Backup, russet.Store, error) {
	b, err := h.FindBackup(ctx, which)
	if err != nil {
		return b, nil, err
	}
	if err := h.onlyOne(ctx, which, b); err != nil {
		return b, nil, err
	}
	store, err := h.storeOf(ctx, b)
	return b, store, err
}

// onlyOne refuses to guess which of two copies is meant.
func (h *Host) onlyOne(ctx context.Context, which Which, b russet.Backup) error {
	if which.Store != "" {
		return nil
	}
	all, err := h.Backups(ctx, "", b.Device, true)
	if err != nil {
		return err
	}
	for _, o := range all {
		if o.ID == b.ID && o.Store != b.Store {
			return &russet.Error{
				Kind: russet.Usage, What: fmt.Sprintf("backup %s is in the stores %q and %q", shortID(b.ID), b.Store, o.Store),
				Hint: "say which one with --store NAME",
			}
		}
	}
	return nil
}

// ToDelete finds the backup that a person wants deleted, and says whether it
// is the last finished one of its device.
func (h *Host) ToDelete(ctx context.Context, which Which) (b russet.Backup, last bool, err error) {
	b, _, err = h.toChange(ctx, which)
	if err != nil || b.Draft {
		return b, false, err
	}
	all, err := h.Backups(ctx, "", b.Device, false)
	return b, len(all) == 1, err
}
