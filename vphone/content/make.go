package content

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"russet/vphone/content/internal/dice"
	"russet/vphone/disk"
)

// optionsName is the file, beside a phone's disk, that says how it was made.
const optionsName = "content.json"

// Make makes a phone in the folder dir, which must be missing or empty.
func Make(ctx context.Context, dir string, o Options) (err error) {
	p, err := o.plan()
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, optionsName)); err == nil {
		return fmt.Errorf("%s holds a phone already", dir)
	}
	var d disk.Disk
	if p.onTheFly {
		d, err = disk.CreateGenerated(dir, o.recipe(p))
	} else {
		d, err = disk.Open(dir)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := furnish(ctx, d, o, p); err != nil {
		return fmt.Errorf("making a phone in %s: %w", dir, err)
	}
	b, err := json.MarshalIndent(o, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, optionsName), append(b, '\n'), 0o644)
}

// Load reads with which options the phone in the folder dir was made. A blank
// phone has none: the error is then fs.ErrNotExist.
func Load(dir string) (Options, error) {
	b, err := os.ReadFile(filepath.Join(dir, optionsName))
	if err != nil {
		return Options{}, err
	}
	var o Options
	if err := json.Unmarshal(b, &o); err != nil {
		return Options{}, fmt.Errorf("reading how the phone in %s was made: %w", dir, err)
	}
	_, err = o.plan()
	return o, err
}

// Generated is the phone of the "million" profile, or any other, in memory.
// What the profile makes up as it is read takes no room there either.
func Generated(ctx context.Context, o Options) (disk.Disk, error) {
	p, err := o.plan()
	if err != nil {
		return nil, err
	}
	d := disk.NewMemory()
	if p.onTheFly {
		d = disk.Generated(o.recipe(p))
	}
	if err := furnish(ctx, d, o, p); err != nil {
		return nil, err
	}
	return d, nil
}

// MakeOn furnishes an empty disk. The "million" profile needs a disk of its
// own kind: use Make or Generated.
func MakeOn(ctx context.Context, d disk.Disk, o Options) error {
	p, err := o.plan()
	if err != nil {
		return err
	}
	if p.onTheFly {
		return fmt.Errorf("a phone of the profile %q cannot be put on another disk", p.name)
	}
	return furnish(ctx, d, o, p)
}

// recipe is of the rows that lie under a tiny phone.
func (o Options) recipe(p plan) disk.Recipe {
	return disk.Recipe{Seed: o.Seed, Rows: p.files, Bytes: p.size}
}

var errNotEmpty = errors.New("the phone is not empty")

func furnish(ctx context.Context, d disk.Disk, o Options, p plan) (err error) {
	if p.onTheFly {
		tiny := plans[0]
		tiny.name = p.name
		p = tiny
	} else if err := d.Walk(func(*disk.Entry) error { return errNotEmpty }); err != nil {
		return err
	}
	m, err := newMaker(ctx, d, o.Seed, "make", Day(0))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	if !p.bare {
		apps, err := Apps(o)
		if err != nil {
			return err
		}
		people := dice.People(o.Seed, p.people)
		m.system(o, apps)
		m.databases(p, o, apps, people)
		m.library(p, people)
		m.containers(apps)
		m.oddities()
	}
	m.fill(o, p)
	return m.err
}
