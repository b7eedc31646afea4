package host

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"russet"
	"russet/mobilesync"
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

// trait is what tells whether a file changed: the device decides by the time
// of modification, and so do we; the digest is known for some.
type trait struct {
	size, modified int64
	digest         [20]byte
	digested       bool
}

func traitOf(r *mobilesync.Record) trait {
	t := trait{size: sizeOf(r), modified: r.Modified, digested: len(r.Digest) == 20 && len(r.EncryptionKey) == 0}
	if t.digested {
		copy(t.digest[:], r.Digest)
	}
	return t
}

func (t trait) same(o trait) bool {
	if t.digested && o.digested && !bytes.Equal(t.digest[:], o.digest[:]) {
		return false
	}
	return t.size == o.size && t.modified == o.modified
}

// Diff compares two backups file by file, by size and time.
func (h *Host) Diff(ctx context.Context, from, to Which) (Diff, error) {
	older, old, err := h.traits(ctx, from)
	if err != nil {
		return Diff{}, err
	}
	newer, now, err := h.traits(ctx, to)
	if err != nil {
		return Diff{}, err
	}
	d := Diff{From: old.ID, To: now.ID, Changes: []Change{}}
	for path, t := range newer {
		was, had := older[path]
		switch {
		case !had:
			d.Added.add(t.size)
			d.Changes = append(d.Changes, Change{Kind: "added", Path: path, Size: t.size})
		case !t.same(was):
			d.Changed.add(t.size)
			d.Changes = append(d.Changes, Change{Kind: "changed", Path: path, Was: was.size, Size: t.size})
		}
	}
	for path, t := range older {
		if _, has := newer[path]; !has {
			d.Removed.add(t.size)
			d.Changes = append(d.Changes, Change{Kind: "removed", Path: path, Was: t.size})
		}
	}
	slices.SortFunc(d.Changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return d, nil
}

// traits reads what tells changes from a backup's manifest.
func (h *Host) traits(ctx context.Context, which Which) (traits map[string]trait, b russet.Backup, err error) {
	view, err := h.openWhich(ctx, which)
	if err != nil {
		return nil, b, err
	}
	defer closeInto(&err, view)
	traits = map[string]trait{}
	err = view.each(ctx, func(r *mobilesync.Record) {
		if r.Kind == mobilesync.File {
			traits[pathOf(r)] = traitOf(r)
		}
	})
	return traits, view.about, err
}
