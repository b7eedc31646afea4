package vault

import (
	"io/fs"
	"path"

	"russet/internal/facts"
)

// view is the backup of a draft as a file system: what the commit check reads.
// Early, the manifests are where the device has just put them.
type view struct {
	d     *draft
	early bool // d.mu is held by the caller
}

// names lists where a file may be, likeliest first.
func (v view) names(name string) []string {
	full := path.Join(string(v.d.note.Device), name)
	if v.early && (name == facts.ManifestDB || name == facts.ManifestPlist) {
		return []string{path.Join(string(v.d.note.Device), "Snapshot", name), full}
	}
	return []string{full}
}

// Open opens a file. Only files can be opened.
func (v view) Open(name string) (f fs.File, err error) {
	for _, full := range v.names(name) {
		if f, err = v.d.openLocked(full); err == nil {
			return f, nil
		}
	}
	return nil, err
}

// Stat describes a file or folder.
func (v view) Stat(name string) (i fs.FileInfo, err error) {
	for _, full := range v.names(name) {
		it, e := v.d.over.Lookup(full)
		if err = e; e != nil {
			continue
		}
		if it.Base != "" {
			return v.d.base.Stat(it.Base)
		}
		return it.Stat(v.d.note.Started), nil
	}
	return nil, err
}

// ReadDir lists a folder.
func (v view) ReadDir(name string) ([]fs.DirEntry, error) {
	return v.d.over.ReadDir(path.Join(string(v.d.note.Device), name), v.d.note.Started)
}
