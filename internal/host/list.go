package host

import (
	"context"
	"io/fs"
	"time"
)

// Entry is one file, folder or link in a backup.
type Entry struct {
	Name string    `json:"name"`
	Kind string    `json:"kind"` // "file", "folder" or "link"
	Size int64     `json:"size"`
	Time time.Time `json:"time"`
	Mode string    `json:"mode"` // "-rw-r--r--"
}

// List lists a folder of a backup, "" for its domains; a file lists itself.
func (h *Host) List(ctx context.Context, which Which, name string) (entries []Entry, err error) {
	view, err := h.openWhich(ctx, which)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, view)
	if name, err = inside(name); err != nil {
		return nil, err
	}
	fsys, err := view.files(ctx)
	if err != nil {
		return nil, err
	}
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, view.explain(err, name)
	}
	if !info.IsDir() {
		return []Entry{entry(info)}, nil
	}
	list, err := fs.ReadDir(fsys, name)
	if err != nil {
		return nil, view.explain(err, name)
	}
	entries = []Entry{}
	for _, e := range list {
		info, err := e.Info()
		if err != nil {
			return nil, view.explain(err, name+"/"+e.Name())
		}
		entries = append(entries, entry(info))
	}
	return entries, nil
}

func (h *Host) openWhich(ctx context.Context, which Which) (*view, error) {
	b, err := h.FindBackup(ctx, which)
	if err != nil {
		return nil, err
	}
	return h.openView(ctx, b)
}

func entry(info fs.FileInfo) Entry {
	e := Entry{Name: info.Name(), Kind: "file", Size: info.Size(), Time: info.ModTime().UTC(), Mode: info.Mode().String()}
	switch {
	case info.IsDir():
		e.Kind, e.Size = "folder", 0
	case info.Mode()&fs.ModeSymlink != 0:
		e.Kind = "link"
	}
	return e
}
