package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"russet"
	"russet/internal/vault"
	"russet/internal/vault/backend"
	"russet/internal/vault/keys"
	"russet/internal/vault/kit"
)

// joinOrMake gives the open keys of the vault in a place, which is made when it
// is absent.
func (h *Host) joinOrMake(ctx context.Context, added *VaultAdded, a VaultAddition, l backend.Location, c backend.Credentials) (f *keys.File, err error) {
	b, err := h.openPlace(ctx, added.Store, l, c, a.NewPassword != nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close(context.WithoutCancel(ctx))) }()
	loaded, err := keys.Load(ctx, b)
	if err == nil {
		return loaded.File, h.join(ctx, added, a, b, loaded)
	}
	absent := errors.Is(err, fs.ErrNotExist)
	if !absent && !errors.Is(err, keys.ErrDamaged) {
		return nil, keysError(added.Store, err)
	}
	used, usedErr := inUse(ctx, b)
	switch {
	case usedErr != nil:
		return nil, usedErr
	case used && absent:
		return nil, &russet.Error{
			Kind: russet.Usage, Doing: "add the vault", What: "a kopia repository is there that is no vault of russet, or whose russet.keys is lost",
			Hint: "choose another folder, or put russet.keys back from a copy",
		}
	case used:
		return nil, keysError(added.Store, err)
	}
	// Damaged keys where nothing else is are left from an attempt to make one.
	for _, name := range []string{keys.Name, keys.CopyName} {
		if err := b.Remove(ctx, name); err != nil {
			return nil, err
		}
	}
	return h.makeKeys(ctx, added, a, b)
}

// inUse reports whether a place holds more than russet's own small files.
func inUse(ctx context.Context, b *backend.Backend) (bool, error) {
	_, all, err := b.Usage(ctx)
	if err != nil {
		return false, err
	}
	own, err := b.List(ctx, "russet.")
	return all > len(own), err
}

// join opens the keys of a vault that is there.
func (h *Host) join(ctx context.Context, added *VaultAdded, a VaultAddition, b *backend.Backend, l *keys.Loaded) error {
	if a.Kit != "" && slices.ContainsFunc(l.Slots(), func(s keys.Slot) bool { return s.Code }) {
		return &russet.Error{
			Kind: russet.Usage, What: "the vault is there already, and has a recovery kit",
			Hint: "join it without --kit; then \"russet store kit " + a.Name + " FILE\" makes a new one, and the old one useless",
		}
	}
	added.Store.Vault = l.Vault()
	open := h.unlockVault
	if a.Open != nil {
		open = func(ctx context.Context, st StoreSettings, _ *keys.File) error { return a.Open(ctx, st, b, l) }
	}
	err := open(ctx, added.Store, l.File)
	if e, ok := errors.AsType[*russet.Error](err); ok && errors.Is(err, keys.ErrPassword) {
		// The name means nothing here yet.
		e.Hint = fmt.Sprintf("try again; if it is forgotten, the recovery kit sets a new one: \"russet store recover %s %s\"", a.Name, added.Store.URL)
	}
	if err != nil || a.Kit == "" {
		return err
	}
	added.Kit = true
	return h.newKit(ctx, added.Store, b, l.File, a.Kit)
}

// makeKeys makes the keys of a new vault. They are there before anything they
// open: an attempt that breaks off is gone on with by adding the vault again.
func (h *Host) makeKeys(ctx context.Context, added *VaultAdded, a VaultAddition, b *backend.Backend) (*keys.File, error) {
	if a.NewPassword == nil {
		return nil, &russet.Error{
			Kind: russet.Usage, Doing: "join the vault", What: "there is none at " + added.Store.URL,
			Hint: "check the address, and that its disk is connected",
		}
	}
	password, err := a.NewPassword(ctx)
	if err != nil {
		return nil, err
	}
	f, _ := keys.New(keys.NewID())
	f.SetAddress(b.Location().String())
	if err := f.AddPassword(keys.FirstSlot, password); err != nil {
		return nil, keysError(added.Store, err)
	}
	added.Made, added.Weak = true, keys.Weakness(password)
	added.Store.Vault = f.Vault()
	if err := b.Put(ctx, kit.ScriptName, []byte(kit.Script())); err != nil {
		return nil, err
	}
	if a.Kit == "" {
		return f, keysError(added.Store, keys.Save(ctx, b, f))
	}
	added.Kit = true
	return f, h.newKit(ctx, added.Store, b, f, a.Kit)
}

// completeVault makes what the keys open, unless it is there.
func (h *Host) completeVault(ctx context.Context, st StoreSettings, f *keys.File) error {
	master, err := f.Master()
	if err != nil {
		return err
	}
	b, err := h.openStorage(ctx, st)
	if err != nil {
		return err
	}
	err = vault.Create(ctx, h.vaultOptions(st, b, string(master)))
	switch {
	case err == nil:
		_, err = b.FillMirror(ctx) // also with the keys, which were there before
	case errors.Is(err, fs.ErrExist):
		err = nil
	}
	return errors.Join(err, b.Close(context.WithoutCancel(ctx)))
}

func (h *Host) vaultOptions(st StoreSettings, b *backend.Backend, master string) vault.Options {
	return vault.Options{
		Name: st.Name, Backend: b, Password: master, State: h.stateOf(st.Vault), Remote: !b.Location().Local(), LowMemory: h.lowMemory,
		Spool: st.Spool, Repair: st.repair,
		Log: h.log, Passwords: h.passwords,
	}
}

// openVault opens a configured vault: with what is remembered, else with its
// keys and a password.
func (h *Host) openVault(ctx context.Context, st StoreSettings) (russet.Store, error) {
	given, err := h.givenVaultPassword()
	if err != nil {
		return nil, err
	}
	if kept, err := h.keptMaster(st.Vault); err == nil && given == "" {
		b, err := h.openStorage(ctx, st)
		if err != nil {
			return nil, err
		}
		store, err := h.openOn(ctx, st, b, string(kept))
		if russet.KindOf(err) != russet.Password {
			return store, err
		}
		// It was replaced on another computer.
	}
	b, err := h.openStorage(ctx, st)
	if err != nil {
		return nil, err
	}
	master, err := h.masterOf(ctx, st, b)
	if err != nil {
		return nil, errors.Join(err, b.Close(context.WithoutCancel(ctx)))
	}
	return h.openOn(ctx, st, b, master)
}

// masterOf opens the keys of a vault.
func (h *Host) masterOf(ctx context.Context, st StoreSettings, b *backend.Backend) (string, error) {
	l, err := h.loadKeys(ctx, st, b)
	if err != nil {
		return "", err
	}
	if err := h.unlockVault(ctx, st, l.File); err != nil {
		return "", err
	}
	master, err := l.Master()
	return string(master), err
}

// openOn opens the vault on an open place, which it closes.
func (h *Host) openOn(ctx context.Context, st StoreSettings, b *backend.Backend, master string) (russet.Store, error) {
	store, err := vault.Open(ctx, h.vaultOptions(st, b, master))
	if err == nil {
		return store, nil
	}
	err = errors.Join(err, b.Close(context.WithoutCancel(ctx)))
	if errors.Is(err, fs.ErrNotExist) && russet.KindOf(err) == russet.Failed {
		err = &russet.Error{
			Kind: russet.NotConnected, Doing: "open the vault \"" + st.Name + "\"", What: "there is no vault at " + st.URL, Err: err,
			Hint: "connect or mount its disk; if the vault was never finished, add it again",
		}
	}
	return nil, err
}
