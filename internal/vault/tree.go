package vault

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"russet"
	"russet/internal/vault/depot"
)

var _ russet.Summed = (*tree)(nil)

// tree shows a version as the folder the device wrote: exact names, the sizes
// it stored, and the very bytes it sent. Folders are read when they are looked
// at; the last few are kept.
type tree struct {
	ctx  context.Context
	from objects
	root depot.ID
	time time.Time

	mu    sync.Mutex
	top   *folder // the root
	index map[string]depot.Entry
	other []entry // the index of what are no payloads
	cache map[string]*folder
	order []string // of the cache, oldest first
	held  int      // items in the cache
}

// maxHeld items are kept, some 25 MB: all of most phones.
const maxHeld = 64 << 10

// folder is a folder of a tree.
type folder struct {
	items []item // sorted by name
}

// item is a file, or a folder with its object.
type item struct {
	name  string
	dir   bool
	id    depot.ID
	entry *entry
}

func openTree(ctx context.Context, from objects, root depot.ID, t time.Time) *tree {
	return &tree{ctx: ctx, from: from, root: root, time: t}
}

// prepare reads the root and the list of indexes.
func (t *tree) prepare() error {
	if t.top != nil {
		return nil
	}
	entries, err := t.from.ReadDir(t.ctx, t.root)
	if err != nil {
		return err
	}
	own := find(entries, ownDir)
	if own == nil || !own.Dir {
		return fmt.Errorf("%w: there is none", errIndex)
	}
	below, err := t.from.ReadDir(t.ctx, own.ID)
	if err != nil {
		return err
	}
	shards := find(below, indexDir)
	if shards == nil || !shards.Dir {
		return fmt.Errorf("%w: there is none", errIndex)
	}
	list, err := t.from.ReadDir(t.ctx, shards.ID)
	if err != nil {
		return err
	}
	t.index = map[string]depot.Entry{}
	for _, e := range list {
		t.index[e.Name] = e
	}
	if e, ok := t.index[otherShard]; ok {
		if t.other, err = readIndex(t.ctx, t.from, e.ID); err != nil {
			return err
		}
	}
	entries = slices.DeleteFunc(entries, func(e depot.Entry) bool { return e.Name == ownDir })
	top, err := join(".", entries, t.other)
	if err == nil {
		t.top = top
	}
	return err
}

func find(entries []depot.Entry, name string) *depot.Entry {
	i := slices.IndexFunc(entries, func(e depot.Entry) bool { return e.Name == name })
	if i < 0 {
		return nil
	}
	return &entries[i]
}

// join puts the entries of a directory and their lines of the index together.
func join(dir string, entries []depot.Entry, index []entry) (*folder, error) {
	f := &folder{items: make([]item, 0, len(entries))}
	for _, e := range entries {
		it := item{name: e.Name, dir: e.Dir, id: e.ID}
		if !e.Dir {
			full := path.Join(dir, e.Name)
			i, ok := slices.BinarySearchFunc(index, full, func(x entry, name string) int { return strings.Compare(x.Name, name) })
			if !ok || index[i].Size != e.Size {
				return nil, fmt.Errorf("%w: it does not fit %q", errIndex, full)
			}
			it.entry = &index[i]
			it.entry.id = e.ID
		}
		f.items = append(f.items, it)
	}
	slices.SortFunc(f.items, func(a, b item) int { return strings.Compare(a.name, b.name) })
	return f, nil
}

// folder reads a folder.
func (t *tree) folder(name string) (*folder, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.read(name)
}

func (t *tree) read(name string) (*folder, error) {
	if err := t.prepare(); err != nil {
		return nil, err
	}
	if name == "." {
		return t.top, nil
	}
	if f := t.cache[name]; f != nil {
		return f, nil
	}
	parent, err := t.read(path.Dir(name))
	if err != nil {
		return nil, err
	}
	it, ok := parent.find(path.Base(name))
	switch {
	case !ok:
		return nil, fs.ErrNotExist
	case !it.dir:
		return nil, syscall.ENOTDIR
	}
	entries, err := t.from.ReadDir(t.ctx, it.id)
	if err != nil {
		return nil, err
	}
	index := t.other
	if isPayloadDir(name) {
		index = nil
		if e, ok := t.index[name]; ok {
			if index, err = readIndex(t.ctx, t.from, e.ID); err != nil {
				return nil, err
			}
		}
	}
	f, err := join(name, entries, index)
	if err != nil {
		return nil, err
	}
	t.keep(name, f)
	return f, nil
}

// keep puts a folder into the cache; the oldest make room.
func (t *tree) keep(name string, f *folder) {
	if t.cache == nil {
		t.cache = map[string]*folder{}
	}
	for t.held += len(f.items); t.held > maxHeld && len(t.order) > 0; t.order = t.order[1:] {
		t.held -= len(t.cache[t.order[0]].items)
		delete(t.cache, t.order[0])
	}
	t.cache[name] = f
	t.order = append(t.order, name)
}

func (f *folder) find(name string) (item, bool) {
	i, ok := slices.BinarySearchFunc(f.items, name, func(it item, name string) int { return strings.Compare(it.name, name) })
	if !ok {
		return item{}, false
	}
	return f.items[i], true
}

// lookup finds a file or folder.
func (t *tree) lookup(name string) (item, error) {
	if !fs.ValidPath(name) {
		return item{}, fs.ErrInvalid
	}
	if name == "." {
		return item{name: ".", dir: true}, nil
	}
	f, err := t.folder(path.Dir(name))
	if err != nil {
		if errors.Is(err, syscall.ENOTDIR) {
			err = fs.ErrNotExist
		}
		return item{}, err
	}
	it, ok := f.find(path.Base(name))
	if !ok {
		return item{}, fs.ErrNotExist
	}
	return it, nil
}

// Open implements fs.FS.
func (t *tree) Open(name string) (fs.File, error) {
	it, err := t.lookup(name)
	if err == nil && it.dir {
		var f *folder
		if f, err = t.folder(name); err == nil {
			return &openDir{info: t.info(it), list: t.list(f)}, nil
		}
	}
	if err == nil {
		var f *file
		if f, err = openEntry(t.ctx, t.from, it.entry, t.info(it)); err == nil {
			return f, nil
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: err}
}

// Stat implements fs.StatFS.
func (t *tree) Stat(name string) (fs.FileInfo, error) {
	it, err := t.lookup(name)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return t.info(it), nil
}

// StoredSum implements russet.Summed: what the index says.
func (t *tree) StoredSum(name string) ([sha256.Size]byte, int64, bool) {
	it, err := t.lookup(name)
	if err != nil || it.entry == nil {
		return [sha256.Size]byte{}, 0, false
	}
	return it.entry.Sum, it.entry.Stored, true
}

// ReadDir implements fs.ReadDirFS.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	err := error(fs.ErrInvalid)
	if fs.ValidPath(name) {
		var f *folder
		if f, err = t.folder(name); err == nil {
			return t.list(f), nil
		}
	}
	return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
}

func (t *tree) list(f *folder) []fs.DirEntry {
	list := make([]fs.DirEntry, len(f.items))
	for i, it := range f.items {
		list[i] = fs.FileInfoToDirEntry(t.info(it))
	}
	return list
}

func (t *tree) info(it item) info {
	i := info{name: it.name, dir: it.dir, mod: t.time}
	if it.entry != nil {
		i.size = it.entry.Stored
	}
	return i
}

// info describes a file or folder of a tree.
type info struct {
	name string
	size int64
	dir  bool
	mod  time.Time
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return i.mod }
func (i info) IsDir() bool        { return i.dir }
func (i info) Sys() any           { return nil }

func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

// openDir is an open folder.
type openDir struct {
	info info
	list []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: syscall.EISDIR}
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 || n > len(d.list) {
		if n > 0 && len(d.list) == 0 {
			return nil, errEnd
		}
		n = len(d.list)
	}
	list := d.list[:n:n]
	d.list = d.list[n:]
	return list, nil
}
