package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"

	"russet/vphone/content"
)

// ingestFigures are times of what is done to one phone by several programs in
// turns.
type ingestFigures struct {
	Machine string      `json:"machine"`
	Rows    []ingestRow `json:"rows"`
}

type ingestRow struct {
	Name    string               `json:"name"`
	Sent    int64                `json:"sent"` // bytes of the folder
	Files   int                  `json:"files"`
	Rounds  map[string][]measure `json:"rounds"`
	Largest int64                `json:"largest,omitempty"` // russet's spool at its fullest
}

// Who stands beside russet in a row.
const (
	alone      = "idevicebackup2"
	thenRestic = "idevicebackup2, then restic"
)

// trial is one row of ingest: what kind of phone, and who backs it up.
type trial struct {
	name     string
	phone    content.Options
	password string
	beside   string
	again    bool // time the second backup, of an unchanged phone
}

func trials(quick bool) []trial {
	big, small, many := content.Options{Profile: "big"}, content.Options{Profile: "small-files"}, content.Options{Profile: "small-files", Files: 40_000}
	mixed := content.Options{Profile: "small", Files: 5000, Size: 1 << 30}
	if quick {
		big.Files, big.Size = 20, 100<<20
		small.Files, small.Size = 1500, 8<<20
		many.Files, many.Size = 2000, 10<<20
		mixed.Profile, mixed.Files, mixed.Size = "tiny", 400, 20<<20
	}
	return []trial{
		{name: "first backup, 2 GiB in 200 files, plain", phone: big, beside: thenRestic},
		{name: "first backup, 2 GiB in 200 files, encrypted", phone: big, password: password, beside: thenRestic},
		{name: "first backup, 1.7 GB in 5,000 files and databases, encrypted", phone: mixed, password: password, beside: thenRestic},
		{name: "first backup, 30,000 small files, plain", phone: small, beside: alone},
		{name: "first backup, 30,000 small files, encrypted", phone: small, password: password, beside: alone},
		{name: "nothing changed, 40,000 files, encrypted", phone: many, password: password, beside: alone, again: true},
	}
}

func ingest(ctx context.Context, b *bench) error {
	f := ingestFigures{Machine: machine(ctx)}
	for i, t := range trials(b.quick) {
		row, err := b.trial(ctx, fmt.Sprintf("ingest-%d", i), t)
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		f.Rows = append(f.Rows, row)
		if err := save(b.options, "ingest", f); err != nil {
			return err
		}
	}
	return nil
}

// trial runs a row: rounds in turns, each into empty folders.
func (b *bench) trial(ctx context.Context, name string, t trial) (row ingestRow, err error) {
	l, err := b.newLab(ctx, name, t.phone, t.password)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	row = ingestRow{Name: t.name, Files: t.phone.Files, Rounds: map[string][]measure{}}
	rounds := b.rounds
	if b.quick {
		rounds = 1
	}
	for round := range rounds {
		dir, leave, err := b.room(fmt.Sprintf("%s-%d", name, round))
		if err != nil {
			return row, err
		}
		if b.has("russet") {
			m, err := b.ourIngest(ctx, l, filepath.Join(dir, "russet"), t)
			if err != nil {
				return row, err
			}
			row.Rounds["russet"] = append(row.Rounds["russet"], m)
			row.Largest = max(row.Largest, m.Spool)
			progress("%s: russet %.2f s, %.2f CPU s, %d MiB, spool %d MB", t.name, m.Wall, m.CPU, m.Peak>>20, m.Spool/1e6)
		}
		m, size, err := b.theirIngest(ctx, l, dir, t)
		if err != nil {
			return row, err
		}
		row.Sent = size
		row.Rounds[t.beside] = append(row.Rounds[t.beside], m)
		progress("%s: %s %.2f s, %.2f CPU s", t.name, t.beside, m.Wall, m.CPU)
		leave()
	}
	return row, nil
}

func (b *bench) ourIngest(ctx context.Context, l *lab, dir string, t trial) (measure, error) {
	c, err := b.newRusset(ctx, l, dir, "")
	if err != nil {
		return measure{}, err
	}
	if t.again {
		if _, err := c.backup(ctx, true); err != nil {
			return measure{}, err
		}
	}
	if err := quiet(ctx); err != nil {
		return measure{}, err
	}
	return c.backup(ctx, true)
}

func (b *bench) theirIngest(ctx context.Context, l *lab, dir string, t trial) (m measure, size int64, err error) {
	c, err := newIdevice(ctx, l, filepath.Join(dir, "folder"))
	if err != nil {
		return m, 0, err
	}
	k, err := newKeeper("restic", filepath.Join(dir, "restic"))
	if err == nil {
		err = k.create(ctx)
	}
	if err != nil {
		return m, 0, err
	}
	if t.again {
		if _, err := c.backup(ctx, true); err != nil {
			return m, 0, err
		}
	}
	if err := quiet(ctx); err != nil {
		return m, 0, err
	}
	if m, err = c.backup(ctx, true); err != nil {
		return m, 0, err
	}
	size = dirSize(c.folder())
	if t.beside != thenRestic {
		return m, size, nil
	}
	second, err := k.take(ctx, c.folder(), "first", true)
	return m.and(second), size, err
}

// quiet lets the disk finish what was written and removed before.
func quiet(ctx context.Context) error {
	if out, err := exec.CommandContext(ctx, "sync").CombinedOutput(); err != nil {
		return fmt.Errorf("sync: %w: %s", err, out)
	}
	return nil
}

// million is the first backup of a phone whose million rows are made up as
// they are read: what it takes, and the memory for it.
func million(ctx context.Context, b *bench) (err error) {
	if !b.has("russet") {
		return nil
	}
	dir, leave, err := b.room("million")
	if err != nil {
		return err
	}
	defer leave()
	t := trial{phone: content.Options{Profile: "million"}, password: password}
	if b.quick {
		t.phone.Files, t.phone.Size = 20_000, 80<<20
	}
	l, err := b.newLab(ctx, "million", t.phone, t.password)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	row := ingestRow{Name: "first backup, 1,000,000 rows, 4 GiB, encrypted", Rounds: map[string][]measure{}}
	m, err := b.ourIngest(ctx, l, filepath.Join(dir, "russet"), t)
	if err != nil {
		return err
	}
	row.Rounds["russet"], row.Largest = []measure{m}, m.Spool
	progress("%s: russet %.1f s, %d MiB, spool %d MB", row.Name, m.Wall, m.Peak>>20, m.Spool/1e6)
	return save(b.options, "million", ingestFigures{Machine: machine(ctx), Rows: []ingestRow{row}})
}
