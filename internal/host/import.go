package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"russet"
	"russet/internal/vault"
)

// Imported is what became of one backup that was to be taken over.
type Imported struct {
	Path    string         `json:"path"`             // where it was found; of a copy, its store
	Backup  *russet.Backup `json:"backup,omitempty"` // as it is kept now
	Already bool           `json:"already"`          // it was there before
	Problem string         `json:"problem,omitempty"`
}

// Import takes over every backup found in dir and below. Those that cannot be
// are named; the error is about the worst of them, or about what stopped it
// all. The source is not changed.
func (h *Host) Import(ctx context.Context, dir string, st StoreSettings, progress func(Moved)) ([]Imported, error) {
	items := []Imported{}
	found, err := FindFolders(ctx, dir)
	if err != nil {
		return items, err
	}
	if len(found) == 0 {
		return items, &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("there is no backup in %q", dir),
			Hint: "name the folder that holds them: " + usualFolders,
		}
	}
	store, err := h.openStore(ctx, st)
	if err != nil {
		return items, err
	}
	had, err := h.idsIn(ctx, store)
	if err != nil {
		return items, err
	}
	return transfer(ctx, found, had, func(f Found) (Imported, error) { return h.importOne(ctx, store, f, progress) })
}

// transfer takes over one backup after the other. One that is refused does not
// keep the others out; what would meet the next too ends it.
func transfer[T any](ctx context.Context, all []T, had map[russet.BackupID]bool, take func(T) (Imported, error)) ([]Imported, error) {
	items := []Imported{}
	var refused error
	for _, one := range all {
		item, err := take(one)
		item.Already = item.Backup != nil && had[item.Backup.ID]
		if stops(ctx, err) {
			return items, err
		}
		if err != nil {
			item.Problem = err.Error()
			refused = errors.Join(refused, err)
		}
		items = append(items, item)
	}
	if refused == nil {
		return items, nil
	}
	return items, notAll(items, refused)
}

// stops reports whether an error would meet the next backup too.
func stops(ctx context.Context, err error) bool {
	kind := russet.KindOf(err)
	return ctx.Err() != nil || kind == russet.NoSpace || (err != nil && fileKind(err) == russet.NoSpace)
}

// notAll is the error of a transfer that left some out, of the first one's
// kind.
func notAll(items []Imported, err error) error {
	left := 0
	for _, i := range items {
		if i.Problem != "" {
			left++
		}
	}
	kind := russet.KindOf(err)
	if kind == russet.Failed {
		kind = fileKind(err)
	}
	return &russet.Error{
		Kind: kind, What: fmt.Sprintf("%d of %d were left out, see above", left, len(items)),
		Hint: "the others are taken over; nothing was changed where they come from", Err: err,
	}
}

func (h *Host) importOne(ctx context.Context, store russet.Store, f Found, progress func(Moved)) (item Imported, err error) {
	item.Path = f.Path
	if f.Problem != "" {
		return item, &russet.Error{Kind: f.kind, What: f.Problem}
	}
	root, err := os.OpenRoot(f.Path)
	if err != nil {
		return item, err
	}
	defer closeInto(&err, root)
	return h.take(ctx, store, item, root.FS(), russet.ImportOptions{Archived: true}, progress)
}

// idsIn lists the backups a store has.
func (h *Host) idsIn(ctx context.Context, store russet.Store) (map[russet.BackupID]bool, error) {
	backups, err := store.Backups(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("look at what the store has: %w", err)
	}
	ids := map[russet.BackupID]bool{}
	for _, b := range backups {
		ids[b.ID] = true
	}
	return ids, nil
}

// take hands a finished backup to a store. One that it has already comes back
// as it is.
func (h *Host) take(ctx context.Context, store russet.Store, item Imported, fsys fs.FS, opts russet.ImportOptions, progress func(Moved)) (Imported, error) {
	opts.Passwords = h.passwords
	if progress != nil {
		opts.Progress = func(files int, bytes int64) { progress(Moved{Files: files, Bytes: bytes}) }
	}
	b, err := store.Import(ctx, fsys, opts)
	if err != nil {
		return item, err
	}
	item.Backup = &b
	return item, nil
}

// Copy copies one backup, or all when none is named, from one store to
// another, where they keep their identity.
func (h *Host) Copy(ctx context.Context, which Which, to string, progress func(Moved)) ([]Imported, error) {
	items := []Imported{}
	if which.Store == to {
		return items, &russet.Error{Kind: russet.Usage, What: fmt.Sprintf("%q is the same store twice", to), Hint: "name two stores"}
	}
	st, err := h.Store(to)
	if err != nil {
		return items, err
	}
	dest, err := h.openStore(ctx, st)
	if err != nil {
		return items, err
	}
	backups, err := h.toSearch(ctx, which)
	if err != nil {
		return items, err
	}
	had, err := h.idsIn(ctx, dest)
	if err != nil {
		return items, err
	}
	return transfer(ctx, backups, had, func(b russet.Backup) (Imported, error) { return h.copyOne(ctx, dest, b, progress) })
}

func (h *Host) copyOne(ctx context.Context, dest russet.Store, b russet.Backup, progress func(Moved)) (item Imported, err error) {
	item.Path = b.Store
	contents, err := h.openBackup(ctx, b)
	if err != nil {
		return item, err
	}
	defer closeInto(&err, contents)
	item, err = h.take(ctx, dest, item, contents.Folder(), russet.ImportOptions{
		ID: b.ID, Archived: b.Archived, Note: b.Note,
	}, progress)
	if russet.KindOf(err) == russet.Failed && vault.IsDamage(err) {
		err = &russet.Error{
			Kind: russet.Damaged, Doing: "copy a backup", What: err.Error(), Err: err,
			Hint: fmt.Sprintf("russet verify %s --store %s --full says what is damaged", shortID(b.ID), b.Store),
		}
	}
	return item, err
}
