package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"russet/vphone/content"
)

// phoneFigures tell how large repositories are after fourteen days of an
// encrypted phone with 30,000 files.
type phoneFigures struct {
	Machine string               `json:"machine"`
	Files   int                  `json:"files"`
	Size    int64                `json:"size"`    // of the first folder
	Changed []int64              `json:"changed"` // bytes of new and changed files, by day
	Folders []int64              `json:"folders"` // size of each day's folder; their sum is what plain copies take
	Sizes   map[string][]int64   `json:"sizes"`   // of the repositories after each backup
	Took    map[string][]measure `json:"took"`

	// russet alone, after the fourteen days: growth by things that change no
	// content, after conversion and "free space now", in bytes.
	Base   int64            `json:"base"` // the vault before them
	Extras map[string]int64 `json:"extras"`
}

// fortnight is the whole phone: the peers first, then russet on the same phone
// made anew, so that their repositories need not lie on the disk at once.
func fortnight(ctx context.Context, b *bench) error {
	peers := slices.DeleteFunc(slices.Clone(b.clients), func(c string) bool { return c == "russet" })
	if len(peers) > 0 {
		if err := b.lifetime(ctx, peers); err != nil {
			return err
		}
	}
	if b.has("russet") {
		return b.lifetime(ctx, nil)
	}
	return nil
}

// fleet is who backs up the phone of a lifetime: the peers, or russet.
type fleet struct {
	f      *phoneFigures
	theirs *idevice
	shelf  *shelf
	ours   *ourClient
}

// lifetime has the peers keep 14 days of the phone's folders, or, if there are
// none, russet.
func (b *bench) lifetime(ctx context.Context, peers []string) (err error) {
	dir, leave, err := b.room("phone")
	if err != nil {
		return err
	}
	defer leave()
	f, err := load[phoneFigures](b.options, "phone")
	if err != nil {
		return err
	}
	o, days := content.Options{Profile: "small", Files: 30_000, Size: 6 << 30}, 14
	if b.quick {
		o, days = content.Options{Profile: "tiny", Files: 2000, Size: 60 << 20}, 3
	}
	f.Machine, f.Files = machine(ctx), o.Files
	l, err := b.newLab(ctx, "phone", o, password)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	fl := &fleet{f: &f}
	if err := fl.embark(ctx, b, l, dir, peers); err != nil {
		return err
	}
	f.Changed = nil
	for day := range days {
		if day > 0 {
			r, err := l.live(ctx, day, content.UsualDay, false)
			if err != nil {
				return err
			}
			f.Changed = append(f.Changed, r.Bytes)
		}
		if err := fl.backup(ctx, dayName(day, content.UsualDay)); err != nil {
			return err
		}
		if err := save(b.options, "phone", f); err != nil {
			return err
		}
	}
	if fl.ours != nil {
		if err := fl.extras(ctx); err != nil {
			return err
		}
	}
	return save(b.options, "phone", f)
}

func (fl *fleet) embark(ctx context.Context, b *bench, l *lab, dir string, peers []string) (err error) {
	if len(peers) == 0 {
		reset(&fl.f.Sizes, &fl.f.Took, "russet")
		fl.ours, err = b.newRusset(ctx, l, filepath.Join(dir, "russet"), "")
		return err
	}
	fl.f.Folders = nil
	for _, c := range peers {
		reset(&fl.f.Sizes, &fl.f.Took, c)
	}
	if fl.theirs, err = newIdevice(ctx, l, filepath.Join(dir, "folder")); err != nil {
		return err
	}
	fl.shelf, err = newShelf(ctx, filepath.Join(dir, "peers"), peers)
	return err
}

func reset(sizes *map[string][]int64, took *map[string][]measure, client string) {
	put(sizes, client, nil)
	put(took, client, nil)
}

func (fl *fleet) backup(ctx context.Context, label string) error {
	if fl.ours != nil {
		m, err := fl.ours.backup(ctx, false)
		if err != nil {
			return err
		}
		fl.add("russet", dirSize(fl.ours.repository()), m)
		progress("%s: russet %d MB in %.1f s", label, dirSize(fl.ours.repository())/1e6, m.Wall)
		return nil
	}
	if _, err := fl.theirs.backup(ctx, false); err != nil {
		return err
	}
	size := dirSize(fl.theirs.folder())
	if fl.f.Folders = append(fl.f.Folders, size); len(fl.f.Folders) == 1 {
		fl.f.Size = size
	}
	_, took, err := fl.shelf.take(ctx, fl.theirs.folder(), label, false)
	if err != nil {
		return err
	}
	for c, m := range took {
		fl.add(c, fl.shelf.sizes[c], m)
	}
	progress("%s: folder %d MB, %v", label, size/1e6, fl.shelf.sizes)
	return nil
}

func (fl *fleet) add(client string, size int64, m measure) {
	put(&fl.f.Sizes, client, append(fl.f.Sizes[client], size))
	put(&fl.f.Took, client, append(fl.f.Took[client], m))
}
