package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"syscall"

	"github.com/zeebo/xxh3"

	"russet"
	"russet/device/devicelink"
	"russet/internal/drafts"
	"russet/internal/durable"
	"russet/internal/facts"
	"russet/internal/overlay"
)

// draft is a backup being made; it implements russet.Draft.
type draft struct {
	s       *Store
	lock    *durable.Lock
	dir     *durable.Dir // .russet/drafts/<UDID>
	note    draftNote
	base    *durable.Dir // the backup the device was offered; nil when none
	backup  *russet.Backup
	objects objects
	over    *overlay.Overlay
	resumed bool
	pass    russet.Passwords
	early   *facts.Unlocking // of the keybag seen last; nil when none
	allow   int64            // negative: no limit
	since   int64            // bytes received since the last barrier
	synced  overlay.ID

	upload *upload // the one under way
	buf    []byte
	hash   *xxh3.Hasher
	closed bool
	tried  bool // Commit was called
}

var _ russet.Draft = (*draft)(nil)

// checkpoint: after a kill, what came after the last barrier is read again
// before it is believed.
const checkpoint = 1 << 30

func (d *draft) saveNote() error {
	return d.s.saveJSON(d.s.books.Draft(d.note.Device)+"/"+drafts.NoteFile, &d.note)
}

// Base is the backup the device was offered.
func (d *draft) Base() *russet.Backup { return d.backup }

// Resumed reports whether the draft continues an interrupted run.
func (d *draft) Resumed() bool { return d.resumed }

// allowed refuses every name but the device's folder and the sibling that a
// device moves an old one to; the sibling never leaves the
// draft.
func (d *draft) allowed(op, name string) error {
	if d.closed {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrClosed}
	}
	return facts.MayName(d.note.Device, op, name)
}

// Open opens a file for the device.
func (d *draft) Open(name string) (fs.File, error) {
	if err := d.allowed("open", name); err != nil {
		return nil, err
	}
	if err := d.over.Flush(); err != nil {
		return nil, err
	}
	it, err := d.over.Lookup(name)
	switch {
	case err != nil:
		return nil, err
	case it.Folder:
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	case it.ID != 0:
		return d.objects.open(it.ID)
	default:
		return openRegular(d.base.FS(), it.Base)
	}
}

// openRegular opens a file of a backup's folder, which others can write to:
// opening a pipe would wait for ever.
func openRegular(fsys fs.FS, name string) (fs.File, error) {
	info, err := fs.Lstat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	return fsys.Open(name)
}

// Mkdir makes a folder.
func (d *draft) Mkdir(name string) error {
	if err := d.allowed("mkdir", name); err != nil {
		return err
	}
	return d.over.Mkdir(name)
}

// ReadDir lists a folder.
func (d *draft) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := d.allowed("readdir", name); err != nil {
		return nil, err
	}
	if err := d.over.Flush(); err != nil {
		return nil, err
	}
	return d.over.ReadDir(name, d.note.Started)
}

// Rename moves a file or folder.
func (d *draft) Rename(from, to string) error {
	if err := errors.Join(d.allowed("rename", from), d.allowed("rename", to)); err != nil {
		return err
	}
	return d.over.Rename(from, to)
}

// Copy copies a file or a tree.
func (d *draft) Copy(from, to string) error {
	if err := errors.Join(d.allowed("copy", from), d.allowed("copy", to)); err != nil {
		return err
	}
	return d.over.Copy(from, to)
}

// Remove removes a file or a tree.
func (d *draft) Remove(name string) error {
	if err := d.allowed("remove", name); err != nil {
		return err
	}
	return d.over.Remove(name)
}

// Free is what the disk can still take, or what the allowance leaves if that
// is less.
func (d *draft) Free() (int64, error) {
	free, err := d.s.dir.Free()
	if err == nil && d.allow >= 0 {
		free = min(free, d.allow)
	}
	return free, err
}

// Purge cannot make room: what the store holds is the owner's to delete.
func (d *draft) Purge(context.Context, int64, int) (int64, error) {
	return 0, fmt.Errorf("make room in the store: %w", errors.ErrUnsupported)
}

// barrier makes everything received so far durable.
func (d *draft) barrier() error {
	if err := d.over.Flush(); err != nil {
		return err
	}
	err := d.s.sync(func() error {
		return errors.Join(d.objects.syncFrom(d.synced), d.dir.SyncDir(), d.over.Sync())
	})
	if err != nil {
		return fmt.Errorf("make the draft durable: %w", err)
	}
	d.since, d.synced = 0, d.over.Next()
	if err := d.over.Barrier(); err != nil {
		return err
	}
	for _, id := range d.over.Dead() {
		if err := d.objects.remove(id); err != nil {
			return err
		}
	}
	return nil
}

// received is called for every file that came from the device.
func (d *draft) received(name string, size int64) error {
	d.manifestArrived(name)
	d.since += size
	if d.allow >= 0 {
		d.allow = max(0, d.allow-size)
	}
	if name == string(d.note.Device)+"/"+facts.StatusPlist || d.since >= checkpoint {
		return d.barrier()
	}
	return nil
}

// Suspend keeps what was received for the next run. After a commit that failed
// there is nothing left to do: the draft is kept already, or set aside.
func (d *draft) Suspend(context.Context) error {
	if d.tried {
		return nil
	}
	if d.closed {
		return fs.ErrClosed
	}
	return errors.Join(d.abortUpload(), d.barrier(), d.close())
}

// Discard throws the draft away. When the device stumbled over a draft it was
// offered again, and then over the backup the draft was based on, the next run
// starts from nothing.
func (d *draft) Discard(context.Context) error {
	if d.closed {
		return fs.ErrClosed
	}
	var err error
	if d.resumed || (d.s.books.Strikes(d.note.Device) > 0 && d.over.Next() > 2) {
		err = d.s.books.Strike(d.note.Device)
	}
	err = errors.Join(err, d.abortUpload(), d.over.Close(), d.s.trash(d.s.books.Draft(d.note.Device), d.note.ID))
	d.over = nil
	return errors.Join(err, d.close())
}

// close lets go of everything the draft holds open.
func (d *draft) close() error {
	d.closed = true
	d.early.End()
	var errs []error
	if d.over != nil {
		errs = append(errs, d.over.Close())
	}
	errs = append(errs, d.objects.close())
	if d.base != nil {
		errs = append(errs, d.base.Close())
	}
	if d.dir != nil {
		errs = append(errs, d.dir.Close())
	}
	return errors.Join(append(errs, d.lock.Unlock())...)
}

func objectName(id overlay.ID) string { return strconv.FormatUint(uint64(id), 10) }

var _ devicelink.Files = (*draft)(nil)

// unlockEarly begins with the keybag of a Manifest.plist, unless it is at that
// one already. What is wrong with it, the commit check will say.
func (d *draft) unlockEarly(fsys fs.FS, name string) {
	d.early = d.early.Follow(fsys, name, d.note.Device, d.pass)
}

// manifestArrived begins to unlock a Manifest.plist that was received, in its
// place or in Snapshot.
func (d *draft) manifestArrived(name string) {
	if path.Base(name) == facts.ManifestPlist {
		d.unlockEarly(view{d}, name[len(d.note.Device)+1:])
	}
}
