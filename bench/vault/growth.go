package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"russet/vphone/content"
)

// growthFigures tell by how much repositories grow when a large message
// database of an encrypted phone changes day by day.
type growthFigures struct {
	Machine  string             `json:"machine"`
	Database int64              `json:"database"` // bytes of the message database
	Folder   int64              `json:"folder"`   // of the encrypted backup
	Plain    int64              `json:"plain"`    // of kopia's repository after the same backup, unencrypted
	PlainOf  int64              `json:"plainOf"`  // bytes of that folder
	First    map[string]int64   `json:"first"`    // repositories after the first backup
	Took     map[string]measure `json:"took"`     // by the first backup
	Days     []growthDay        `json:"days"`
}

type growthDay struct {
	Activity content.Activity `json:"activity"`
	Dirtied  float64          `json:"dirtied"` // percent of the database's 16 KiB blocks, as the phone has it open
	Shifted  float64          `json:"shifted"` // … in the copy that is backed up
	Changed  int64            `json:"changed"` // bytes of new and changed files

	Grown map[string]int64   `json:"grown"`
	Took  map[string]measure `json:"took"`
}

// renew is after how many days the peers start afresh, from the state they
// have: nothing in ciphertext of days ago is ever met again, and twenty days
// of it would take 30 GB.
const renew = 5

// grower lives the days.
type grower struct {
	*bench
	kept   bool // pages stay where they are; else the database is packed anew
	lab    *lab
	peers  []string
	shelf  *shelf
	theirs *idevice
	ours   *ourClient
	size   int64 // of our vault
	f      growthFigures
}

func growth(ctx context.Context, b *bench, kept bool) (err error) {
	name := "growth-packed"
	if kept {
		name = "growth-kept"
	}
	dir, leave, err := b.room(name)
	if err != nil {
		return err
	}
	defer leave()
	g := &grower{bench: b, kept: kept}
	if g.f, err = load[growthFigures](b.options, name); err != nil {
		return err
	}
	messages, days := int64(500e6), 10
	if b.quick {
		messages, days = 30e6, 2
	}
	g.f.Machine = machine(ctx)
	if g.lab, err = b.newLab(ctx, name, content.Options{Profile: "tiny", MessageBytes: messages}, ""); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.lab.close()) }()
	for _, c := range b.clients {
		if c != "russet" {
			g.peers = append(g.peers, c)
		}
	}
	if err := g.first(ctx, dir); err != nil {
		return err
	}
	activities := slices.Concat(slices.Repeat([]content.Activity{content.HeavyDay}, days), slices.Repeat([]content.Activity{content.LightDay}, days))
	g.f.Days = slices.Grow(g.f.Days, len(activities))
	for i, activity := range activities {
		if i == len(g.f.Days) {
			g.f.Days = append(g.f.Days, growthDay{})
		}
		if err := g.day(ctx, i, activity, dir); err != nil {
			return err
		}
		if err := save(b.options, name, g.f); err != nil {
			return err
		}
	}
	return nil
}

// first makes the first backups: kopia's of the phone unencrypted, then
// everybody's of the phone encrypted.
func (g *grower) first(ctx context.Context, dir string) error {
	e, err := g.lab.phone.Disk().Lookup("HomeDomain", "Library/SMS/sms.db")
	if err != nil {
		return err
	}
	g.f.Database = e.Size
	if slices.Contains(g.peers, "kopia") {
		if err := g.plain(ctx, dir); err != nil {
			return err
		}
	}
	if err := g.lab.phone.SetBackupPassword(password); err != nil {
		return err
	}
	if g.has("russet") {
		if g.ours, err = g.newRusset(ctx, g.lab, filepath.Join(dir, "russet"), ""); err != nil {
			return err
		}
		m, err := g.ours.backup(ctx, false)
		if err != nil {
			return err
		}
		g.size = dirSize(g.ours.repository())
		put(&g.f.First, "russet", g.size)
		put(&g.f.Took, "russet", m)
		progress("first backup: russet %d MB", g.size/1e6)
	}
	if len(g.peers) == 0 {
		return nil
	}
	if g.theirs, err = newIdevice(ctx, g.lab, filepath.Join(dir, "folder")); err != nil {
		return err
	}
	if _, err := g.theirs.backup(ctx, false); err != nil {
		return err
	}
	g.f.Folder = dirSize(g.theirs.folder())
	if g.shelf, err = newShelf(ctx, filepath.Join(dir, "peers"), g.peers); err != nil {
		return err
	}
	grown, took, err := g.shelf.take(ctx, g.theirs.folder(), "first", false)
	if err != nil {
		return err
	}
	for c := range grown {
		put(&g.f.First, c, grown[c])
		put(&g.f.Took, c, took[c])
		progress("first backup: %s %d MB", c, grown[c]/1e6)
	}
	return nil
}

// plain is kopia with the unencrypted backup: what a repository costs that
// sees through to the content.
func (g *grower) plain(ctx context.Context, dir string) error {
	plain, err := newIdevice(ctx, g.lab, filepath.Join(dir, "plain", "folder"))
	if err != nil {
		return err
	}
	if _, err := plain.backup(ctx, false); err != nil {
		return err
	}
	s, err := newShelf(ctx, filepath.Join(dir, "plain", "peers"), []string{"kopia"})
	if err != nil {
		return err
	}
	grown, _, err := s.take(ctx, plain.folder(), "plain", false)
	if err != nil {
		return err
	}
	g.f.Plain, g.f.PlainOf = grown["kopia"], dirSize(plain.folder())
	return errors.Join(s.clear(), removeAll(plain.dir))
}

func (g *grower) day(ctx context.Context, i int, activity content.Activity, dir string) error {
	r, err := g.lab.live(ctx, i+1, activity, g.kept)
	if err != nil {
		return err
	}
	d := &g.f.Days[i]
	d.Activity, d.Dirtied, d.Shifted, d.Changed = activity, r.MessagesDirtied, r.MessagesShifted, r.Bytes
	if g.ours != nil {
		m, err := g.ours.backup(ctx, false)
		if err != nil {
			return err
		}
		size := dirSize(g.ours.repository())
		put(&d.Grown, "russet", size-g.size)
		put(&d.Took, "russet", m)
		g.size = size
	}
	if g.shelf != nil {
		if i > 0 && i%renew == 0 {
			if err := g.renew(ctx, dir); err != nil {
				return err
			}
		}
		if _, err := g.theirs.backup(ctx, false); err != nil {
			return err
		}
		grown, took, err := g.shelf.take(ctx, g.theirs.folder(), fmt.Sprintf("day-%d", i+1), false)
		if err != nil {
			return err
		}
		for c := range grown {
			put(&d.Grown, c, grown[c])
			put(&d.Took, c, took[c])
		}
	}
	progress("%s: %.1f %% dirtied, %.1f %% moved, grown by %v", dayName(i+1, activity), d.Dirtied, d.Shifted, d.Grown)
	return nil
}

// renew gives the peers empty repositories and yesterday's backup.
func (g *grower) renew(ctx context.Context, dir string) (err error) {
	if err := g.shelf.clear(); err != nil {
		return err
	}
	if g.shelf, err = newShelf(ctx, filepath.Join(dir, "peers"), g.peers); err != nil {
		return err
	}
	_, _, err = g.shelf.take(ctx, g.theirs.folder(), "base", false)
	return err
}
