package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"russet"
	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

// fittingPassword finds the password of an encrypted backup among those known
// here, by its keybag alone: no phone and no manifest is needed. The error is
// of kind Password when none fits.
func (h *Host) fittingPassword(ctx context.Context, b russet.Backup) (password string, err error) {
	contents, err := h.openBackup(ctx, b)
	if err != nil {
		return "", err
	}
	defer closeInto(&err, contents)
	folder := contents.Folder()
	if p, key, ok := h.keptFor(folder); ok && keyFits(folder, key) {
		return p, nil
	}
	list, err := h.candidates(b.Device)
	if err != nil && len(list) == 0 {
		return "", err
	}
	for _, p := range list {
		key, err := opens(ctx, folder, p)
		if err == nil {
			h.keep(b.Device, folder, p, key)
			return p, nil
		}
		if !errors.Is(err, mobilesync.ErrPassword) {
			return "", backupError(err, b)
		}
	}
	return "", lockedBackup(b, len(list), mobilesync.ErrPassword)
}

// opens tries a password on the keybag of a backup folder.
func opens(ctx context.Context, folder fs.FS, password string) (key keybag.Key, err error) {
	bag, err := readBag(folder)
	if err != nil {
		return key, err
	}
	unlocked, err := bag.Unlock(ctx, password, nil)
	if err != nil {
		return key, err
	}
	return unlocked.Key(), nil
}

// keyFits tries a key on the keybag of a backup folder.
func keyFits(folder fs.FS, key keybag.Key) bool {
	bag, err := readBag(folder)
	if err != nil {
		return false
	}
	_, err = bag.UnlockKey(key)
	return err == nil
}

func readBag(folder fs.FS) (*keybag.Bag, error) {
	m, err := mobilesync.ReadManifest(folder)
	if err != nil {
		return nil, err
	}
	bag, err := keybag.Parse(m.BackupKeyBag)
	if err != nil {
		return nil, fmt.Errorf("%w: its keybag: %w", mobilesync.ErrDamaged, err)
	}
	return bag, nil
}

// fitting is the russet.Passwords for one backup: the password that fits it.
// Without one a full check is impossible and refused; a check of the structure
// says itself what it could not see. A backup whose keybag is damaged is
// checked all the same: that is what checks are for.
func (h *Host) fitting(ctx context.Context, b russet.Backup, needed bool) (russet.Passwords, error) {
	password, err := h.fittingPassword(ctx, b)
	if russet.KindOf(err) == russet.Password && needed {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return func(context.Context, russet.UDID) (string, error) { return password, nil }, nil
}

// passwordUnknown is what a person is told whose backup nobody here can open.
const passwordUnknown = "the backup is encrypted with a password that is not known here; " +
	"name it once with --password-file, and it is tried and remembered"

// ProvePassword tries the password that a person gave, see WithPassword, on the
// backup of a run that was made without it, and says what came of it.
func (h *Host) ProvePassword(ctx context.Context, made BackupResult) BackupResult {
	if made.Backup == nil || h.password == "" {
		return made
	}
	a := &attempt{host: h, out: made}
	a.out.PasswordUnknown, a.out.PasswordChanged = false, false
	a.out.Notes = slices.DeleteFunc(slices.Clone(made.Notes), func(note string) bool { return note == passwordUnknown })
	a.provePassword(ctx, *made.Backup)
	return a.out
}

// provePassword tries the backup password on a backup just made, when that was
// not done since it was set, when a person gave it, or when the device made new
// keys, as it does when its password is changed; and says what came of it. A
// password that fits is remembered.
func (a *attempt) provePassword(ctx context.Context, b russet.Backup) {
	h := a.host
	if !b.Encrypted {
		return
	}
	known, err := h.candidates(b.Device)
	switch {
	case err != nil:
		a.note("the backup is encrypted, and its password cannot be tried: %v", err)
		return
	case len(known) == 0:
		a.out.PasswordUnknown = true
		a.note(passwordUnknown)
		return
	case h.password == "" && !h.unproven(b.Device) && h.keyKnown(ctx, b):
		return
	}
	password, err := h.fittingPassword(ctx, b)
	switch {
	case err == nil:
		a.note("the backup password was tried on this backup and opens it")
		err = errors.Join(h.remember(b.Device, password), h.setUnproven(b.Device, false))
		if err != nil {
			a.note("the backup password could not be remembered: %v", err)
		}
	case russet.KindOf(err) == russet.Password && h.password != "":
		a.note("the backup password that was given does NOT open this backup; the backup is kept as the phone encrypted it. " +
			"Back up again with the right one")
		a.withoutIt(ctx, b)
	case russet.KindOf(err) == russet.Password:
		a.out.PasswordChanged = true
		a.note("the backup password that is known here does NOT open this backup: it was changed elsewhere. " +
			"Find it, or it must be reset on the phone (Settings > General > Transfer or Reset > Reset All Settings)")
	default:
		a.note("the backup password could not be tried on this backup: %v", err)
	}
}

// withoutIt says what is known of a backup's password when the one that was given
// is wrong.
func (a *attempt) withoutIt(ctx context.Context, b russet.Backup) {
	others := a.host.WithPassword("")
	known, err := others.candidates(b.Device)
	if err != nil {
		return
	}
	if a.out.PasswordUnknown = len(known) == 0; !a.out.PasswordUnknown {
		_, err = others.fittingPassword(ctx, b)
		a.out.PasswordChanged = russet.KindOf(err) == russet.Password
	}
}

// keyKnown reports whether the keys of a backup were opened before.
func (h *Host) keyKnown(ctx context.Context, b russet.Backup) bool {
	contents, err := h.openBackup(ctx, b)
	if err != nil {
		return false
	}
	defer contents.Close()
	_, key, ok := h.keptFor(contents.Folder())
	return ok && keyFits(contents.Folder(), key)
}

func unprovenSecret(udid russet.UDID) string { return "unproven/" + string(udid) }

// unproven reports whether a password was set here that no backup has proven
// yet.
func (h *Host) unproven(udid russet.UDID) bool {
	_, err := h.home.Secret(unprovenSecret(udid))
	return err == nil
}

func (h *Host) setUnproven(udid russet.UDID, on bool) error {
	if on {
		return h.home.PutSecret(unprovenSecret(udid), []byte("1"))
	}
	return h.home.DropSecrets(unprovenSecret(udid))
}
