package folder

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path"

	"russet"
	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

// unlocking derives the key of a keybag beside the run. It takes one to five
// seconds by design, which a commit need not wait for: the bag is that of the
// last backup, or comes with Manifest.plist while the device still has its
// files to move and to look through.
type unlocking struct {
	bag  []byte
	stop context.CancelFunc
	done chan struct{}
	key  *keybag.Key // once done; nil if the password is unknown or another one
}

// unlockEarly begins with the keybag of a Manifest.plist, unless it is at that
// one already. What is wrong with it, the commit check will say.
func (d *draft) unlockEarly(fsys fs.FS, name string) {
	if d.pass == nil {
		return
	}
	data, err := readSmall(fsys, name, maxManifest)
	if err != nil || len(data) == 0 {
		return
	}
	m, err := mobilesync.ParseManifest(data)
	if err != nil || !m.IsEncrypted || (d.early != nil && bytes.Equal(d.early.bag, m.BackupKeyBag)) {
		return
	}
	d.early.end()
	d.early = startUnlocking(d.note.Device, m.BackupKeyBag, d.pass)
}

func startUnlocking(device russet.UDID, bag []byte, pass russet.Passwords) *unlocking {
	ctx, stop := context.WithCancel(context.Background()) // ends with the draft, not with a request
	u := &unlocking{bag: bag, stop: stop, done: make(chan struct{})}
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

// wait returns the key of a keybag if that is what was derived, nil if not.
func (u *unlocking) wait(ctx context.Context, bag []byte) *keybag.Key {
	if u == nil || !bytes.Equal(u.bag, bag) {
		return nil
	}
	select {
	case <-u.done:
		return u.key
	case <-ctx.Done():
		return nil
	}
}

// end stops the derivation.
func (u *unlocking) end() {
	if u != nil {
		u.stop()
		<-u.done
	}
}

// manifestArrived begins to unlock a Manifest.plist that was received, in its
// place or in Snapshot.
func (d *draft) manifestArrived(name string) {
	if path.Base(name) == manifestPlist {
		d.unlockEarly(view{d}, name[len(d.note.Device)+1:])
	}
}

// openBackup opens a backup's manifest, with the password if there is one that
// fits. A wrong password is no failure: what cannot be read is left unchecked.
// early may have the key already.
func openBackup(
	ctx context.Context, fsys fs.FS, device russet.UDID, pass russet.Passwords, early *unlocking,
) (*mobilesync.Backup, error) {
	b, err := mobilesync.Open(ctx, fsys, mobilesync.Options{Locked: true})
	if err != nil || !b.Locked() || pass == nil {
		return b, notWhole(err)
	}
	opts := mobilesync.Options{Key: early.wait(ctx, b.Manifest().BackupKeyBag)}
	if opts.Key == nil {
		if opts.Password, err = pass(ctx, device); err != nil || opts.Password == "" {
			return b, ctx.Err()
		}
	}
	unlocked, err := mobilesync.Open(ctx, fsys, opts)
	if errors.Is(err, mobilesync.ErrPassword) {
		return b, nil
	}
	return unlocked, errors.Join(notWhole(err), b.Close())
}
