package home

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"russet"
	"russet/internal/secrets"
)

// secretsDir is the sealed folder inside the home.
const secretsDir = "secrets"

// Secrets opens the sealed folder in the home for reading; fs.ErrNotExist when
// there is none, for nothing was ever put there. It stays open until Close. The
// keyring of the system is asked only for the home in its usual place: a folder
// that a person moved by RUSSET_HOME is meant to be whole.
func (h *Home) Secrets() (*secrets.Secrets, error) {
	if _, err := os.Stat(filepath.Join(h.Dir, secretsDir)); errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return h.unsealed()
}

// makeSecrets is Secrets for what is about to be kept there.
func (h *Home) makeSecrets() (*secrets.Secrets, error) {
	if _, err := h.Make(); err != nil {
		return nil, err
	}
	return h.unsealed()
}

func (h *Home) unsealed() (*secrets.Secrets, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.secrets != nil {
		return h.secrets, nil
	}
	var opts secrets.Options
	if !h.Moved {
		opts.Keyring = secrets.SystemKeyring()
	}
	s, err := secrets.Open(filepath.Join(h.Dir, secretsDir), opts)
	if err != nil {
		return nil, secretError(err)
	}
	h.secrets = s
	return s, nil
}

// secretError explains why remembered passwords and pairings cannot be used.
func secretError(err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	e := &russet.Error{Kind: russet.Failed, Doing: "use the remembered passwords and pairings", What: err.Error(), Err: err}
	switch {
	case errors.Is(err, secrets.ErrExposed):
		e.Kind, e.Hint = russet.Usage, "others can read that folder: make it private (chmod 700 the folder, 600 the files in it)"
	case errors.Is(err, secrets.ErrKeyring):
		e.Kind, e.Hint = russet.Usage, "unlock the keyring of your desktop session, or run russet inside it"
	case errors.Is(err, secrets.ErrKeyLost), errors.Is(err, secrets.ErrDamaged):
		e.Kind, e.Hint = russet.Damaged, `move the folder "secrets" in russet's own folder away; then pair again and type the backup passwords again. Backups are not touched by this`
	default:
		e.Kind = FileKind(err)
	}
	return e
}

// Secret is one of what is sealed; fs.ErrNotExist if there is none of that name.
func (h *Home) Secret(name string) ([]byte, error) {
	s, err := h.Secrets()
	if err != nil {
		return nil, err
	}
	data, err := s.Get(name)
	return data, secretError(err)
}

// PutSecret seals one, in place of the one of that name.
func (h *Home) PutSecret(name string, data []byte) error {
	s, err := h.makeSecrets()
	if err != nil {
		return err
	}
	return secretError(s.Put(name, data))
}

// DropSecrets removes some. That one is not there is no error.
func (h *Home) DropSecrets(names ...string) error {
	s, err := h.makeSecrets()
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, s.Delete(name))
	}
	return secretError(errors.Join(errs...))
}
