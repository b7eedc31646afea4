package agent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"russet/vphone/agent/internal/keybag"
)

const keysFile = "keys.json"

// maxKeys is how many derived keys are kept: deriving one takes two seconds.
const maxKeys = 16

// derivedKey is a key the phone need not derive again. The folder it is kept
// in is the phone's own; a real one keeps such things in its keychain.
type derivedKey struct {
	How   keybag.Derivation
	Check []byte // tells the password without holding it
	Key   []byte
}

func check(how keybag.Derivation, password string) []byte {
	h := hmac.New(sha256.New, append(append([]byte(nil), how.First...), how.Second...))
	h.Write([]byte(password))
	return h.Sum(nil)
}

func (d *derivedKey) fits(password string) bool {
	return len(d.Key) == keybag.KeySize && hmac.Equal(d.Check, check(d.How, password))
}

func (s *session) derivedKeys() ([]derivedKey, error) {
	data, err := os.ReadFile(filepath.Join(s.phone.CacheDir(), keysFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the phone's keys: %w", err)
	}
	var keys []derivedKey
	if err := json.Unmarshal(data, &keys); err != nil {
		return nil, nil // written by a phone that died: derive again
	}
	return keys, nil
}

// freshKey returns a derivation for a new keybag and its key. Salts are made
// once for a password, so that only the first bag pays for the derivation.
func (s *session) freshKey(password string) (keybag.Derivation, keybag.Key, error) {
	config := s.faults.Config()
	first, second := config.rounds()
	keys, err := s.derivedKeys()
	if err != nil {
		return keybag.Derivation{}, keybag.Key{}, err
	}
	for _, k := range keys {
		if k.How.FirstRounds == first && k.How.Rounds == second && k.fits(password) {
			return k.How, keybag.Key(k.Key), nil
		}
	}
	how := keybag.NewDerivation(first, second)
	key, err := s.key(how, password)
	return how, key, err
}

// key derives the key of a bag, or finds it derived.
func (s *session) key(how keybag.Derivation, password string) (keybag.Key, error) {
	keys, err := s.derivedKeys()
	if err != nil {
		return keybag.Key{}, err
	}
	want := check(how, password)
	for _, k := range keys {
		if hmac.Equal(k.Check, want) && k.How.FirstRounds == how.FirstRounds && k.How.Rounds == how.Rounds && k.fits(password) {
			return keybag.Key(k.Key), nil
		}
	}
	key, err := how.Key(password)
	if err != nil {
		return keybag.Key{}, err
	}
	keys = append(keys, derivedKey{How: how, Check: want, Key: key[:]})
	keys = keys[max(len(keys)-maxKeys, 0):]
	if err := s.saveJSON(keysFile, keys); err != nil {
		return keybag.Key{}, err
	}
	return key, nil
}

// saveJSON replaces a file of the cache.
func (s *session) saveJSON(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding the phone's %s: %w", name, err)
	}
	path := filepath.Join(s.phone.CacheDir(), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making the agent's cache: %w", err)
	}
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return fmt.Errorf("writing the phone's %s: %w", name, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing the phone's %s: %w", name, err)
	}
	return nil
}
