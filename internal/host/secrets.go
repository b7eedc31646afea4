package host

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"russet"
	"russet/internal/secrets"
)

// maxPasswords is how many backup passwords of a device are remembered: old
// backups need old ones.
const maxPasswords = 16

// openSecrets opens the sealed folder in the home, and makes it. The keyring of the system
// is asked only for the home in its usual place: a folder that a person moved
// by RUSSET_HOME is meant to be whole.
func (h *Host) openSecrets() (*secrets.Secrets, error) {
	if _, err := h.openHome(); err != nil {
		return nil, err
	}
	return h.unsealed()
}

// findSecrets opens the sealed folder for reading; fs.ErrNotExist when there is
// none, for nothing was ever put there.
func (h *Host) findSecrets() (*secrets.Secrets, error) {
	if _, err := os.Stat(filepath.Join(h.home.Dir, secretsDir)); errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return h.unsealed()
}

func (h *Host) unsealed() (*secrets.Secrets, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.secrets != nil {
		return h.secrets, nil
	}
	var opts secrets.Options
	if !h.home.Moved {
		opts.Keyring = secrets.SystemKeyring()
	}
	s, err := secrets.Open(filepath.Join(h.home.Dir, secretsDir), opts)
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
		e.Kind = fileKind(err)
	}
	return e
}

func (h *Host) getSecret(name string) ([]byte, error) {
	s, err := h.findSecrets()
	if err != nil {
		return nil, err
	}
	data, err := s.Get(name)
	return data, secretError(err)
}

func (h *Host) putSecret(name string, data []byte) error {
	s, err := h.openSecrets()
	if err != nil {
		return err
	}
	return secretError(s.Put(name, data))
}

func passwordSecret(udid russet.UDID) string { return "password/" + string(udid) }

// remembered lists the backup passwords of a device, newest first.
func (h *Host) remembered(udid russet.UDID) ([]string, error) {
	data, err := h.getSecret(passwordSecret(udid))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []string
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, errors.New("read the remembered passwords: not a list") // the cause could quote one
	}
	return list, nil
}

// remember keeps a backup password of a device as the newest one.
func (h *Host) remember(udid russet.UDID, password string) error {
	list, err := h.remembered(udid)
	if err != nil {
		return err
	}
	if len(list) > 0 && list[0] == password {
		return nil
	}
	list = slices.DeleteFunc(list, func(p string) bool { return p == password })
	list = slices.Insert(list, 0, password)
	data, err := json.Marshal(list[:min(len(list), maxPasswords)])
	if err != nil {
		return errors.New("write the remembered passwords") // the cause could quote one
	}
	return h.putSecret(passwordSecret(udid), data)
}

// candidates lists the passwords to try on backups of a device: the one given
// for this task alone or, when none was given, those remembered, then that of
// the file that RUSSET_BACKUP_PASSWORD_FILE names.
func (h *Host) candidates(udid russet.UDID) ([]string, error) {
	if h.password != "" {
		return []string{string(h.password)}, nil
	}
	list, err := h.remembered(udid)
	if err != nil {
		return list, err
	}
	if h.passwordFile != "" {
		p, err := PasswordFromFile(h.passwordFile)
		if err != nil {
			return list, err
		}
		list = append(list, p)
	}
	return list, nil
}

// passwords is the russet.Passwords of this computer: the likeliest one.
func (h *Host) passwords(_ context.Context, udid russet.UDID) (string, error) {
	list, err := h.candidates(udid)
	if len(list) == 0 {
		return "", err
	}
	return list[0], nil
}
