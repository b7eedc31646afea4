package main

import (
	"context"
	"errors"
	"path/filepath"

	"russet/vphone/content"
)

// giveFigures are about taking backups out again.
type giveFigures struct {
	Machine string               `json:"machine"`
	Bytes   int64                `json:"bytes"`
	Rows    map[string][]measure `json:"rows"`
}

// Rows of giveFigures.
const (
	ourExport    = "russet export"
	ourRestore   = "russet restore"
	theirCopy    = "kopia restore of idevicebackup2's folder"
	theirRestore = "idevicebackup2 restore of its folder"
)

// giveBack exports and restores a phone of 2 GiB, encrypted.
func giveBack(ctx context.Context, b *bench) (err error) {
	dir, leave, err := b.room("giveback")
	if err != nil {
		return err
	}
	defer leave()
	o := content.Options{Profile: "big"}
	if b.quick {
		o.Files, o.Size = 20, 100<<20
	}
	l, err := b.newLab(ctx, "giveback", o, password)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	f := giveFigures{Machine: machine(ctx), Rows: map[string][]measure{}}
	theirs, err := newIdevice(ctx, l, filepath.Join(dir, "folder"))
	if err == nil {
		_, err = theirs.backup(ctx, true)
	}
	if err != nil {
		return err
	}
	f.Bytes = dirSize(theirs.folder())
	if b.has("russet") {
		if err := b.giveOurs(ctx, l, dir, &f); err != nil {
			return err
		}
	}
	if err := b.giveTheirs(ctx, l, theirs, dir, &f); err != nil {
		return err
	}
	return save(b.options, "giveback", f)
}

func (f *giveFigures) add(row string, m measure) {
	f.Rows[row] = append(f.Rows[row], m)
	progress("%s: %.2f s, %.0f MB/s", row, m.Wall, float64(f.Bytes)/m.Wall/1e6)
}

func (b *bench) giveOurs(ctx context.Context, l *lab, dir string, f *giveFigures) error {
	c, err := b.newRusset(ctx, l, filepath.Join(dir, "russet"), "")
	if err == nil {
		_, err = c.backup(ctx, true)
	}
	if err != nil {
		return err
	}
	out := filepath.Join(dir, "export")
	cmd := c.command("export", "latest", out, "--store", "v")
	cmd.sync = dir
	m, _, err := do(ctx, cmd)
	if err != nil {
		return err
	}
	f.add(ourExport, m)
	if err := removeAll(out); err != nil {
		return err
	}
	blank, err := b.newLab(ctx, "giveback-ours", content.Options{}, "")
	if err != nil {
		return err
	}
	if err := c.pair(ctx, blank); err != nil {
		return errors.Join(err, blank.close())
	}
	m, _, err = do(ctx, c.command("restore", "latest", "--store", "v", "--device", blank.udid(), "--yes"))
	if err == nil {
		f.add(ourRestore, m)
	}
	return errors.Join(err, blank.close(), removeAll(filepath.Join(dir, "russet")))
}

func (b *bench) giveTheirs(ctx context.Context, l *lab, theirs *idevice, dir string, f *giveFigures) error {
	s, err := newShelf(ctx, filepath.Join(dir, "peers"), []string{"kopia"})
	if err != nil {
		return err
	}
	if _, _, err := s.take(ctx, theirs.folder(), "first", true); err != nil {
		return err
	}
	k, ok := s.keepers["kopia"].(*kopia)
	if !ok {
		return errors.New("kopia is no kopia")
	}
	out := filepath.Join(dir, "restored")
	m, _, err := do(ctx, command{name: "kopia", args: []string{"snapshot", "restore", theirs.folder(), out, "--snapshot-time", "latest"}, env: k.env, sync: dir})
	if err != nil {
		return err
	}
	f.add(theirCopy, m)
	if err := removeAll(out, s.dir); err != nil {
		return err
	}
	blank, err := b.newLab(ctx, "giveback-theirs", content.Options{}, "")
	if err != nil {
		return err
	}
	c, err := newIdevice(ctx, blank, filepath.Join(dir, "pairing"))
	if err == nil {
		m, err = c.restore(ctx, l.udid(), theirs.dir, password)
	}
	if err == nil {
		f.add(theirRestore, m)
	}
	return errors.Join(err, blank.close())
}
