package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"russet"
	"russet/internal/secrets"
	"russet/internal/vault/keys"
)

// VaultAnswers says where the passwords of vaults come from. What is remembered
// on this computer comes before File, and a person is asked last.
type VaultAnswers struct {
	// Given is the password a person named for the task at hand; then no other
	// is tried. It may be nil, and "" if none was named.
	Given func() (string, error)
	// File is a file whose first line is a password; "" if none.
	File string
	// Ask asks a person, again after a wrong answer; nil if nobody is there.
	Ask func(ctx context.Context, store string, again bool) (string, error)
}

// maxAsked is how often a person may mistype a password.
const maxAsked = 3

// unlockVault opens the keys of a vault, and remembers what opens it.
func (h *Host) unlockVault(ctx context.Context, st StoreSettings, f *keys.File) error {
	given, err := h.givenVaultPassword()
	if err != nil {
		return err
	}
	if given != "" {
		if _, _, err := f.Open(given); err != nil {
			return keysError(st, err)
		}
		return h.rememberMaster(f)
	}
	kept, err := h.keptMaster(f.Vault())
	if err == nil && f.Unlock(kept) == nil {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && h.vaults.File == "" && h.vaults.Ask == nil {
		return err // why what is remembered cannot be used
	}
	if h.vaults.File != "" {
		p, err := PasswordFromFile(h.vaults.File)
		if err != nil {
			return err
		}
		if _, _, err = f.Open(secrets.Secret(p)); err == nil {
			return h.rememberMaster(f)
		} else if h.vaults.Ask == nil {
			return keysError(st, err)
		}
	}
	return h.askToUnlock(ctx, st, f)
}

func (h *Host) givenVaultPassword() (secrets.Secret, error) {
	if h.vaults.Given == nil {
		return "", nil
	}
	p, err := h.vaults.Given()
	return secrets.Secret(p), err
}

func (h *Host) askToUnlock(ctx context.Context, st StoreSettings, f *keys.File) error {
	if h.vaults.Ask == nil {
		return &russet.Error{
			Kind: russet.Password, Doing: fmt.Sprintf("open the vault %q", st.Name), What: "its password is not known here, and there is no terminal to ask on",
			Hint: "name a file that holds it with --vault-password-file (- reads standard input) or RUSSET_VAULT_PASSWORD_FILE",
		}
	}
	var wrong error
	for range maxAsked {
		p, err := h.vaults.Ask(ctx, st.Name, wrong != nil)
		if err != nil {
			return err
		}
		if _, _, wrong = f.Open(secrets.Secret(p)); wrong == nil {
			return h.rememberMaster(f)
		}
		if !errors.Is(wrong, keys.ErrPassword) && !errors.Is(wrong, keys.ErrUnusable) {
			break
		}
	}
	return keysError(st, wrong)
}

func vaultSecret(vault string) string { return "vault/" + vault }

func (h *Host) keptMaster(vault string) (secrets.Secret, error) {
	data, err := h.home.Secret(vaultSecret(vault))
	return secrets.Secret(data), err
}

// rememberMaster keeps what opens the vault. It is not the password, which may
// change: backups go on.
func (h *Host) rememberMaster(f *keys.File) error {
	master, err := f.Master()
	if err != nil {
		return err
	}
	if kept, err := h.keptMaster(f.Vault()); err == nil && kept == master {
		return nil
	}
	return h.home.PutSecret(vaultSecret(f.Vault()), []byte(string(master)))
}

// forgetVault removes what is remembered of a store that is a vault: what opens
// its storage, and its master if no other store is the same vault.
func (h *Host) forgetVault(st StoreSettings, rest []StoreSettings) error {
	if st.Vault == "" {
		return nil
	}
	names := []string{storageSecret(st.Name)}
	if !slices.ContainsFunc(rest, func(other StoreSettings) bool { return other.Vault == st.Vault }) {
		names = append(names, vaultSecret(st.Vault))
	}
	return h.home.DropSecrets(names...)
}

// keysError explains why the keys of a vault do not open it.
func keysError(st StoreSettings, err error) error {
	if _, ok := errors.AsType[*russet.Error](err); ok || err == nil {
		return err
	}
	e := &russet.Error{Kind: russet.Failed, Doing: fmt.Sprintf("open the vault %q", st.Name), What: err.Error(), Err: err}
	_, typo := errors.AsType[*keys.CodeError](err)
	switch {
	case errors.Is(err, keys.ErrVersion):
		e.Kind, e.Hint = russet.Unsupported, "use the newest russet"
	case errors.Is(err, keys.ErrPassword):
		e.Kind = russet.Password
		e.Hint = fmt.Sprintf("try again; if it is forgotten, the recovery kit sets a new one: \"russet store recover %s\"", st.Name)
	case errors.Is(err, keys.ErrDamaged):
		e.Kind, e.Hint = russet.Damaged, "both copies of russet.keys are damaged: put one back from a copy of the storage"
	case typo:
		e.Kind, e.Hint = russet.Password, "compare that group with the kit"
	case errors.Is(err, keys.ErrCode), errors.Is(err, keys.ErrNoCode):
		e.Kind, e.Hint = russet.Password, "use the newest kit; its identifier is that of the vault, and its date the newest"
	case errors.Is(err, keys.ErrUnusable):
		e.Kind = russet.Usage
	case errors.Is(err, keys.ErrName), errors.Is(err, keys.ErrLast):
		e.Kind = russet.Usage
		e.Hint = fmt.Sprintf("\"russet store password %s --list\" shows what there is", st.Name)
	case errors.Is(err, keys.ErrCopy):
		e.Kind, e.Hint = russet.Interrupted, "what was changed holds; the next change of the keys mends the copy, which until then still opens as before"
	case errors.Is(err, keys.ErrChanged):
		e.Kind, e.Hint = russet.Busy, "try again"
	default:
		e.Kind = fileKind(err)
	}
	return e
}
