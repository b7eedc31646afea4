package overlay

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"syscall"
)

type kind uint8

const (
	isGone   kind = iota // hides what the base has
	isObject             // received: objects[id]
	isBase               // a file of the base, under another name than there
	isFolder
)

// entry is what one name in a folder stands for.
type entry struct {
	kind   kind
	id     ID
	base   string // of isBase: its name in the base
	folder *folder
}

// folder is what differs from a folder of the base.
type folder struct {
	base  string           // the folder of the base that shows through; "" is none
	rows  rows             // names of 40 hexadecimal digits: objects and hidden ones
	names map[string]entry // all others
}

// set lets name stand for e and forgets what it stood for.
func (f *folder) set(name string, e entry) {
	key, hex := parseKey(name)
	compact := hex && (e.kind == isObject || e.kind == isGone)
	if len(f.names) > 0 {
		delete(f.names, name)
	}
	switch {
	case e.kind == isGone && f.base == "":
		if hex {
			f.rows.remove(key)
		}
	case compact:
		f.rows.set(key, e.id)
	default:
		if hex {
			f.rows.remove(key)
		}
		if f.names == nil {
			f.names = map[string]entry{}
		}
		f.names[name] = e
	}
}

// own is what the index itself says of a name.
func (f *folder) own(name string) (entry, bool) {
	if key, hex := parseKey(name); hex {
		if id, ok := f.rows.get(key); ok {
			if id == 0 {
				return entry{kind: isGone}, true
			}
			return entry{kind: isObject, id: id}, true
		}
	}
	e, ok := f.names[name]
	return e, ok
}

// child finds what a name in a folder stands for; fs.ErrNotExist if nothing.
// A folder of the base comes as one that is not yet in the index.
func (o *Overlay) child(f *folder, name string) (entry, error) {
	if e, ok := f.own(name); ok {
		if e.kind == isGone {
			return entry{}, fs.ErrNotExist
		}
		return e, nil
	}
	if f.base == "" {
		return entry{}, fs.ErrNotExist
	}
	below := path.Join(f.base, name)
	info, err := fs.Lstat(o.base, below)
	if err != nil {
		return entry{}, err
	}
	if info.IsDir() {
		return entry{kind: isFolder, folder: &folder{base: below}}, nil
	}
	return entry{kind: isBase, base: below}, nil
}

// lookup finds what a name stands for.
func (o *Overlay) lookup(name string) (entry, error) {
	e, err := o.find(name)
	if err != nil {
		return entry{}, &fs.PathError{Op: "open", Path: name, Err: plain(err)}
	}
	return e, nil
}

func (o *Overlay) find(name string) (entry, error) {
	if !fs.ValidPath(name) {
		return entry{}, fs.ErrInvalid
	}
	at := entry{kind: isFolder, folder: o.root}
	if name == "." {
		return at, nil
	}
	for step := range strings.SplitSeq(name, "/") {
		if at.kind != isFolder {
			return entry{}, syscall.ENOTDIR
		}
		var err error
		if at, err = o.child(at.folder, step); err != nil {
			return entry{}, err
		}
	}
	return at, nil
}

// makeFolder finds a folder, takes it and its parents into the index, and
// makes what is missing.
func (o *Overlay) makeFolder(name string) (*folder, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrInvalid}
	}
	at := o.root
	if name == "." {
		return at, nil
	}
	for step := range strings.SplitSeq(name, "/") {
		e, err := o.child(at, step)
		switch {
		case missing(err):
			e = entry{kind: isFolder, folder: &folder{}}
		case err != nil:
			return nil, &fs.PathError{Op: "mkdir", Path: name, Err: plain(err)}
		case e.kind != isFolder:
			return nil, &fs.PathError{Op: "mkdir", Path: name, Err: syscall.ENOTDIR}
		}
		if own, ok := at.names[step]; !ok || own.folder != e.folder {
			if o.folders >= maxFolders {
				return nil, &fs.PathError{Op: "mkdir", Path: name, Err: syscall.ENOSPC}
			}
			o.folders++
			at.set(step, e)
		}
		at = e.folder
	}
	return at, nil
}

// replace lets a name stand for e and gives up what it stood for in the index.
func (o *Overlay) replace(f *folder, name string, e entry) {
	if old, ok := f.own(name); ok {
		o.release(old)
	}
	f.set(name, e)
}

// count counts an entry that is new in the index, without what is below it.
func (o *Overlay) count(e entry) {
	if e.kind == isFolder {
		o.folders++
	} else {
		o.files++
	}
}

// release gives up an entry of the index and everything below it.
func (o *Overlay) release(e entry) {
	switch e.kind {
	case isBase:
		o.files--
	case isObject:
		o.files--
		if o.objects.release(e.id) {
			o.dead = append(o.dead, e.id)
		}
	case isFolder:
		o.folders--
		for _, r := range e.folder.rows {
			if r.id != 0 {
				o.release(entry{kind: isObject, id: r.id})
			}
		}
		for _, below := range e.folder.names {
			o.release(below)
		}
	}
}

// clone copies an entry with everything below it.
func (o *Overlay) clone(e entry) entry {
	if e.kind != isGone {
		o.count(e)
	}
	switch e.kind {
	case isObject:
		o.objects.retain(e.id)
	case isFolder:
		c := &folder{base: e.folder.base, rows: append(rows(nil), e.folder.rows...)}
		for _, r := range c.rows {
			if r.id != 0 {
				o.clone(entry{kind: isObject, id: r.id})
			}
		}
		for name, below := range e.folder.names {
			c.set(name, o.clone(below))
		}
		e.folder = c
	}
	return e
}

// weigh counts the folders and files a clone would add.
func (o *Overlay) weigh(e entry) (folders, files int) {
	if e.kind != isFolder {
		return 0, 1
	}
	folders, files = 1, len(e.folder.rows)
	for _, below := range e.folder.names {
		d, n := o.weigh(below)
		folders, files = folders+d, files+n
	}
	return folders, files
}

// missing reports that there is nothing of a name: also below a file.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// plain takes the base's own words off an error: they name its place on disk.
func plain(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
