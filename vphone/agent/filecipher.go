package agent

import (
	"crypto/cipher"
	"crypto/sha1"
	"errors"
	"fmt"
	"hash"

	"russet/vphone/agent/internal/keybag"
	"russet/vphone/disk"
)

// fileCipher is how the bytes of one file are stored.
type fileCipher struct {
	mode    cipher.BlockMode // nil in an unencrypted backup
	wrapped []byte
	digest  hash.Hash // nil for domains without
	empty   bool      // nothing is stored
}

func (p *producer) cipher(e *disk.Entry) (*fileCipher, error) {
	c := &fileCipher{empty: isDataless(e)}
	if hasDigest(e.Domain) {
		c.digest = sha1.New()
	}
	if !p.b.encrypted {
		return c, nil
	}
	key := keybag.NewKey()
	c.mode = keybag.NewEncrypter(key)
	if e.Size == 0 && p.config.EmptyFile != EmptyPadded {
		c.empty = true
		if p.config.EmptyFile == EmptyKeyless {
			return c, nil
		}
	}
	var err error
	if c.wrapped, err = p.b.bag.WrapKey(e.Class, key); err != nil {
		return nil, fmt.Errorf("making the key of %q: %w", e.Path, err)
	}
	return c, nil
}

// unreadable is a file the phone can't read.
type unreadable struct{ cause error }

func (u *unreadable) Error() string { return u.cause.Error() }
func (u *unreadable) Unwrap() error { return u.cause }

func (u *unreadable) text() string {
	if errors.Is(u.cause, disk.ErrNotExist) {
		return "No such file or directory"
	}
	return "Input/output error"
}
