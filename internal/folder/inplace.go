package folder

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"russet"
	"russet/internal/durable"
)

// buildInPlace changes the current folder where it is: for file systems
// without hard links, where the new backup cannot stand beside the old one
// without copying it. Everything it needs is on disk already, so that after a
// crash the next start goes on with it: what is replaced or removed twice is
// as it is once.
func (d *draft) buildInPlace(ctx context.Context) error {
	lock, err := d.s.books.LockBackup(d.note.Base, false, "update the backup")
	if err != nil {
		return err
	}
	defer lock.Unlock() //nolint:errcheck // it lets go in any case
	current, err := d.s.dir.Sub(string(d.note.Device))
	if err != nil {
		return err
	}
	defer current.Close()
	if err := d.clear(ctx, current); err != nil {
		return err
	}
	plan, err := d.plan()
	if err != nil {
		return err
	}
	defer plan.close() //nolint:errcheck // it was only read
	to := folders{root: current, make: true}
	defer to.close()
	for e, ok := plan.read(); ok; e, ok = plan.read() {
		err := cmpErr(ctx.Err(), func() error { return d.update(e, &to) })
		if russet.KindOf(err) == russet.Damaged {
			// There is no way back: what is lost is lost, the device is to
			// send it again.
			d.s.log.Error("a file was lost while the backup was updated in place", "file", e.name, "err", err)
			d.note.Record.Damaged = append(d.note.Record.Damaged, e.name)
			err = nil
		}
		if err != nil {
			return err
		}
	}
	if plan.err != nil {
		return plan.err
	}
	return d.s.sync(func() error { return syncTree(current, false) })
}

// update brings one entry of the list into the current folder.
func (d *draft) update(e sumEntry, to *folders) error {
	if e.folder {
		return to.root.MkdirAll(e.name, public)
	}
	dir, leaf, err := to.in(e.name)
	if err != nil {
		return err
	}
	if e.object != 0 {
		return d.placeObject(e, dir, leaf)
	}
	if _, err := dir.Lstat(leaf); errors.Is(err, fs.ErrNotExist) {
		return damaged("%s of the last backup is gone", e.name)
	}
	return nil
}

// clear removes from the current folder what the list does not have, or has as
// something else.
func (d *draft) clear(ctx context.Context, current *durable.Dir) error {
	plan, err := d.plan()
	if err != nil {
		return err
	}
	defer plan.close() //nolint:errcheck // it was only read
	err = clearFolder(ctx, current, ".", plan)
	return errors.Join(err, plan.err)
}

func clearFolder(ctx context.Context, root *durable.Dir, name string, plan *sumsReader) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := root.ReadDir(name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		below := path.Join(name, e.Name())
		want, ok := plan.seek(below)
		switch {
		case !ok || want.folder != e.IsDir():
			err = root.RemoveAll(below)
		case want.folder:
			err = clearFolder(ctx, root, below, plan)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
