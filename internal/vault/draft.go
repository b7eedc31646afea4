package vault

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"path"
	"sync"
	"syscall"
	"time"

	"russet"
	"russet/device/devicelink"
	"russet/internal/drafts"
	"russet/internal/durable"
	"russet/internal/facts"
	"russet/internal/overlay"
)

// draft is a backup being made; it implements russet.Draft.
type draft struct {
	s        *Store
	lock     *durable.Lock // of the device
	baseLock *durable.Lock // of the backup it was offered
	dir      *durable.Dir  // drafts/<UDID>
	note     draftNote
	base     *tree // of the backup the device was offered; nil when none
	backup   *russet.Backup
	resumed  bool
	pass     russet.Passwords
	early    *facts.Unlocking // of the keybag seen last; nil when none
	allow    int64            // negative: no limit
	closed   bool
	tried    bool // Commit was called

	mu     sync.Mutex // the device's requests and the workers use what follows
	w      *session
	over   *overlay.Overlay
	places *places
	spool  *spool // nil when what comes is not encrypted
	ingest *ingest
	bigs   []big
	upload *upload // the one under way
	buf    []byte
	hash   hash.Hash
	alive  time.Time // when the vault was last told what the draft refers to

	work   *normalising // beside the device; nil when none is under way
	looked []uint64     // by object: it was normalised in this process
}

var (
	_ russet.Draft            = (*draft)(nil)
	_ devicelink.SourcedFiles = (*draft)(nil)
)

// draftNote is what a draft remembers of itself: draft.json.
type draftNote struct {
	drafts.Note
	// Spooled: what comes is ciphertext and is held in the spool.
	Spooled bool `json:"spooled,omitempty"`
}

const journalFile = "journal"

func (d *draft) saveNote() error {
	return d.s.saveJSON(d.s.books.Draft(d.note.Device)+"/"+drafts.NoteFile, &d.note)
}

// Base is the backup the device was offered.
func (d *draft) Base() *russet.Backup { return d.backup }

// Resumed reports whether the draft continues an interrupted run.
func (d *draft) Resumed() bool { return d.resumed }

// allowed refuses every name but the device's folder and the sibling that a
// device moves an old one to.
func (d *draft) allowed(op, name string) error {
	if d.closed {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrClosed}
	}
	return facts.MayName(d.note.Device, op, name)
}

// do does something to the overlay for the device.
func (d *draft) do(op string, names []string, change func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range names {
		if err := d.allowed(op, name); err != nil {
			return err
		}
	}
	return change()
}

// Open opens a file for the device.
func (d *draft) Open(name string) (f fs.File, err error) {
	err = d.do("open", []string{name}, func() error {
		if err := d.flush(); err != nil {
			return err
		}
		f, err = d.openLocked(name)
		return err
	})
	return f, err
}

func (d *draft) openLocked(name string) (fs.File, error) {
	it, err := d.over.Lookup(name)
	switch {
	case err != nil:
		return nil, err
	case it.Folder:
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	case it.ID == 0:
		return d.base.Open(it.Base)
	}
	src, err := d.source(it.ID)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &received{source: src, info: info{name: path.Base(name), size: src.Size(), mod: d.note.Started}}, nil
}

// source opens what was received for an object.
func (d *draft) source(id overlay.ID) (source, error) {
	p, ok, err := d.places.get(id)
	if err == nil && !ok {
		if err = d.ingest.wait(); err == nil {
			p, ok, err = d.places.get(id)
		}
	}
	switch {
	case err != nil:
		return nil, err
	case ok && p.seg != 0:
		return d.spool.reader(p.seg, p.off, p.size)
	case ok && !p.cbc:
		return d.w.Reader(context.Background(), p.id)
	default:
		return nil, fs.ErrNotExist
	}
}

// Mkdir makes a folder.
func (d *draft) Mkdir(name string) error {
	return d.do("mkdir", []string{name}, func() error { return d.over.Mkdir(name) })
}

// ReadDir lists a folder.
func (d *draft) ReadDir(name string) (list []fs.DirEntry, err error) {
	err = d.do("readdir", []string{name}, func() error {
		if err := d.flush(); err != nil {
			return err
		}
		list, err = d.over.ReadDir(name, d.note.Started)
		return err
	})
	return list, err
}

// flush hands what was noted so far to the operating system.
func (d *draft) flush() error {
	d.places.mu.Lock()
	err := d.places.flush()
	d.places.mu.Unlock()
	return errors.Join(err, d.over.Flush())
}

// Rename moves a file or folder.
func (d *draft) Rename(from, to string) error {
	return d.do("rename", []string{from, to}, func() error { return d.over.Rename(from, to) })
}

// Copy copies a file or a tree.
func (d *draft) Copy(from, to string) error {
	return d.do("copy", []string{from, to}, func() error { return d.over.Copy(from, to) })
}

// Remove removes a file or a tree.
func (d *draft) Remove(name string) error {
	return d.do("remove", []string{name}, func() error { return d.over.Remove(name) })
}

// Free is what the place where the bytes land can still take: the vault's, the
// spool's disk where they wait, and what the allowance leaves.
func (d *draft) Free() (int64, error) {
	free, err := d.s.Free(context.Background())
	if err == nil && d.spool != nil {
		var local int64
		if local, err = d.s.dir.Free(); err == nil {
			// A spool that is full hands on to the vault.
			room := max(0, d.s.opts.Spool-d.spool.used)
			if local < room {
				free = min(free, local)
			}
		}
	}
	if err == nil && d.allow >= 0 {
		free = min(free, d.allow)
	}
	return free, err
}

// Purge cannot make room: what the vault holds is the owner's to delete.
func (d *draft) Purge(context.Context, int64, int) (int64, error) {
	return 0, fmt.Errorf("make room in the vault: %w", errors.ErrUnsupported)
}

// barrier makes everything received so far durable.
func (d *draft) barrier() error {
	err := d.ingest.flush(context.Background())
	if err == nil && d.spool != nil {
		err = d.spool.sync()
	}
	if err == nil {
		err = errors.Join(d.places.sync(), d.over.Sync(), d.dir.SyncDir())
	}
	if err != nil {
		return fmt.Errorf("make the draft durable: %w", err)
	}
	d.over.Dead() // their bytes go with the draft
	if err := d.over.Barrier(); err != nil {
		return err
	}
	return d.beat(context.Background())
}

// received is called for every file that came from the device.
func (d *draft) received(name string, size int64) error {
	if path.Base(name) == facts.ManifestPlist {
		d.early = d.early.Follow(view{d, true}, facts.ManifestPlist, d.note.Device, d.pass)
	}
	if d.allow >= 0 {
		d.allow = max(0, d.allow-size)
	}
	status := name == string(d.note.Device)+"/"+facts.StatusPlist
	if status || d.ingest.due() {
		if err := d.barrier(); err != nil {
			return err
		}
	}
	if status {
		d.normaliseEarly()
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
	d.stopWork()
	d.mu.Lock()
	err := errors.Join(d.abortUpload(), d.barrier(), d.keepAlive(context.Background()))
	d.note.Added += d.w.Uploaded()
	err = errors.Join(err, d.saveNote())
	d.mu.Unlock()
	return errors.Join(err, d.close(err == nil))
}

// Discard throws the draft away. When the device stumbled over a draft it was
// offered again, and then over the backup the draft was based on, the next run
// starts from nothing.
func (d *draft) Discard(ctx context.Context) error {
	if d.closed {
		return fs.ErrClosed
	}
	d.stopWork()
	var err error
	if d.resumed || (d.s.books.Strikes(d.note.Device) > 0 && d.over.Next() > 2) {
		err = d.s.books.Strike(d.note.Device)
	}
	d.mu.Lock()
	err = errors.Join(err, d.abortUpload())
	d.mu.Unlock()
	return errors.Join(err, d.close(true), d.s.dropDraft(ctx, d.s.books.Draft(d.note.Device), d.note.ID))
}

func (d *draft) abortUpload() error {
	if d.upload == nil {
		return nil
	}
	return d.upload.abort()
}

// close lets go of everything the draft holds open. clean says that nothing
// sent to the vault is without an index.
func (d *draft) close(clean bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.early.End()
	d.ingest.close()
	var errs []error
	if d.over != nil {
		errs = append(errs, d.over.Close())
	}
	if d.places != nil {
		errs = append(errs, d.places.close())
	}
	if d.spool != nil {
		errs = append(errs, d.spool.close())
	}
	errs = append(errs, d.w.end(clean))
	if d.dir != nil {
		errs = append(errs, d.dir.Close())
	}
	return errors.Join(append(errs, d.baseLock.Unlock(), d.lock.Unlock())...)
}

// received is a file that was received in this run, open for reading.
type received struct {
	source
	info info
	off  int64
}

func (r *received) Stat() (fs.FileInfo, error) { return r.info, nil }

func (r *received) Read(p []byte) (int, error) {
	if r.off >= r.Size() {
		return 0, errEnd
	}
	n, err := r.ReadAt(p, r.off)
	r.off += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}
