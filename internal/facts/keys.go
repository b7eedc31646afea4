package facts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"russet"
	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

// Unlocking derives the key of a keybag beside the run. It takes one to five
// seconds by design, which a commit need not wait for: the bag is that of the
// last backup, or comes with Manifest.plist while the device still has its
// files to move and to look through.
type Unlocking struct {
	Bag  []byte
	stop context.CancelFunc
	done chan struct{}
	key  *keybag.Key // once done; nil if the password is unknown or another one
}

func StartUnlocking(device russet.UDID, bag []byte, pass russet.Passwords) *Unlocking {
	ctx, stop := context.WithCancel(context.Background()) // ends with the draft, not with a request
	u := &Unlocking{Bag: bag, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(u.done)
		parsed, err := keybag.Parse(bag)
		if err != nil {
			return
		}
		password, err := pass(ctx, device)
		if err != nil || password == "" {
			return
		}
		if keys, err := parsed.Unlock(ctx, password, nil); err == nil {
			key := keys.Key()
			u.key = &key
		}
	}()
	return u
}

// Wait returns the key of a keybag if that is what was derived, nil if not.
func (u *Unlocking) Wait(ctx context.Context, bag []byte) *keybag.Key {
	if u == nil || !bytes.Equal(u.Bag, bag) {
		return nil
	}
	select {
	case <-u.done:
		return u.key
	case <-ctx.Done():
		return nil
	}
}

// End stops the derivation.
func (u *Unlocking) End() {
	if u != nil {
		u.stop()
		<-u.done
	}
}

// OpenBackup opens a backup's manifest, with the password if there is one that
// fits. A wrong password is no failure: what cannot be read is left unchecked.
// early may have the key already. unfinished allows a run that is under way.
func OpenBackup(
	ctx context.Context, fsys fs.FS, device russet.UDID, pass russet.Passwords, early *Unlocking, unfinished bool,
) (*mobilesync.Backup, error) {
	b, err := mobilesync.Open(ctx, fsys, mobilesync.Options{Locked: true, Unfinished: unfinished})
	if err != nil || !b.Locked() || pass == nil {
		return b, NotWhole(err)
	}
	opts := mobilesync.Options{Unfinished: unfinished, Key: early.Wait(ctx, b.Manifest().BackupKeyBag)}
	if opts.Key == nil {
		if opts.Password, err = pass(ctx, device); err != nil || opts.Password == "" {
			return b, ctx.Err()
		}
	}
	unlocked, err := mobilesync.Open(ctx, fsys, opts)
	if errors.Is(err, mobilesync.ErrPassword) {
		return b, nil
	}
	return unlocked, errors.Join(NotWhole(err), b.Close())
}

// NotWhole turns what is wrong with a manifest into damage.
func NotWhole(err error) error {
	for _, bad := range []error{mobilesync.ErrDamaged, mobilesync.ErrNoManifest, mobilesync.ErrUnfinished} {
		if errors.Is(err, bad) {
			e := Damaged("%v", err)
			e.Err = err
			return e
		}
	}
	return err
}

// Damaged is the error of a run whose backup is not whole.
func Damaged(format string, args ...any) *russet.Error {
	return &russet.Error{
		Kind: russet.Damaged, What: "the backup is not whole: " + fmt.Sprintf(format, args...),
		Hint: "back up again; the previous backup is as it was",
	}
}

// Follow is u, or the derivation that a Manifest.plist called name begins: when
// its keybag is another one than that u is at. u may be nil; nothing begins
// where there is no password to be had.
func (u *Unlocking) Follow(fsys fs.FS, name string, device russet.UDID, pass russet.Passwords) *Unlocking {
	if pass == nil {
		return u
	}
	data, err := ReadSmall(fsys, name, MaxManifest)
	if err != nil || len(data) == 0 {
		return u
	}
	m, err := mobilesync.ParseManifest(data)
	if err != nil || !m.IsEncrypted || (u != nil && bytes.Equal(u.Bag, m.BackupKeyBag)) {
		return u
	}
	u.End()
	return StartUnlocking(device, m.BackupKeyBag, pass)
}
