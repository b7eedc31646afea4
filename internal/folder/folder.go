// Package folder is a store that is a folder of MobileSync backups, laid out as
// Finder, iTunes and idevicebackup2 lay it out:
//
//	<UDID>/                   the last finished backup of a device, nothing else
//	<UDID>-YYYYMMDD-HHMMSS/   archived ones
//	.russet/                  what russet adds
//	    format                the version of what follows
//	    backups/<id>.json     what is known of a backup; <id>.sums its checksums
//	    devices/<UDID>.json   what is remembered of a device's failures
//	    drafts/<UDID>/        the backup being made: draft.json, journal,
//	                          objects/ (received files), tree/ (while committing)
//	    aside/<id>/           drafts that must not be offered again
//	    incoming/ trash/      on their way in and out
//	    locks/
//
// A device never touches a finished backup: it works on a draft, an overlay
// over the current backup. Commit builds the new folder beside the current one
// and exchanges the two; at every moment, after any crash, the folder named
// after the device is the previous backup or the new one, whole.
package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"russet"
	"russet/internal/drafts"
	"russet/internal/durable"
)

const (
	home        = ".russet"
	formatFile  = home + "/format"
	backupsDir  = home + "/backups"
	incomingDir = home + "/incoming"
	trashDir    = home + "/trash"

	format = "russet folder store 1\n"

	// What is ours is nobody else's business until it is finished; a finished
	// backup has the permissions the owner's umask leaves.
	private     = 0o700
	privateFile = 0o600
	public      = 0o777
	publicFile  = 0o666
)

// Options says how a store is opened. The zero value opens an existing folder.
type Options struct {
	Name      string // what the store is called; shows up in Backup.Store
	Create    bool   // make the folder when it is absent
	Log       *slog.Logger
	Passwords russet.Passwords // for commits that an interrupted run left to finish
	// Before is asked before every change of the disk: how tests break the n-th.
	Before durable.Hook
	// NoLinks behaves as on a file system without hard links.
	NoLinks bool
}

// Store is a folder store; it implements russet.Store.
type Store struct {
	dir      *durable.Dir // the folder
	books    drafts.Books
	opts     Options
	log      *slog.Logger
	readOnly error // why nothing can be written; nil when it can
}

var _ russet.Store = (*Store)(nil)

// Open opens the store in the folder at path and finishes what an interrupted
// run left to finish. A folder that cannot be written to opens for reading.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	if opts.Create {
		if err := os.MkdirAll(path, public); err != nil {
			return nil, fmt.Errorf("make the store %q: %w", path, err)
		}
	}
	dir, err := durable.Open(path, opts.Before)
	if err != nil {
		return nil, fmt.Errorf("open the store %q: %w", path, err)
	}
	s := &Store{dir: dir, books: drafts.Books{Folder: dir, In: home}, opts: opts, log: opts.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	if s.readOnly == nil {
		s.recover(ctx)
	}
	return s, nil
}

// Close lets go of the store. Drafts and contents that are open stay usable.
func (s *Store) Close() error { return s.dir.Close() }

// prepare makes our folder in the store, or finds that it cannot be written.
func (s *Store) prepare() error {
	have, err := s.dir.ReadFile(formatFile, 1<<10)
	switch {
	case err == nil && string(have) != format:
		return &russet.Error{
			Kind: russet.Unsupported, Doing: "open the store " + s.dir.Path(),
			What: fmt.Sprintf("it was made by another version of russet (%q)", strings.TrimSpace(string(have))),
			Hint: "use the newest russet",
		}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open the store %q: %w", s.dir.Path(), err)
	}
	for _, name := range append(s.books.Folders(), backupsDir, incomingDir, trashDir) {
		if err := s.dir.MkdirAll(name, private); err != nil {
			s.readOnly = err
			return nil
		}
	}
	lock, err := s.dir.Lock(s.books.LockFile("store"), true)
	if err != nil && !errors.Is(err, durable.ErrLocked) {
		s.readOnly = err
		return nil
	}
	err = lock.Unlock()
	if len(have) == 0 && err == nil {
		err = s.dir.Replace(formatFile, []byte(format), privateFile)
	}
	s.readOnly = err
	return nil
}

// writable is the error of a change to a store that cannot be changed.
func (s *Store) writable(doing string) error {
	if s.readOnly == nil {
		return nil
	}
	e := &russet.Error{
		Kind: russet.Failed, Doing: doing, Err: s.readOnly,
		What: fmt.Sprintf("the store %s cannot be written to: %v", s.dir.Path(), s.readOnly),
		Hint: "make the folder writable, or choose another store",
	}
	if durable.IsFull(s.readOnly) {
		e.Kind, e.Hint = russet.NoSpace, "make room on the disk"
	}
	return e
}

// Free is how many bytes the disk can still take.
func (s *Store) Free(context.Context) (int64, error) { return s.dir.Free() }

// sync makes everything written so far durable where one call can do that,
// else what the caller syncs file by file.
func (s *Store) sync(each func() error) error {
	err := s.dir.SyncAll()
	if errors.Is(err, errors.ErrUnsupported) {
		return each()
	}
	return err
}

// stamp is the end of an archived backup's name: local time, as Finder's.
func stamp(t time.Time) string { return t.Local().Format("20060102-150405") }
