package mobilesync

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"
)

// Files shows the backup as the owner knows it: a directory per domain, in it
// the paths of the device, what is in the files decrypted as it is read.
//
// The file system implements fs.ReadDirFS, fs.StatFS and fs.ReadLinkFS; its
// files implement io.Seeker and io.ReaderAt; Sys returns the *Record, nil for
// a directory that has no row. Links lead to places on the device and are
// never followed: opening one reads its target. Paths fs.ValidPath refuses
// are escaped with percent signs.
//
// The first call reads the whole Manifest.db; the index takes some 80 MB for
// a million rows.
func (b *Backup) Files(ctx context.Context) (fs.FS, error) {
	t, err := b.loadTree(ctx)
	if err != nil {
		return nil, err
	}
	return &files{b, t}, nil
}

type files struct {
	b *Backup
	t *tree
}

var (
	_ fs.ReadDirFS  = (*files)(nil)
	_ fs.StatFS     = (*files)(nil)
	_ fs.ReadLinkFS = (*files)(nil)
)

func (f *files) find(op, name string) (node, error) {
	if !fs.ValidPath(name) {
		return node{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if name == "." {
		return node{kind: Dir}, nil
	}
	domain, rest, _ := strings.Cut(name, "/")
	if d := f.t.domains[domain]; d != nil && !strings.Contains(rest, sep) {
		if n, ok := d.find(strings.ReplaceAll(rest, "/", sep)); ok {
			return n, nil
		}
	}
	return node{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// Open implements fs.FS.
func (f *files) Open(name string) (fs.File, error) {
	n, err := f.find("open", name)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (fs.File, error) { return nil, &fs.PathError{Op: "open", Path: name, Err: err} }
	rec, err := f.record(n)
	if err != nil {
		return fail(err)
	}
	info := &fileInfo{name: path.Base(name), kind: n.kind, rec: rec}
	switch n.kind {
	case Dir:
		return &openDir{info: info, list: func() []fs.DirEntry { return f.list(name, n) }}, nil
	case Symlink:
		info.size = int64(len(rec.Target))
		return &openLink{info, strings.NewReader(rec.Target)}, nil
	}
	c, err := f.b.Content(rec)
	if err != nil {
		return fail(err)
	}
	info.size = c.Size()
	return &openFile{c, info}, nil
}

// record asks Manifest.db for a node's row; nil if there is none.
func (f *files) record(n node) (*Record, error) {
	if !n.row {
		return nil, nil
	}
	// fs.FS has no place for a context; this is a look-up by primary key.
	r, err := f.b.ByID(context.Background(), n.id())
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// Stat implements fs.StatFS. The size of a file is that of its content, for
// which the end of the stored file is read.
func (f *files) Stat(name string) (fs.FileInfo, error) {
	n, err := f.find("stat", name)
	if err != nil {
		return nil, err
	}
	info, err := f.info(path.Base(name), n)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return info, nil
}

// Lstat implements fs.ReadLinkFS; links are not followed anyway.
func (f *files) Lstat(name string) (fs.FileInfo, error) { return f.Stat(name) }

func (f *files) info(base string, n node) (fs.FileInfo, error) {
	rec, err := f.record(n)
	if err != nil {
		return nil, err
	}
	info := &fileInfo{name: base, kind: n.kind, rec: rec}
	switch n.kind {
	case Symlink:
		info.size = int64(len(rec.Target))
	case File:
		c, err := f.b.Content(rec)
		if err != nil { // it can still be listed, with what the device said
			info.size = rec.Size
			return info, nil
		}
		info.size = c.Size()
		return info, c.Close()
	}
	return info, nil
}

// ReadLink implements fs.ReadLinkFS.
func (f *files) ReadLink(name string) (string, error) {
	n, err := f.find("readlink", name)
	if err != nil {
		return "", err
	}
	if n.kind != Symlink {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	rec, err := f.record(n)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return rec.Target, nil
}

// ReadDir implements fs.ReadDirFS.
func (f *files) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := f.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if n.kind != Dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	return f.list(name, n), nil
}

func (f *files) list(name string, n node) []fs.DirEntry {
	var out []fs.DirEntry
	if n.domain == nil {
		for _, domain := range f.t.names {
			child, _ := f.t.domains[domain].find("")
			out = append(out, &dirEntry{f, domain, child})
		}
		return out
	}
	for _, child := range n.domain.children(n.path) {
		out = append(out, &dirEntry{f, child.path[strings.LastIndex(child.path, sep)+1:], child})
	}
	return out
}

type dirEntry struct {
	f    *files
	name string
	node node
}

func (e *dirEntry) Name() string               { return e.name }
func (e *dirEntry) IsDir() bool                { return e.node.kind == Dir }
func (e *dirEntry) Type() fs.FileMode          { return e.node.kind.fileMode() }
func (e *dirEntry) Info() (fs.FileInfo, error) { return e.f.info(e.name, e.node) }
func (e *dirEntry) String() string             { return fs.FormatDirEntry(e) }

type fileInfo struct {
	name string
	kind Kind
	size int64
	rec  *Record
}

func (i *fileInfo) Name() string { return i.name }
func (i *fileInfo) Size() int64  { return i.size }
func (i *fileInfo) IsDir() bool  { return i.kind == Dir }

func (i *fileInfo) Mode() fs.FileMode {
	if i.rec == nil {
		return fs.ModeDir | 0o755
	}
	return i.rec.fileMode().Perm() | i.kind.fileMode()
}

func (i *fileInfo) ModTime() time.Time {
	if i.rec == nil {
		return time.Time{}
	}
	return i.rec.ModTime()
}

func (i *fileInfo) Sys() any {
	if i.rec == nil {
		return nil
	}
	return i.rec
}

type openFile struct {
	*Content
	info *fileInfo
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }

type openLink struct {
	info *fileInfo
	*strings.Reader
}

func (f *openLink) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openLink) Close() error               { return nil }

// openDir lists its entries when first asked.
type openDir struct {
	info    *fileInfo
	list    func() []fs.DirEntry
	entries []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: errors.New("is a directory")}
}

// ReadDir implements fs.ReadDirFile.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if d.list != nil {
		d.entries, d.list = d.list(), nil
	}
	if n <= 0 {
		out := d.entries
		d.entries = nil
		return out, nil
	}
	if len(d.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.entries))
	out := d.entries[:n:n]
	d.entries = d.entries[n:]
	return out, nil
}
