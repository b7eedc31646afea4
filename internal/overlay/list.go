package overlay

import (
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Item is one name in a folder.
type Item struct {
	Name   string
	Folder bool
	ID     ID     // of a received file; else 0
	Object Object // of a received file
	Base   string // of a file of the base: its name there; else ""

	entry fs.DirEntry // of the base, where it was listed
}

// Lookup finds a file or folder. Of a file of the base only Name, Folder and
// Base are set.
func (o *Overlay) Lookup(name string) (Item, error) {
	e, err := o.lookup(name)
	if err != nil {
		return Item{}, err
	}
	return o.item(name[strings.LastIndexByte(name, '/')+1:], e), nil
}

func (o *Overlay) item(name string, e entry) Item {
	it := Item{Name: name, Folder: e.kind == isFolder, ID: e.id, Base: e.base}
	if e.kind == isObject {
		it.Object = o.objects.get(e.id)
	}
	return it
}

// List lists a folder, sorted by name.
func (o *Overlay) List(name string) ([]Item, error) {
	e, err := o.lookup(name)
	if err != nil {
		return nil, err
	}
	f := e.folder
	if f == nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	items, err := o.listBase(f)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: plain(err)}
	}
	items = slices.Grow(items, len(f.rows)+len(f.names))
	for _, r := range f.rows {
		if r.id != 0 {
			items = append(items, o.item(r.key.String(), entry{kind: isObject, id: r.id}))
		}
	}
	for name, e := range f.names {
		if e.kind != isGone {
			items = append(items, o.item(name, e))
		}
	}
	slices.SortFunc(items, func(a, b Item) int { return strings.Compare(a.Name, b.Name) })
	return items, nil
}

// listBase lists what shows through of the base.
func (o *Overlay) listBase(f *folder) ([]Item, error) {
	if f.base == "" {
		return nil, nil
	}
	entries, err := fs.ReadDir(o.base, f.base)
	if err != nil {
		return nil, err
	}
	items := make([]Item, 0, len(entries))
	for _, e := range entries {
		if _, own := f.own(e.Name()); own {
			continue
		}
		it := Item{Name: e.Name(), Folder: e.IsDir(), entry: e}
		if !it.Folder {
			it.Base = joinBase(f.base, e.Name())
		}
		items = append(items, it)
	}
	return items, nil
}

// joinBase is path.Join for clean names.
func joinBase(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}

// ReadDir lists a folder for the device: exact names, types and sizes.
// Received files bear the given time.
func (o *Overlay) ReadDir(name string, received time.Time) ([]fs.DirEntry, error) {
	items, err := o.List(name)
	if err != nil {
		return nil, err
	}
	entries := make([]fs.DirEntry, len(items))
	for i, it := range items {
		switch {
		case it.entry != nil:
			entries[i] = it.entry
		case it.Base != "":
			info, err := fs.Lstat(o.base, it.Base)
			if err != nil {
				return nil, &fs.PathError{Op: "readdir", Path: name, Err: plain(err)}
			}
			entries[i] = fs.FileInfoToDirEntry(renamed{info, it.Name})
		default:
			entries[i] = fs.FileInfoToDirEntry(info{it, received})
		}
	}
	return entries, nil
}

// Stat describes a received file or a folder of the index; for a file of the
// base ask the base.
func (it Item) Stat(received time.Time) fs.FileInfo { return info{it, received} }

// renamed is a file of the base under another name.
type renamed struct {
	fs.FileInfo
	name string
}

func (r renamed) Name() string { return r.name }

// info describes what is in the index only.
type info struct {
	it   Item
	time time.Time
}

func (i info) Name() string       { return i.it.Name }
func (i info) Size() int64        { return i.it.Object.Size }
func (i info) ModTime() time.Time { return i.time }
func (i info) IsDir() bool        { return i.it.Folder }
func (i info) Sys() any           { return nil }

func (i info) Mode() fs.FileMode {
	if i.it.Folder {
		return fs.ModeDir | 0o700
	}
	return 0o600
}
