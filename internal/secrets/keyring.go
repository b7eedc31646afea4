package secrets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"
)

// Keyring keeps the key for the owner of the session, by account. An account
// it does not have is fs.ErrNotExist.
type Keyring interface {
	Get(account string) (string, error)
	Set(account, secret string) error
}

// keyringLimit is how long a keyring may take. Some never answer outside a
// desktop session; some wait for a person to unlock them.
const keyringLimit = 5 * time.Second

// limited gives up on a keyring after keyringLimit. Its call cannot be
// cancelled and is left behind.
func limited(call func() (string, error)) (string, error) {
	type result struct {
		s   string
		err error
	}
	done := make(chan result, 1)
	go func() {
		s, err := call()
		done <- result{s, err}
	}()
	select {
	case r := <-done:
		return r.s, r.err
	case <-time.After(keyringLimit):
		return "", fmt.Errorf("no answer within %v", keyringLimit)
	}
}

// SystemKeyring is the keyring of this system: the Keychain of macOS, the
// Credential Manager of Windows, the Secret Service of a Linux desktop.
func SystemKeyring() Keyring { return systemKeyring{} }

// systemService is the name the system files the key under.
const systemService = "russet"

type systemKeyring struct{}

func (systemKeyring) Get(account string) (string, error) {
	if err := session(); err != nil {
		return "", err
	}
	s, err := keyring.Get(systemService, account)
	if errors.Is(err, keyring.ErrNotFound) {
		return "", fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return s, err
}

func (systemKeyring) Set(account, secret string) error {
	if err := session(); err != nil {
		return err
	}
	return keyring.Set(systemService, account, secret)
}

// session makes sure that there is a session bus where the keyring is reached
// over one: the D-Bus library would start a bus of its own.
func session() error {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" || os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return nil
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		if _, err := os.Stat(filepath.Join(dir, "bus")); err == nil {
			return nil
		}
	}
	return errors.New("no desktop session")
}
