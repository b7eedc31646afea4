// Package secrets keeps russet's small secrets at rest: passwords of backups
// and vaults, pair records. Each is a file of its own, sealed with AES-256-GCM
// under one key that lies in the keyring of the system or, where there is none,
// in a file only the owner can read. Then the files protect what a backup of
// the home folder or a careless copy gives away, not more: who can read the key
// can read the secrets.
package secrets

import (
	"crypto/cipher"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"russet/internal/durable"
)

var (
	// ErrDamaged: a sealed file was changed, cut, renamed, or belongs to
	// another key.
	ErrDamaged = errors.New("sealed file is damaged or belongs to another key")
	// ErrKeyLost: there are sealed files, and the key that opens them is not
	// where it should be.
	ErrKeyLost = errors.New("the key that opens the secrets is gone")
	// ErrKeyring: the key lies in the keyring of the system, which does not
	// answer: it is locked, or this program runs outside the owner's session.
	ErrKeyring = errors.New("the keyring of the system does not answer")
	// ErrExposed: others can read the folder or the key.
	ErrExposed = errors.New("open to other users of this computer")
)

// MaxSize is the size of the largest secret, in bytes.
const MaxSize = 1 << 20

const (
	sealedSuffix = ".sealed"
	magic        = "russet secret 1\n"
	overhead     = 64 // of a sealed file: magic, nonce, tag, and some to spare
	maxName      = 150
	lockName     = "lock"
	lockWait     = 5 * time.Second
	lockPause    = 20 * time.Millisecond
)

// Options are for [Open].
type Options struct {
	// Keyring is where a new key goes, if it works, and where the key is looked
	// for if it went there; see [SystemKeyring]. Without one it is a file.
	Keyring Keyring
}

// Secrets is a folder of sealed files. It is safe for concurrent use, also by
// several processes.
type Secrets struct {
	dir     *durable.Dir
	keyring Keyring

	mu   sync.Mutex
	aead cipher.AEAD // nil until the key is needed
}

// Open opens the folder, which is made when absent. A folder that others can
// look into is [ErrExposed]. The key is not touched before the first Get or
// Put, so that nobody is asked to unlock a keyring in vain.
func Open(dir string, opts Options) (*Secrets, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open secrets: %w", err)
	}
	d, err := durable.Open(dir, nil)
	if err != nil {
		return nil, fmt.Errorf("open secrets: %w", err)
	}
	s := &Secrets{dir: d, keyring: opts.Keyring}
	if err := s.private("."); err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("open secrets: %w", err)
	}
	return s, nil
}

// Close lets go of the folder.
func (s *Secrets) Close() error { return s.dir.Close() }

// private makes sure that only the owner can use a file or folder. Windows has
// no such modes; there the owner's profile is private.
func (s *Secrets) private(name string) error {
	info, err := s.dir.Lstat(name)
	if err != nil {
		return err
	}
	if mode := info.Mode(); mode.Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		path := s.dir.Path()
		if name != "." {
			path += "/" + name
		}
		return fmt.Errorf("%q has mode %#o: %w", path, mode.Perm(), ErrExposed)
	}
	return nil
}

// Get returns a secret; one that was never put is fs.ErrNotExist.
func (s *Secrets) Get(name string) ([]byte, error) {
	file, err := fileName(name)
	if err != nil {
		return nil, err
	}
	sealed, err := s.dir.ReadFile(file, MaxSize+overhead)
	if err != nil {
		return nil, fmt.Errorf("read secret %q: %w", name, err)
	}
	aead, err := s.key()
	if err != nil {
		return nil, fmt.Errorf("read secret %q: %w", name, err)
	}
	body, ok := strings.CutPrefix(string(sealed), magic)
	if !ok {
		return nil, fmt.Errorf("read secret %q: %w", name, ErrDamaged)
	}
	secret, err := aead.Open(nil, nil, []byte(body), bound(name))
	if err != nil {
		return nil, fmt.Errorf("read secret %q: %w", name, ErrDamaged)
	}
	return secret, nil
}

// Put stores a secret over one of the same name; on return it is durable.
func (s *Secrets) Put(name string, secret []byte) error {
	file, err := fileName(name)
	if err != nil {
		return err
	}
	if len(secret) > MaxSize {
		return fmt.Errorf("store secret %q: %d bytes", name, len(secret))
	}
	aead, err := s.key()
	if err != nil {
		return fmt.Errorf("store secret %q: %w", name, err)
	}
	sealed := aead.Seal([]byte(magic), nil, secret, bound(name))
	err = s.locked(func() error { return s.dir.Replace(file, sealed, 0o600) })
	if err != nil {
		return fmt.Errorf("store secret %q: %w", name, err)
	}
	return nil
}

// Delete removes a secret; one that is not there is no error.
func (s *Secrets) Delete(name string) error {
	file, err := fileName(name)
	if err != nil {
		return err
	}
	err = s.locked(func() error { return errors.Join(s.dir.Remove(file), s.dir.SyncDir()) })
	if err != nil {
		return fmt.Errorf("remove secret %q: %w", name, err)
	}
	return nil
}

// List returns the names that begin with prefix, sorted.
func (s *Secrets) List(prefix string) ([]string, error) {
	entries, err := s.dir.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("list secrets: %w", err)
	}
	var names []string
	for _, e := range entries {
		encoded, ok := strings.CutSuffix(e.Name(), sealedSuffix)
		if !ok {
			continue
		}
		name, err := encoding().DecodeString(encoded)
		if err == nil && strings.HasPrefix(string(name), prefix) {
			names = append(names, string(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

// bound ties a sealed file to its name and to what it is.
func bound(name string) []byte { return []byte(magic + name) }

// encoding turns names into file names that no file system takes for another.
func encoding() *base32.Encoding {
	return base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)
}

// fileName is the file of a secret.
func fileName(name string) (string, error) {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return "", fmt.Errorf("name of a secret %q: %w", name, fs.ErrInvalid)
	}
	return encoding().EncodeToString([]byte(name)) + sealedSuffix, nil
}

// locked runs f while no other process changes the folder.
func (s *Secrets) locked(f func() error) error {
	deadline := time.Now().Add(lockWait)
	for {
		lock, err := s.dir.Lock(lockName, false)
		if err == nil {
			return errors.Join(f(), lock.Unlock())
		}
		if !errors.Is(err, durable.ErrLocked) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(lockPause)
	}
}
