package host

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"slices"

	"russet"
	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

// kept is what was found out about a keybag: the password that opens it, and
// the key that takes seconds to derive from it.
type kept struct {
	Password string `json:"password"`
	Key      []byte `json:"key"`
}

// bagSecret names the secret of a backup's keybag; "" for a plain backup or
// one whose manifest cannot be read.
func bagSecret(folder fs.FS) string {
	m, err := mobilesync.ReadManifest(folder)
	if err != nil || len(m.BackupKeyBag) == 0 || !m.IsEncrypted {
		return ""
	}
	sum := sha256.Sum256(m.BackupKeyBag)
	return "key/" + hex.EncodeToString(sum[:16])
}

// keptFor finds what is known of a keybag, unless a person gave another
// password for the task at hand.
func (h *Host) keptFor(folder fs.FS) (password string, key keybag.Key, ok bool) {
	name := bagSecret(folder)
	if name == "" {
		return "", key, false
	}
	data, err := h.home.Secret(name)
	if err != nil {
		return "", key, false
	}
	var k kept
	if json.Unmarshal(data, &k) != nil || (h.password != "" && string(h.password) != k.Password) {
		return "", key, false
	}
	key, err = keybag.NewKey(k.Key)
	return k.Password, key, err == nil
}

// keep remembers the key of a keybag whose password is remembered, or is to be.
func (h *Host) keep(device russet.UDID, folder fs.FS, password string, key keybag.Key) {
	if h.learns && password == string(h.password) {
		if err := h.remember(device, password); err != nil {
			h.log.Warn("the backup password could not be remembered", "error", err)
			return
		}
	}
	known, err := h.remembered(device)
	name := bagSecret(folder)
	if err != nil || name == "" || !slices.Contains(known, password) {
		return
	}
	data, err := json.Marshal(kept{Password: password, Key: key.Bytes()})
	if err == nil {
		err = h.home.PutSecret(name, data)
	}
	if err != nil {
		h.log.Warn("the key of a backup could not be kept", "error", err)
	}
}
