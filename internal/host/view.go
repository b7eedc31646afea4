package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"russet"
	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

// openBackup opens a backup where it is kept, as the device wrote it.
func (h *Host) openBackup(ctx context.Context, b russet.Backup) (russet.Contents, error) {
	if b.Draft {
		return nil, &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("%s is not finished: a phone left off in the middle of it", b.ID),
			Hint: "back the phone up again; the next run goes on from there",
		}
	}
	store, err := h.storeOf(ctx, b)
	if err != nil {
		return nil, err
	}
	contents, err := store.Open(ctx, b.ID)
	if err != nil {
		return nil, fmt.Errorf("open backup %s: %w", b.ID, err)
	}
	return contents, nil
}

// storeOf opens the store a backup is in.
func (h *Host) storeOf(ctx context.Context, b russet.Backup) (russet.Store, error) {
	st, err := h.chooseStore(b.Store)
	if err != nil {
		return nil, err
	}
	return h.openStore(ctx, st)
}

// view is a backup opened as its owner knows it.
type view struct {
	*mobilesync.Backup
	about    russet.Backup
	contents russet.Contents
}

// openView opens a backup as its owner knows it, with whichever password
// fits.
func (h *Host) openView(ctx context.Context, b russet.Backup) (*view, error) {
	contents, err := h.openBackup(ctx, b)
	if err != nil {
		return nil, err
	}
	opened, err := h.unlock(ctx, b, contents.Folder())
	if err != nil {
		return nil, errors.Join(err, contents.Close())
	}
	return &view{Backup: opened, about: b, contents: contents}, nil
}

// files is the view as a file system: HomeDomain/Library/SMS/sms.db.
func (v *view) files(ctx context.Context) (fs.FS, error) {
	fsys, err := v.Files(ctx)
	if err != nil {
		return nil, backupError(err, v.about)
	}
	return fsys, nil
}

// Close closes the backup.
func (v *view) Close() error { return errors.Join(v.Backup.Close(), v.contents.Close()) }

// unlock opens a MobileSync folder with the first password that fits.
func (h *Host) unlock(ctx context.Context, b russet.Backup, folder fs.FS) (*mobilesync.Backup, error) {
	// A vault knows what is in its files; a plain backup needs no password.
	if opened, err := mobilesync.Open(ctx, folder, mobilesync.Options{}); err == nil {
		return opened, nil
	}
	if password, key, ok := h.keptFor(folder); ok {
		opened, err := mobilesync.Open(ctx, folder, mobilesync.Options{Key: &key, Password: password})
		if err == nil {
			return opened, nil
		}
		h.log.Debug("a kept key does not open its backup", "backup", b.ID, "error", err)
	}
	passwords := []string{""}
	known := 0
	if b.Encrypted {
		list, err := h.candidates(b.Device)
		if err != nil && len(list) == 0 {
			return nil, err
		}
		known = len(list)
		passwords = append(list, passwords...) // none at the end: for reasons of its own an old iOS may need none
	}
	var err error
	for _, password := range passwords {
		var opened *mobilesync.Backup
		opened, err = mobilesync.Open(ctx, folder, mobilesync.Options{Password: password})
		if err == nil {
			if key, encrypted := opened.Key(); encrypted {
				h.keep(b.Device, folder, password, key)
			}
			return opened, nil
		}
		if !errors.Is(err, mobilesync.ErrPassword) && !errors.Is(err, mobilesync.ErrEncrypted) {
			return nil, backupError(err, b)
		}
	}
	return nil, lockedBackup(b, known, err)
}

// lockedBackup says that no password fits.
func lockedBackup(b russet.Backup, tried int, err error) error {
	e := &russet.Error{Kind: russet.Password, Doing: fmt.Sprintf("open backup %s of %q", shortID(b.ID), b.Name), Err: err}
	if tried == 0 {
		e.What, e.Hint = "it is encrypted, and its password is not known here", "name a file that holds the backup password with --password-file"
	} else {
		e.What, e.Hint = "the backup password is wrong", "it is the one that was set when this backup was made; name it with --password-file"
	}
	return e
}

func shortID(id russet.BackupID) string { return string(id[:min(len(id), 8)]) }

// backupError explains why a backup cannot be read.
func backupError(err error, b russet.Backup) error {
	e := &russet.Error{Kind: russet.Damaged, Doing: fmt.Sprintf("open backup %s of %q", shortID(b.ID), b.Name), What: err.Error(), Err: err}
	switch {
	case errors.Is(err, mobilesync.ErrLegacy):
		e.Kind, e.What = russet.Unsupported, "it was made by iOS 9 or older; russet reads backups since iOS 10"
	case errors.Is(err, mobilesync.ErrUnfinished), errors.Is(err, mobilesync.ErrNoManifest), errors.Is(err, mobilesync.ErrDamaged):
		e.Hint = fmt.Sprintf("see what is left of it: russet verify %s", shortID(b.ID))
	default:
		return fmt.Errorf("%s: %w", e.Doing, err)
	}
	return e
}

// explain says why something inside a backup cannot be had.
func (v *view) explain(err error, name string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("there is no %q in this backup", name),
			Hint: fmt.Sprintf(`"russet ls %s" lists it, "russet search" finds files by name`, shortID(v.about.ID)), Err: err,
		}
	case errors.Is(err, mobilesync.ErrDamaged), errors.Is(err, mobilesync.ErrUndecryptable), errors.Is(err, keybag.ErrTruncated):
		return &russet.Error{
			Kind: russet.Damaged, Doing: fmt.Sprintf("read %q", name), What: err.Error(),
			Hint: fmt.Sprintf("see what else is damaged: russet verify %s --full", shortID(v.about.ID)), Err: err,
		}
	default:
		return fmt.Errorf("read %q: %w", name, err)
	}
}
