package folder

import (
	"io/fs"
	"path"
)

// view is the backup of a draft as a file system: what the commit check reads.
type view struct{ d *draft }

func (v view) name(name string) string { return path.Join(string(v.d.note.Device), name) }

// Open opens a file. Only files can be opened.
func (v view) Open(name string) (fs.File, error) { return v.d.Open(v.name(name)) }

// Stat describes a file or folder.
func (v view) Stat(name string) (fs.FileInfo, error) {
	it, err := v.d.over.Lookup(v.name(name))
	if err != nil {
		return nil, err
	}
	if it.Base != "" {
		return fs.Lstat(v.d.base.FS(), it.Base)
	}
	return it.Stat(v.d.note.Started), nil
}

// ReadDir lists a folder.
func (v view) ReadDir(name string) ([]fs.DirEntry, error) { return v.d.ReadDir(v.name(name)) }
