package host

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"

	"russet"
)

// maxPasswords is how many backup passwords of a device are remembered: old
// backups need old ones.
const maxPasswords = 16

func passwordSecret(udid russet.UDID) string { return "password/" + string(udid) }

// remembered lists the backup passwords of a device, newest first.
func (h *Host) remembered(udid russet.UDID) ([]string, error) {
	data, err := h.home.Secret(passwordSecret(udid))
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
	return h.setRemembered(udid, slices.Insert(list, 0, password))
}

// setRemembered replaces the backup passwords of a device; newest first.
func (h *Host) setRemembered(udid russet.UDID, list []string) error {
	if len(list) == 0 {
		return h.home.DropSecrets(passwordSecret(udid))
	}
	data, err := json.Marshal(list[:min(len(list), maxPasswords)])
	if err != nil {
		return errors.New("write the remembered passwords") // the cause could quote one
	}
	return h.home.PutSecret(passwordSecret(udid), data)
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
