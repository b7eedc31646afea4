// Package mobilesync reads and writes the folders iTunes, Finder and others
// keep backups of iPhones and iPads in, plain and encrypted:
//
//	<UDID>/Info.plist       written by the computer
//	<UDID>/Status.plist     written by the device; says whether the backup is whole
//	<UDID>/Manifest.plist   written by the device; holds the keys
//	<UDID>/Manifest.db      one row per file, directory and link
//	<UDID>/3d/3d0d7e5f…     what is in the files, encrypted or not
//
// Open opens such a folder; Records lists what the device sent, Files shows
// it as the owner knows it, HomeDomain/Library/SMS/sms.db, decrypted as it is
// read. Nothing is ever written beside what is read, and nothing decrypted is
// put on a disk.
package mobilesync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"russet/internal/sqlitefs"
	"russet/mobilesync/keybag"
)

// Options says how to open a backup.
type Options struct {
	// Password opens an encrypted backup, in one to five seconds.
	Password string
	// Key opens it at once: a key that Backup.Key gave and somebody kept. If
	// it does not fit, Password is tried.
	Key *keybag.Key
	// Progress hears how far the derivation of the key is; may be nil.
	Progress keybag.Progress
	// Locked allows an encrypted backup to be opened without a password:
	// what needs its keys returns ErrEncrypted.
	Locked bool
	// Unfinished allows a backup the device did not finish.
	Unfinished bool
}

// Backup is an open backup folder. It may be used by several goroutines.
type Backup struct {
	fsys     fs.FS
	status   Status
	manifest *Manifest
	keys     *keybag.Unlocked // nil in a plain or locked backup
	locked   bool
	source   *database // nil while locked and Manifest.db is encrypted

	mu    sync.Mutex // for the three below
	db    *sqlitefs.DB
	byID  *sqlitefs.Stmt
	under under

	treeMu sync.Mutex
	tree   *tree // built when first asked for
}

// Open opens the folder of one backup. See the package's errors for what may
// be the matter with it; Info.plist is not looked at.
func Open(ctx context.Context, fsys fs.FS, opts Options) (*Backup, error) {
	b := &Backup{fsys: fsys}
	var err error
	if b.manifest, err = ReadManifest(fsys); err != nil {
		return nil, err
	}
	if b.status, err = ReadStatus(fsys); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// A folder copied by hand may lack Status.plist and still be whole.
	if err == nil && !b.status.Finished() && !opts.Unfinished {
		return nil, fmt.Errorf("%w: its state is %q", ErrUnfinished, b.status.SnapshotState)
	}
	if err := b.open(ctx, opts); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// open opens Manifest.db, with keys where that takes some. Whether it is
// encrypted its first bytes tell, not Manifest.plist: iOS 10.0 left it plain
// in encrypted backups.
func (b *Backup) open(ctx context.Context, opts Options) error {
	source, err := openDatabase(b.fsys)
	if err != nil {
		return err
	}
	switch {
	case source.encrypted && b.manifest.ManifestKey == nil:
		// Before anybody is asked for a password that would not help.
		err = fmt.Errorf("%w: %s is no database, and %s has no key for it", ErrDamaged, databaseName, manifestName)
	case source.known && opts.Password == "" && opts.Key == nil:
		// Whoever keeps it knows what is in it.
	case source.encrypted || b.manifest.IsEncrypted:
		err = b.unlock(ctx, opts)
	}
	if err == nil && source.encrypted && b.keys != nil {
		err = source.decrypt(b.manifest.ManifestKey, b.keys)
	}
	if err != nil || source.encrypted && b.keys == nil {
		return errors.Join(err, source.Close())
	}
	b.source = source
	if b.db, err = source.connect(ctx); err != nil {
		return err
	}
	b.byID, err = b.db.Prepare(selectRecords + " WHERE fileID = ?")
	return damagedIf(err)
}

// unlock opens the keybag, or leaves the backup locked if that is allowed.
func (b *Backup) unlock(ctx context.Context, opts Options) error {
	if opts.Password == "" && opts.Key == nil {
		if !opts.Locked {
			return ErrEncrypted
		}
		b.locked = true
		return nil
	}
	bag, err := keybag.Parse(b.manifest.BackupKeyBag)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, manifestName, err)
	}
	if opts.Key != nil {
		b.keys, err = bag.UnlockKey(*opts.Key)
	}
	if b.keys == nil && opts.Password != "" {
		b.keys, err = bag.Unlock(ctx, opts.Password, opts.Progress)
	}
	if errors.Is(err, keybag.ErrSyntax) {
		err = fmt.Errorf("%w: %s: %w", ErrDamaged, manifestName, err)
	}
	return err
}

// Close closes the backup. Files opened from it are closed separately.
func (b *Backup) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var err error
	if b.byID != nil {
		err = b.byID.Close()
	}
	if b.db != nil {
		err = errors.Join(err, b.db.Close())
	}
	if b.source != nil {
		err = errors.Join(err, b.source.Close())
	}
	b.byID, b.db, b.source = nil, nil, nil
	return err
}

// Status is Status.plist, zero if the folder has none.
func (b *Backup) Status() Status { return b.status }

// Manifest is Manifest.plist.
func (b *Backup) Manifest() *Manifest { return b.manifest }

// Encrypted reports whether the backup is protected by a password.
func (b *Backup) Encrypted() bool { return b.keys != nil || b.locked || b.manifest.IsEncrypted }

// Locked reports whether the backup was opened without its keys.
func (b *Backup) Locked() bool { return b.locked }

// Key returns the key derived from the password, to be kept and given as
// Options.Key; ok is false in a plain or locked backup. It fits this keybag,
// which may be that of later backups of the device as well.
func (b *Backup) Key() (key keybag.Key, ok bool) {
	if b.keys == nil {
		return key, false
	}
	return b.keys.Key(), true
}

// Keys returns the opened keybag, nil in a plain or locked backup.
func (b *Backup) Keys() *keybag.Unlocked { return b.keys }

// missing explains a file that is not there.
func missing(fsys fs.FS, name string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, legacy := fs.Stat(fsys, legacyDatabase); legacy == nil {
		return ErrLegacy
	}
	return fmt.Errorf("%w: %s is missing", ErrNoManifest, name)
}

// randomAccess gives an opened file's bytes by position.
func randomAccess(f fs.File) (io.ReaderAt, error) {
	switch f := f.(type) {
	case io.ReaderAt:
		return f, nil
	case io.ReadSeeker:
		return &seekingReaderAt{s: f}, nil
	}
	return nil, errors.New("stored file cannot be read at random")
}

// seekingReaderAt reads by position from what can only seek.
type seekingReaderAt struct {
	mu sync.Mutex
	s  io.ReadSeeker
}

func (r *seekingReaderAt) ReadAt(p []byte, off int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.s.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(r.s, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}
