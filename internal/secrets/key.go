package secrets

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Where the key is: in one of these two files itself, or, named by what the
// other holds, in the keyring.
const (
	keyFile     = "key"
	keyringFile = "keyring"
	keySize     = 32
	maxKeyFile  = 256
)

// key returns the cipher, after the key was found or, in a folder without
// secrets, made.
func (s *Secrets) key() (cipher.AEAD, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aead != nil {
		return s.aead, nil
	}
	key, err := s.findKey()
	if errors.Is(err, fs.ErrNotExist) {
		err = s.locked(func() (err error) {
			key, err = s.findKey() // another process may have been faster
			if errors.Is(err, fs.ErrNotExist) {
				key, err = s.makeKey()
			}
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	s.aead, err = cipher.NewGCMWithRandomNonce(block)
	return s.aead, err
}

// findKey returns the key; fs.ErrNotExist says that there never was one.
func (s *Secrets) findKey() ([]byte, error) {
	text, err := s.dir.ReadFile(keyFile, maxKeyFile)
	if err == nil {
		if err := s.private(keyFile); err != nil {
			return nil, err
		}
		return parseKey(string(text))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	account, err := s.dir.ReadFile(keyringFile, maxKeyFile)
	if err != nil {
		return nil, err
	}
	if s.keyring == nil {
		return nil, fmt.Errorf("%w: this program was told not to use it", ErrKeyring)
	}
	held, err := s.fromKeyring(strings.TrimSpace(string(account)))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrKeyLost // not the fs.ErrNotExist of a secret
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrKeyring, err)
	}
	return parseKey(held)
}

func parseKey(text string) ([]byte, error) {
	key, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("%w: what is in its place is no key", ErrKeyLost)
	}
	return key, nil
}

// makeKey makes a key and puts it into the keyring or, if that does not work,
// into a file. Never beside secrets it cannot open.
func (s *Secrets) makeKey() ([]byte, error) {
	if names, err := s.List(""); err != nil {
		return nil, err
	} else if len(names) > 0 {
		return nil, ErrKeyLost
	}
	key, account := make([]byte, keySize), make([]byte, 8)
	_, _ = rand.Read(key) // never fails
	_, _ = rand.Read(account)
	text, name := hex.EncodeToString(key), "key "+hex.EncodeToString(account)
	if s.keyring != nil && s.intoKeyring(name, text) == nil {
		return key, s.dir.Replace(keyringFile, []byte(name+"\n"), 0o600)
	}
	return key, s.dir.Replace(keyFile, []byte(text+"\n"), 0o600)
}

// intoKeyring stores the key and makes sure that it comes back.
func (s *Secrets) intoKeyring(account, text string) error {
	_, err := limited(func() (string, error) { return "", s.keyring.Set(account, text) })
	if err != nil {
		return err
	}
	held, err := s.fromKeyring(account)
	if err == nil && held != text {
		err = errors.New("the keyring gave back something else")
	}
	return err
}

func (s *Secrets) fromKeyring(account string) (string, error) {
	return limited(func() (string, error) { return s.keyring.Get(account) })
}
