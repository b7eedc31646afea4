package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"russet/internal/drafts"
	"russet/internal/durable"
)

// mustWorkInPlace reports whether files that stayed cannot be linked into the
// new folder.
func (d *draft) mustWorkInPlace() (bool, error) {
	if d.base == nil {
		return false, nil // nothing stays
	}
	if d.s.opts.NoLinks {
		return true, nil
	}
	const probe = "link-probe"
	if err := d.dir.Remove(probe); err != nil {
		return false, err
	}
	err := d.dir.LinkTo(drafts.NoteFile, d.dir, probe)
	if err != nil {
		if durable.IsFull(err) {
			return false, err
		}
		d.s.log.Info("the file system has no hard links: the backup is updated in place", "err", err)
		return true, nil
	}
	return false, d.dir.Remove(probe)
}

// build makes the new backup out of what was received and what stayed, as the
// list of the commit check says. Taken up again after a crash it goes on where
// it was.
func (d *draft) build(ctx context.Context) error {
	var err error
	if d.note.InPlace {
		err = d.buildInPlace(ctx)
	} else {
		err = d.buildBeside(ctx)
	}
	if err != nil {
		return err
	}
	if err := d.publishRecord(); err != nil {
		return err
	}
	d.note.Step = built
	return d.saveNote()
}

// publishRecord writes down what is known of the new backup. The folder finds
// it by its fingerprint, so that it may come before the exchange.
func (d *draft) publishRecord() error {
	s, id := d.s, d.note.Record.ID
	err := s.dir.Rename(s.books.Draft(d.note.Device)+"/"+newSums, sumsFile(id))
	if errors.Is(err, fs.ErrNotExist) {
		ok, e := s.dir.Exists(sumsFile(id)) // done before a crash
		if err = e; e == nil && !ok {
			err = damaged("the list of its files is lost")
		}
	}
	if err != nil {
		return err
	}
	return s.saveRecord(d.note.Record)
}

// plan opens the list the commit check left.
func (d *draft) plan() (*sumsReader, error) {
	sums, err := openSums(d.dir, newSums)
	if err == nil && sums == nil { // published before a crash
		sums, err = openSums(d.s.dir, sumsFile(d.note.Record.ID))
	}
	if err == nil && sums == nil || errors.Is(err, errSums) {
		return nil, damaged("the list of its files is lost")
	}
	return sums, err
}

// buildBeside makes a new folder: links to what stayed, objects by renaming.
func (d *draft) buildBeside(ctx context.Context) error {
	plan, err := d.plan()
	if err != nil {
		return err
	}
	defer plan.close() //nolint:errcheck // it was only read
	tree, err := d.dir.MakeSub(treeDir, public)
	if err != nil {
		return err
	}
	defer tree.Close()
	to, from := folders{root: tree, make: true}, folders{}
	defer to.close()
	if d.note.Base != "" {
		base, err := d.s.dir.Sub(string(d.note.Device))
		if err != nil {
			return err
		}
		defer base.Close()
		from.root = base
		defer from.close()
	}
	for e, ok := plan.read(); ok; e, ok = plan.read() {
		if err := cmpErr(ctx.Err(), func() error { return d.place(e, &to, &from) }); err != nil {
			return err
		}
	}
	if plan.err != nil {
		return plan.err
	}
	return d.s.sync(func() error { return syncTree(tree, false) })
}

func cmpErr(err error, next func() error) error {
	if err != nil {
		return err
	}
	return next()
}

// place puts one entry of the list into the new folder.
func (d *draft) place(e sumEntry, to, from *folders) error {
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
	base, _, err := from.in(e.name)
	if err != nil {
		return err
	}
	if err := base.LinkTo(leaf, dir, leaf); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// placeObject moves a received file to its name. One that is gone was moved
// before a crash.
func (d *draft) placeObject(e sumEntry, dir *durable.Dir, leaf string) error {
	shard, err := d.objects.in(e.object)
	if err != nil {
		return err
	}
	err = shard.RenameTo(objectName(e.object), dir, leaf)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if st, e2 := dir.Lstat(leaf); e2 == nil && st.Mode().IsRegular() && st.Size() == e.size {
		return nil
	}
	return damaged("%s was received and is lost: %v", e.name, err)
}

// folders opens the folders of a tree one after the other.
type folders struct {
	root *durable.Dir
	make bool // what is missing
	name string
	open *durable.Dir
}

// in opens the folder a file is in and returns it with the file's name there.
func (f *folders) in(name string) (*durable.Dir, string, error) {
	dir, leaf := path.Split(name)
	dir = path.Clean(dir)
	if f.open != nil && f.name == dir {
		return f.open, leaf, nil
	}
	if f.root == nil {
		return nil, "", fmt.Errorf("%q is to be carried over from no backup", name)
	}
	f.close()
	var err error
	if f.make {
		f.open, err = f.root.MakeSub(dir, public)
	} else {
		f.open, err = f.root.Sub(dir)
	}
	f.name = dir
	return f.open, leaf, err
}

func (f *folders) close() {
	if f.open != nil {
		f.open.Close()
		f.open = nil
	}
}

// syncTree makes the names in a tree durable, folder by folder, and with files
// what is in them.
func syncTree(tree *durable.Dir, files bool) error {
	return fs.WalkDir(tree.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !e.IsDir() {
			if files && e.Type().IsRegular() {
				return tree.SyncFile(name)
			}
			return nil
		}
		dir, err := tree.Sub(name)
		if err != nil {
			return err
		}
		return errors.Join(dir.SyncDir(), dir.Close())
	})
}
