package secrets_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"russet/internal/secrets"
)

func TestLostKeyIsNotReplaced(t *testing.T) {
	for what, spoil := range map[string]func(key string) error{
		"removed": os.Remove,
		"cut":     func(key string) error { return os.Truncate(key, 10) },
	} {
		dir := filepath.Join(t.TempDir(), "secrets")
		put(t, open(t, dir, nil), "n", "value")
		if err := spoil(filepath.Join(dir, "key")); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, nil)
		if _, err := s.Get("n"); !errors.Is(err, secrets.ErrKeyLost) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("key %s: Get: %v", what, err)
		}
		if err := s.Put("m", nil); !errors.Is(err, secrets.ErrKeyLost) {
			t.Errorf("key %s: Put: %v", what, err)
		}
	}
}

// ring is a keyring that works.
type ring struct {
	mu   sync.Mutex
	held map[string]string
	err  error
}

func (r *ring) Get(account string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.held[account]
	if r.err == nil && !ok {
		return "", fs.ErrNotExist
	}
	return s, r.err
}

func (r *ring) Set(account, secret string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.held[account] = secret
	}
	return r.err
}

func TestKeyring(t *testing.T) {
	dir, r := filepath.Join(t.TempDir(), "secrets"), &ring{held: map[string]string{}}
	put(t, open(t, dir, r), "n", "value")
	if _, err := os.Stat(filepath.Join(dir, "key")); !errors.Is(err, fs.ErrNotExist) || len(r.held) != 1 {
		t.Errorf("the key is not in the keyring: %v, %d there", err, len(r.held))
	}
	want(t, open(t, dir, r), "n", "value")
	if _, err := open(t, dir, nil).Get("n"); !errors.Is(err, secrets.ErrKeyring) {
		t.Errorf("without the keyring: %v", err)
	}
	r.err = errors.New("locked")
	if _, err := open(t, dir, r).Get("n"); !errors.Is(err, secrets.ErrKeyring) {
		t.Errorf("with a locked keyring: %v", err)
	}
	clear(r.held)
	r.err = nil
	if _, err := open(t, dir, r).Get("n"); !errors.Is(err, secrets.ErrKeyLost) {
		t.Errorf("with an empty keyring: %v", err)
	}
}

func TestKeyringThatDoesNotWorkIsNoTrouble(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	put(t, open(t, dir, &ring{err: errors.New("no keyring")}), "n", "value")
	want(t, open(t, dir, nil), "n", "value")
}

// silent is a keyring that never answers.
type silent struct{ done chan struct{} }

func (r silent) Get(string) (string, error) { <-r.done; return "", nil }
func (r silent) Set(string, string) error   { <-r.done; return nil }

func TestSilentKeyring(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	synctest.Test(t, func(t *testing.T) {
		r := silent{make(chan struct{})}
		start := time.Now()
		put(t, open(t, dir, r), "n", "value")
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("waited %v", d)
		}
		close(r.done)
	})
	want(t, open(t, dir, nil), "n", "value")
}
