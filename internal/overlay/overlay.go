// Package overlay is the folder a device sees while a backup is being made:
// the last finished backup underneath, and above it an index of what the
// device has changed. Moving, copying and removing are changes of the index
// alone; the base is never touched, and is listed only where the device looks.
//
// The index is kept in memory, about 50 bytes for each file received, and in a
// journal from which it is rebuilt after the process was killed or the power
// was cut. Where the bytes of received files are kept is the caller's affair:
// the index knows them as numbered objects.
package overlay

import (
	"io/fs"
	"path"
	"strings"
	"syscall"

	"russet/internal/durable"
)

// Object is what was received for one file.
type Object struct {
	Size int64
	Sum  [16]byte // a checksum of the bytes, of the caller's choice
}

// ID numbers the objects of an overlay from 1.
type ID uint32

// Limits against a device that makes folders or copies for ever: a phone has
// 514 folders and, so far, less than two million files.
const (
	maxFolders = 1 << 16
	maxFiles   = 1 << 24
)

// Options says what an overlay lies over.
type Options struct {
	// Base is the folder of the last finished backup, shown under the name
	// Root; nil when the device is to find nothing.
	Base fs.FS
	Root string
	// Trust is asked, when a journal is read back, whether an object is as it
	// was recorded; a file whose object is not counts as never received.
	// durable says that a barrier was recorded after the object.
	Trust func(id ID, o Object, durable bool) bool
}

// Overlay is the folder of one draft. It is used by one goroutine at a time.
// Names are slash-separated and satisfy fs.ValidPath; other names are errors
// that wrap fs.ErrInvalid.
type Overlay struct {
	base    fs.FS
	root    *folder
	objects objects
	folders int
	files   int
	dead    []ID
	journal *journal
}

// Open makes an overlay whose journal is the file called name in dir. An
// existing journal is read back up to its first damaged or unfinished record;
// what lies behind is cut off.
func Open(dir *durable.Dir, name string, opts Options) (*Overlay, error) {
	o := &Overlay{base: opts.Base, root: &folder{}}
	if opts.Base != nil {
		o.root.set(opts.Root, entry{kind: isFolder, folder: &folder{base: "."}})
		o.folders++
	}
	size, err := o.replay(dir, name, opts.Trust)
	if err != nil {
		return nil, err
	}
	f, err := dir.Append(name, size, 0o600)
	if err != nil {
		return nil, err
	}
	o.journal = &journal{file: f, size: size}
	return o, nil
}

// Close writes the journal out and lets go of it.
func (o *Overlay) Close() error { return o.journal.close() }

// Flush hands the journal to the operating system: what was done so far
// survives the death of the process.
func (o *Overlay) Flush() error { return o.journal.flush() }

// Sync makes the journal durable.
func (o *Overlay) Sync() error { return o.journal.sync() }

// Length is how long the journal is once it is flushed.
func (o *Overlay) Length() int64 { return o.journal.size + int64(len(o.journal.buf)) }

// Barrier records that everything before is durable, objects included. The
// caller has seen to that.
func (o *Overlay) Barrier() error {
	o.journal.add(record{op: opBarrier})
	return o.Flush()
}

// Next is the number the next Put gives its object.
func (o *Overlay) Next() ID { return o.objects.last + 1 }

// Object returns what is known of an object; false when no file refers to it.
func (o *Overlay) Object(id ID) (Object, bool) {
	if !o.objects.live(id) {
		return Object{}, false
	}
	return o.objects.get(id), true
}

// Shared reports whether several files refer to the object.
func (o *Overlay) Shared(id ID) bool { return o.objects.more[id] > 0 }

// Dead returns the objects that no file has referred to since the last call.
// Their bytes may go once the journal is durable, not before.
func (o *Overlay) Dead() []ID {
	dead := o.dead
	o.dead = nil
	return dead
}

// Put puts a received file, object number [Overlay.Next], at name, over a file
// that is there. Missing parents are made. A folder in its place is EISDIR.
func (o *Overlay) Put(name string, obj Object) error {
	return o.change(record{op: opPut, name: name, id: o.Next(), obj: obj}, obj.Size)
}

// Mkdir makes a folder and its parents; one that exists is no error.
func (o *Overlay) Mkdir(name string) error {
	if e, err := o.lookup(name); err == nil && e.kind == isFolder {
		return nil
	}
	return o.change(record{op: opMkdir, name: name}, 0)
}

// Rename moves a file or a folder, over whatever is at the new name.
func (o *Overlay) Rename(from, to string) error {
	return o.change(record{op: opRename, name: from, to: to}, 0)
}

// Copy copies a file or a whole folder, over whatever is at the new name. The
// copies share their objects.
func (o *Overlay) Copy(from, to string) error {
	return o.change(record{op: opCopy, name: from, to: to}, 0)
}

// Remove removes a file or a whole folder; a missing one is no error.
func (o *Overlay) Remove(name string) error {
	return o.change(record{op: opRemove, name: name}, 0)
}

// change does what r says and records it.
func (o *Overlay) change(r record, weight int64) error {
	if err := o.apply(r); err != nil {
		return err
	}
	o.journal.add(r)
	return o.journal.flushWhenDue(weight)
}

func (o *Overlay) apply(r record) error {
	switch r.op {
	case opPut:
		return o.put(r.name, r.id, r.obj)
	case opMkdir:
		_, err := o.makeFolder(r.name)
		return err
	case opRename:
		return o.rename(r.name, r.to)
	case opCopy:
		return o.copy(r.name, r.to)
	case opRemove:
		return o.remove(r.name)
	default:
		return nil
	}
}

func (o *Overlay) put(name string, id ID, obj Object) error {
	parent, leaf, err := o.parentOf("create", name)
	if err != nil {
		return err
	}
	if parent == o.root {
		return o.onlyFolders("create", name)
	}
	if _, hex := parseKey(leaf); !hex {
		// Folders have short names; asking the base for each payload would
		// cost a system call a file.
		if e, err := o.child(parent, leaf); err == nil && e.kind == isFolder {
			return &fs.PathError{Op: "create", Path: name, Err: syscall.EISDIR}
		}
	}
	if o.files >= maxFiles {
		return &fs.PathError{Op: "create", Path: name, Err: syscall.ENOSPC}
	}
	o.objects.put(id, obj)
	o.replace(parent, leaf, entry{kind: isObject, id: id})
	o.files++
	return nil
}

func (o *Overlay) rename(from, to string) error {
	e, err := o.source("rename", from, to)
	if err != nil || from == to {
		return err
	}
	parent, leaf, err := o.parentOf("rename", to)
	if err != nil {
		return err
	}
	if parent == o.root && e.kind != isFolder {
		return o.onlyFolders("rename", to)
	}
	old, oldLeaf, err := o.parentOf("rename", from)
	if err != nil {
		return err
	}
	if _, own := old.own(oldLeaf); !own {
		o.count(e)
	}
	old.set(oldLeaf, entry{kind: isGone})
	o.replace(parent, leaf, e)
	return nil
}

func (o *Overlay) copy(from, to string) error {
	e, err := o.source("copy", from, to)
	if err != nil || from == to {
		return err
	}
	if e.kind != isFolder && path.Dir(to) == "." {
		return o.onlyFolders("copy", to)
	}
	folders, files := o.weigh(e)
	if o.folders+folders > maxFolders || o.files+files > maxFiles {
		return &fs.PathError{Op: "copy", Path: to, Err: syscall.ENOSPC}
	}
	clone := o.clone(e) // before the target's parents are made: they may lie inside
	parent, leaf, err := o.parentOf("copy", to)
	if err != nil {
		o.release(clone)
		return err
	}
	o.replace(parent, leaf, clone)
	return nil
}

// onlyFolders refuses a file where the folders of backups are: in the place of
// one it would be in the way of every run to come.
func (o *Overlay) onlyFolders(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: syscall.EISDIR}
}

// source finds what is to be moved or copied; a folder cannot go into itself.
func (o *Overlay) source(op, from, to string) (entry, error) {
	if from == "." || to == "." || strings.HasPrefix(to, from+"/") {
		return entry{}, &fs.PathError{Op: op, Path: to, Err: fs.ErrInvalid}
	}
	return o.lookup(from)
}

func (o *Overlay) remove(name string) error {
	if name == "." {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrInvalid}
	}
	if _, err := o.lookup(name); missing(err) {
		return nil
	} else if err != nil {
		return err
	}
	parent, leaf, err := o.parentOf("remove", name)
	if err != nil {
		return err
	}
	o.replace(parent, leaf, entry{kind: isGone})
	return nil
}

// parentOf finds the folder a name is in and makes it when it is missing.
func (o *Overlay) parentOf(op, name string) (*folder, string, error) {
	if !fs.ValidPath(name) || name == "." {
		return nil, "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	parent, err := o.makeFolder(path.Dir(name))
	return parent, path.Base(name), err
}
