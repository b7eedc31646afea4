// Package keybag holds the keys of an encrypted backup: the BackupKeyBag of
// Manifest.plist, what a password makes of it, and the files encrypted under
// its keys.
//
// password → PBKDF2 → key-encrypting key → class keys → a key per file →
// AES-256-CBC with an IV of zeros and PKCS#7 padding. Everything in a bag is
// taken for hostile; wrapped keys carry an integrity check of their own
// (RFC 3394), which is the only proof of a password there is.
package keybag

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrSyntax means that the bag is damaged.
var ErrSyntax = errors.New("malformed keybag")

const (
	// maxRounds bounds both stages of key derivation: today's bags ask for
	// 10,000,000 and 10,000, a hostile one could ask for an hour.
	maxRounds = 100_000_000
	// maxClasses bounds the work of unlocking; real bags have eleven.
	maxClasses = 256
	// typeMask leaves out flags other kinds of bag keep in TYPE.
	typeMask = 0x3FFFFFFF
)

// The bits of WRAP.
const (
	wrapDevice   = 1
	wrapPassword = 2
)

// Bag is a parsed keybag.
type Bag struct {
	Version uint32 // VERS: 5 since iOS 10.2
	Type    uint32 // TYPE: 1 in a backup
	UUID    [16]byte
	Classes []Class

	salt, doubleSalt     []byte
	rounds, doubleRounds uint32
}

// Class is one protection class and its wrapped key.
type Class struct {
	UUID    [16]byte
	Number  uint32 // CLAS: 1–4 files, 6–11 keychain, 17 files of class 7
	Wrap    uint32 // WRAP: bit 0 bound to the device, bit 1 to the password
	KeyType uint32 // KTYP: 0 AES, 1 Curve25519
	Wrapped []byte // WPKY, 40 bytes
	Public  []byte // PBKY, only for Curve25519
}

// Usable reports whether the password alone opens the class. A key that is
// also bound to the device unwraps without an error to one that is useless
// anywhere else.
func (c *Class) Usable() bool {
	return c.Wrap&(wrapDevice|wrapPassword) == wrapPassword && len(c.Wrapped) == wrappedKeySize
}

// Parse reads a bag: tags of four letters, big-endian lengths, values. Unknown
// tags are passed over; a tail too short to be an entry is ignored.
func Parse(data []byte) (*Bag, error) {
	var b Bag
	seenUUID := false
	for len(data) >= 8 {
		tag, n := string(data[:4]), binary.BigEndian.Uint32(data[4:])
		if uint64(n) > uint64(len(data)-8) {
			return nil, fmt.Errorf("%w: %q of %d bytes where %d are left", ErrSyntax, tag, n, len(data)-8)
		}
		value := data[8 : 8+n]
		data = data[8+n:]
		if tag == "UUID" && seenUUID { // starts the next class
			if len(b.Classes) == maxClasses {
				return nil, fmt.Errorf("%w: more than %d classes", ErrSyntax, maxClasses)
			}
			b.Classes = append(b.Classes, Class{})
		}
		seenUUID = seenUUID || tag == "UUID"
		var err error
		if len(b.Classes) == 0 {
			err = b.headerEntry(tag, value)
		} else {
			err = b.Classes[len(b.Classes)-1].entry(tag, value)
		}
		if err != nil {
			return nil, err
		}
	}
	return &b, b.validate()
}

func (b *Bag) headerEntry(tag string, value []byte) error {
	switch tag {
	case "VERS":
		return number(&b.Version, tag, value)
	case "TYPE":
		return number(&b.Type, tag, value)
	case "UUID":
		return uuid(&b.UUID, value)
	case "SALT":
		b.salt = append([]byte{}, value...)
	case "ITER":
		return number(&b.rounds, tag, value)
	case "DPSL":
		b.doubleSalt = append([]byte{}, value...)
	case "DPIC":
		return number(&b.doubleRounds, tag, value)
	}
	return nil
}

func (c *Class) entry(tag string, value []byte) error {
	switch tag {
	case "UUID":
		return uuid(&c.UUID, value)
	case "CLAS":
		return number(&c.Number, tag, value)
	case "WRAP":
		return number(&c.Wrap, tag, value)
	case "KTYP":
		return number(&c.KeyType, tag, value)
	case "WPKY":
		c.Wrapped = append([]byte{}, value...)
	case "PBKY":
		c.Public = append([]byte{}, value...)
	}
	return nil
}

func number(to *uint32, tag string, value []byte) error {
	if len(value) != 4 {
		return fmt.Errorf("%w: %s of %d bytes", ErrSyntax, tag, len(value))
	}
	*to = binary.BigEndian.Uint32(value)
	return nil
}

func uuid(to *[16]byte, value []byte) error {
	if len(value) != 16 {
		return fmt.Errorf("%w: UUID of %d bytes", ErrSyntax, len(value))
	}
	copy(to[:], value)
	return nil
}

func (b *Bag) validate() error {
	b.Type &= typeMask
	switch {
	case len(b.Classes) == 0:
		return fmt.Errorf("%w: no class keys", ErrSyntax)
	case len(b.salt) == 0 || b.rounds == 0:
		return fmt.Errorf("%w: no salt or no rounds", ErrSyntax)
	case (len(b.doubleSalt) == 0) != (b.doubleRounds == 0):
		return fmt.Errorf("%w: half of a second derivation stage", ErrSyntax)
	case b.rounds > maxRounds || b.doubleRounds > maxRounds:
		return fmt.Errorf("%w: %d and %d rounds of key derivation", ErrSyntax, b.doubleRounds, b.rounds)
	}
	return nil
}
