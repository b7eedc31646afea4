package host

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"russet"
	"russet/internal/secrets"
	"russet/internal/vault/backend"
	"russet/internal/vault/keys"
)

// chooseVault finds a configured store that is a vault.
func (h *Host) chooseVault(name string) (StoreSettings, error) {
	st, err := h.chooseStore(name)
	if err == nil && !IsVault(st.URL) {
		err = &russet.Error{
			Kind: russet.Unsupported, What: fmt.Sprintf("the store %q is a folder; it has no password and no recovery kit", st.Name),
			Hint: `backups are protected by the backup password of each device: "russet encryption"`,
		}
	}
	return st, err
}

// withKeys lends the keys of a vault.
func (h *Host) withKeys(ctx context.Context, name string, use func(StoreSettings, *backend.Backend, *keys.Loaded) error) (StoreSettings, error) {
	st, err := h.chooseVault(name)
	if err != nil {
		return st, err
	}
	b, err := h.openStorage(ctx, st)
	if err != nil {
		return st, err
	}
	l, err := h.loadKeys(ctx, st, b)
	if err == nil {
		err = use(st, b, l)
	}
	return st, errors.Join(err, b.Close(context.WithoutCancel(ctx)))
}

// VaultPasswords lists the ways into a vault.
func (h *Host) VaultPasswords(ctx context.Context, name string) (slots []keys.Slot, err error) {
	_, err = h.withKeys(ctx, name, func(_ StoreSettings, _ *backend.Backend, l *keys.Loaded) error {
		slots = l.Slots()
		return nil
	})
	return slots, err
}

// VaultPassword is a change of the passwords of a vault. The functions are
// called when their answer is needed.
type VaultPassword struct {
	Old func(context.Context) (secrets.Secret, error)
	New func(context.Context) (secrets.Secret, error)
}

// VaultChanged says what became of a change.
type VaultChanged struct {
	Store StoreSettings
	Slot  string // the password that was set or removed
	Weak  string // what speaks against the new one
	Kits  bool   // there is a recovery kit
}

// change ends every change: it is written, and what opens the vault remembered.
func (h *Host) change(ctx context.Context, st StoreSettings, b *backend.Backend, l *keys.Loaded) error {
	l.SetAddress(b.Location().String())
	if err := keys.Save(ctx, b, l.File); err != nil {
		return keysError(st, err)
	}
	return h.rememberMaster(l.File)
}

func (c *VaultChanged) set(st StoreSettings, slot string, l *keys.Loaded, password secrets.Secret) {
	c.Store, c.Slot, c.Weak = st, slot, keys.Weakness(password)
	c.Kits = slices.ContainsFunc(l.Slots(), func(s keys.Slot) bool { return s.Code })
}

// ChangeVaultPassword replaces the password that Old is by New.
func (h *Host) ChangeVaultPassword(ctx context.Context, name string, p VaultPassword) (done VaultChanged, err error) {
	_, err = h.withKeys(ctx, name, func(st StoreSettings, b *backend.Backend, l *keys.Loaded) error {
		old, err := p.Old(ctx)
		if err != nil {
			return err
		}
		_, slot, err := l.Open(old)
		if err != nil {
			return keysError(st, err)
		}
		fresh, err := p.New(ctx)
		if err != nil {
			return err
		}
		if err := l.ChangePassword(slot, fresh); err != nil {
			return keysError(st, err)
		}
		done.set(st, slot, l, fresh)
		return h.change(ctx, st, b, l)
	})
	return done, err
}

// AddVaultPassword adds a password under a name; "" finds one.
func (h *Host) AddVaultPassword(ctx context.Context, name, slot string, p VaultPassword) (done VaultChanged, err error) {
	_, err = h.withKeys(ctx, name, func(st StoreSettings, b *backend.Backend, l *keys.Loaded) error {
		if err := h.unlockVault(ctx, st, l.File); err != nil {
			return err
		}
		if slices.ContainsFunc(l.Slots(), func(s keys.Slot) bool { return !s.Code && s.Name == slot }) {
			return keysError(st, fmt.Errorf("%w: there is one called %q already", keys.ErrName, slot))
		}
		fresh, err := p.New(ctx)
		if err != nil {
			return err
		}
		return h.addPassword(ctx, st, b, l, slot, fresh, &done)
	})
	return done, err
}

func (h *Host) addPassword(ctx context.Context, st StoreSettings, b *backend.Backend, l *keys.Loaded, slot string, fresh secrets.Secret, done *VaultChanged) error {
	if err := l.AddPassword(slot, fresh); err != nil {
		return keysError(st, err)
	}
	slots := l.Slots()
	done.set(st, slots[len(slots)-1].Name, l, fresh)
	return h.change(ctx, st, b, l)
}

// RemoveVaultPassword removes a password, never the last way in.
func (h *Host) RemoveVaultPassword(ctx context.Context, name, slot string) (done VaultChanged, err error) {
	_, err = h.withKeys(ctx, name, func(st StoreSettings, b *backend.Backend, l *keys.Loaded) error {
		if err := h.unlockVault(ctx, st, l.File); err != nil {
			return err
		}
		if err := l.RemovePassword(slot); err != nil {
			return keysError(st, err)
		}
		done.Store, done.Slot = st, slot
		return h.change(ctx, st, b, l)
	})
	return done, err
}

// RecoverVault sets a new password with the recovery code: in place of the only
// one there is, else as one more.
func (h *Host) RecoverVault(ctx context.Context, name string, r VaultRecovery) (done VaultChanged, err error) {
	_, err = h.withKeys(ctx, name, func(st StoreSettings, b *backend.Backend, l *keys.Loaded) error {
		return h.recoverKeys(ctx, st, b, l, r, &done)
	})
	return done, err
}

// VaultRecovery is a recovery code and a new password. The functions are called
// when their answer is needed; Code again after a typing mistake, with that.
type VaultRecovery struct {
	Code func(ctx context.Context, wrong error) (secrets.Secret, error)
	New  func(context.Context) (secrets.Secret, error)
}

// RecoverNewVault joins a vault with its recovery code instead of a password.
func (h *Host) RecoverNewVault(ctx context.Context, a VaultAddition, r VaultRecovery) (added VaultAdded, done VaultChanged, err error) {
	a.NewPassword = nil
	a.Open = func(ctx context.Context, st StoreSettings, b *backend.Backend, l *keys.Loaded) error {
		return h.recoverKeys(ctx, st, b, l, r, &done)
	}
	added, err = h.AddVault(ctx, a)
	return added, done, err
}

func (h *Host) recoverKeys(ctx context.Context, st StoreSettings, b *backend.Backend, l *keys.Loaded, r VaultRecovery, done *VaultChanged) error {
	if err := openWithCode(ctx, st, l, r.Code); err != nil {
		return err
	}
	password, err := r.New(ctx)
	if err != nil {
		return err
	}
	return h.recoverPassword(ctx, st, b, l, password, done)
}

// openWithCode asks for the code until it has no typing mistakes.
func openWithCode(ctx context.Context, st StoreSettings, l *keys.Loaded, code func(context.Context, error) (secrets.Secret, error)) error {
	var wrong error
	for {
		typed, err := code(ctx, wrong)
		if err != nil {
			return keysError(st, err)
		}
		if _, err = l.OpenWithCode(typed); err == nil {
			return nil
		}
		if _, typo := errors.AsType[*keys.CodeError](err); !typo {
			return keysError(st, err)
		}
		wrong = err
	}
}

func (h *Host) recoverPassword(ctx context.Context, st StoreSettings, b *backend.Backend, l *keys.Loaded, password secrets.Secret, done *VaultChanged) error {
	var names []string
	for _, s := range l.Slots() {
		if !s.Code {
			names = append(names, s.Name)
		}
	}
	if len(names) != 1 {
		return h.addPassword(ctx, st, b, l, "", password, done)
	}
	if err := l.ChangePassword(names[0], password); err != nil {
		return keysError(st, err)
	}
	done.set(st, names[0], l, password)
	return h.change(ctx, st, b, l)
}
