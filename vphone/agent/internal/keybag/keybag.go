// Package keybag makes and opens the backup keybags of a virtual iPhone: the
// class keys that wrap each file's key, themselves wrapped with a key that is
// derived from the backup password.
package keybag

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
)

// KeySize is the length of every key: AES-256.
const KeySize = 32

// Key is an AES-256 key.
type Key [KeySize]byte

// ManifestClass is the class whose key wraps the key of Manifest.db.
const ManifestClass = 4

// inactiveClass is the number under which file class 7 stands in a backup
// keybag, where 7 is a keychain class. [D]
const inactiveClass = 17

// Errors of opening a bag.
var (
	ErrMalformed = errors.New("malformed keybag")
	ErrPassword  = errors.New("wrong backup password")
	ErrNoClass   = errors.New("the keybag has no such class")
)

// What WRAP says about a class key.
const (
	wrapDevice   = 1 // enciphered with a key that never leaves the phone
	wrapPassword = 2
)

// fileKeySize is the length of EncryptionKey and ManifestKey: a class number
// before the wrapped key.
const fileKeySize = 4 + WrappedSize

type class struct {
	id, wrap uint32
	uuid     [16]byte
	wrapped  []byte
	key      Key
	open     bool
}

// Bag is one keybag.
type Bag struct {
	how     Derivation
	uuid    [16]byte
	hmac    []byte
	classes []class
}

// New makes a bag with fresh class keys, opened. Inactive adds class 17,
// which only phones with files of class 7 need.
func New(how Derivation, kek Key, inactive bool) *Bag {
	b := &Bag{how: how, uuid: randomUUID()}
	b.hmac = wrap(kek, NewKey())
	ids := []uint32{11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1} // the order of the samples
	if inactive {
		ids = append([]uint32{inactiveClass}, ids...)
	}
	for _, id := range ids {
		c := class{id: id, wrap: wrapPassword, uuid: randomUUID(), key: NewKey(), open: true}
		if id == 5 || id >= 9 && id <= 11 {
			// Unwrapping these works and gives bytes without a meaning
			// outside this phone; random bytes are as good.
			c.wrap, c.open = wrapPassword|wrapDevice, false
		}
		c.wrapped = wrap(kek, c.key)
		b.classes = append(b.classes, c)
	}
	return b
}

// NewKey makes a random key.
func NewKey() Key {
	var k Key
	rand.Read(k[:])
	return k
}

func randomUUID() (u [16]byte) {
	rand.Read(u[:])
	u[6], u[8] = u[6]&0x0F|0x40, u[8]&0x3F|0x80
	return u
}

// Derivation is how the bag's key comes from the password.
func (b *Bag) Derivation() Derivation { return b.how }

// Open unwraps the class keys with the key of [Derivation.Key].
func (b *Bag) Open(kek Key) error {
	opened := 0
	for i := range b.classes {
		c := &b.classes[i]
		if c.wrap != wrapPassword {
			continue
		}
		key, err := unwrap(kek, c.wrapped)
		if err != nil {
			continue
		}
		c.key, c.open = key, true
		opened++
	}
	if opened == 0 {
		return ErrPassword
	}
	return nil
}

// Has says whether files of a protection class can be given keys.
func (b *Bag) Has(protection uint8) bool {
	_, err := b.class(prefix(protection))
	return err == nil
}

// WrapKey makes the value of EncryptionKey for a file of a protection class.
func (b *Bag) WrapKey(protection uint8, key Key) ([]byte, error) {
	id := prefix(protection)
	c, err := b.class(id)
	if err != nil {
		return nil, err
	}
	out := binary.LittleEndian.AppendUint32(make([]byte, 0, fileKeySize), id)
	return append(out, wrap(c.key, key)...), nil
}

// UnwrapKey opens a value of EncryptionKey or ManifestKey.
func (b *Bag) UnwrapKey(wrapped []byte) (Key, error) {
	if len(wrapped) != fileKeySize {
		return Key{}, fmt.Errorf("%w: a file key of %d bytes", ErrMalformed, len(wrapped))
	}
	c, err := b.class(binary.LittleEndian.Uint32(wrapped))
	if err != nil {
		return Key{}, err
	}
	return unwrap(c.key, wrapped[4:])
}

func (b *Bag) class(id uint32) (*class, error) {
	for i := range b.classes {
		if c := &b.classes[i]; c.id == id && c.open {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%w: %d", ErrNoClass, id)
}

// prefix is the number a protection class has in a backup keybag.
func prefix(protection uint8) uint32 {
	switch protection {
	case 7:
		return inactiveClass
	case 0:
		return 3 // unset means the default of apps, until first unlock [I]
	}
	return uint32(protection)
}
