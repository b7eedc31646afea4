package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// bench is one phone and one target file system.
type bench struct {
	options
	bin, work, profile, target, dir string

	litter *[]string // folders to remove at the end of all
}

// password is the backup password of the virtual iPhone in encrypted rows.
const password = "correct-horse"

func (b *bench) run(ctx context.Context) ([]result, error) {
	var results []result
	for _, row := range b.rows {
		r, err := b.row(ctx, row)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", row, err)
		}
		results = append(results, r...)
	}
	return results, nil
}

// row runs every client in turn, rounds times.
func (b *bench) row(ctx context.Context, row string) ([]result, error) {
	byClient := make([]result, len(b.clients))
	for i, c := range b.clients {
		byClient[i] = result{profile: b.profile, target: b.target, row: row, client: c}
	}
	if row == "encrypted" { // the phone derives its key in its first encrypted backup only
		if _, err := b.once(ctx, row, b.clients[0]); err != nil {
			return nil, err
		}
	}
	for range b.rounds {
		for i, c := range b.clients {
			m, err := b.once(ctx, row, c)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c, err)
			}
			byClient[i].runs = append(byClient[i].runs, m)
			fmt.Fprintf(os.Stderr, "%s on %s, %s, %s: %.2f s (upload %.2f s)\n", b.profile, b.target, row, c, m.wall.Seconds(), m.phase.Seconds())
		}
	}
	return byClient, nil
}

// once gives a client a freshly started phone and an empty folder, and times
// the one step that the row is about.
func (b *bench) once(ctx context.Context, row, client string) (measure, error) {
	dir, err := os.MkdirTemp(b.dir, "russet-bench-target-")
	if err != nil {
		return measure{}, err
	}
	if b.target == "tmpfs" {
		defer os.RemoveAll(dir)
	} else {
		// ext4 gives the inodes of removed files out again only after half a
		// minute, and searches past them for each new file until then.
		*b.litter = append(*b.litter, dir)
	}
	pw := ""
	if row == "encrypted" {
		pw = password
	}
	p, err := startPhone(ctx, b.bin, filepath.Join(b.work, b.profile), b.profile, pw)
	if err != nil {
		return measure{}, err
	}
	defer p.stop()
	c, err := newClient(client, b, p, dir)
	if err != nil {
		return measure{}, err
	}
	if err := c.prepare(ctx); err != nil {
		return measure{}, fmt.Errorf("prepare: %w", err)
	}
	if row == "nothing-changed" || row == "restore" {
		if _, err := c.backup(ctx); err != nil {
			return measure{}, fmt.Errorf("first backup: %w", err)
		}
	}
	if row == "restore" {
		return b.restore(ctx, c, p)
	}
	return p.during(ctx, func() (measure, error) { return c.backup(ctx) })
}

// restore times a restore onto a blank phone in the place of the first.
func (b *bench) restore(ctx context.Context, c client, p *phone) (measure, error) {
	p.stop()
	blank, err := startPhone(ctx, b.bin, filepath.Join(b.work, "blank"), "blank", "")
	if err != nil {
		return measure{}, err
	}
	defer blank.stop()
	if err := c.moveTo(ctx, blank); err != nil {
		return measure{}, err
	}
	return blank.during(ctx, func() (measure, error) { return c.restore(ctx, p.udid) })
}
