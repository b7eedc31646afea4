package host

import (
	"context"
	"slices"
	"strings"

	"russet"
)

// Amount counts files and their bytes.
type Amount struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

func (a *Amount) add(n int64) { a.Files++; a.Bytes += n }

// Change is a file that is not the same in two backups.
type Change struct {
	Kind string `json:"kind"` // "added", "removed" or "changed"
	Path string `json:"path"`
	Was  int64  `json:"was"`  // size in the first; 0 when added
	Size int64  `json:"size"` // size in the second; 0 when removed
}

// Diff is what changed from one backup to another.
type Diff struct {
	From    russet.BackupID `json:"from"`
	To      russet.BackupID `json:"to"`
	Added   Amount          `json:"added"`
	Removed Amount          `json:"removed"`
	Changed Amount          `json:"changed"`
	Changes []Change        `json:"changes"` // by path
}

// Diff compares two backups file by file: two of vaults by what is in the
// files, others by size and time.
func (h *Host) Diff(ctx context.Context, from, to Which) (Diff, error) {
	old, err := h.FindBackup(ctx, from)
	if err != nil {
		return Diff{}, err
	}
	now, err := h.FindBackup(ctx, to)
	if err != nil {
		return Diff{}, err
	}
	d := Diff{From: old.ID, To: now.ID, Changes: []Change{}}
	err = h.compare(ctx, old, now, func(c change) {
		switch c.kind {
		case "added":
			d.Added.add(c.size)
		case "removed":
			d.Removed.add(c.was)
		default:
			d.Changed.add(c.size)
		}
		d.Changes = append(d.Changes, Change{Kind: c.kind, Path: c.name(), Was: c.was, Size: c.size})
	})
	slices.SortFunc(d.Changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return d, err
}
