package keybag

import (
	"context"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"
)

// ErrPassword means that no class key opens with this password or key.
var ErrPassword = errors.New("wrong backup password")

// ErrNoKey means that no class key of the bag opens a file's key: the file
// was sent under another bag, or its record is damaged.
var ErrNoKey = errors.New("file key does not open with this keybag")

// ErrKeyForm means that a file's key has a form not known in backups.
var ErrKeyForm = errors.New("unknown form of file key")

// Unlocked is a bag with its class keys opened. It is safe for use by several
// goroutines.
type Unlocked struct {
	kek     Key
	keys    map[uint32]Key
	blocks  map[uint32]cipher.Block
	order   []uint32
	damaged []uint32
}

// Progress hears how many of all rounds of key derivation are done, some
// hundred times a second.
type Progress func(done, total int)

// Unlock derives the key from a password and opens the class keys. The
// password is used as the bytes typed; nobody has documented that a device
// normalises it. It takes one to five seconds for a bag of today, and ends
// early with ctx's error. progress may be nil.
func (b *Bag) Unlock(ctx context.Context, password string, progress Progress) (*Unlocked, error) {
	kek, err := b.Derive(ctx, password, progress)
	if err != nil {
		return nil, err
	}
	return b.UnlockKey(kek)
}

// Derive makes the key-encrypting key of a password: PBKDF2-HMAC-SHA256 with
// DPSL and DPIC where the bag has them (iOS 10.2 and newer), then
// PBKDF2-HMAC-SHA1 with SALT and ITER.
func (b *Bag) Derive(ctx context.Context, password string, progress Progress) (Key, error) {
	if progress == nil {
		progress = func(int, int) {}
	}
	total := int(b.doubleRounds) + int(b.rounds)*2 // SHA-1 makes two blocks of the second key
	done := 0
	stage := func(h func() hash.Hash, secret, salt []byte, rounds uint32) ([]byte, error) {
		return pbkdf2(ctx, h, secret, salt, int(rounds), func(n int) {
			done += n
			progress(done, total)
		})
	}
	secret := []byte(password)
	var err error
	if b.doubleRounds > 0 {
		if secret, err = stage(sha256.New, secret, b.doubleSalt, b.doubleRounds); err != nil {
			return Key{}, err
		}
	}
	if secret, err = stage(sha1.New, secret, b.salt, b.rounds); err != nil {
		return Key{}, err
	}
	return NewKey(secret)
}

// pbkdf2 is RFC 8018's, for keys of 32 bytes, with what crypto/pbkdf2 has
// not: an end when ctx ends, and word of how far it is.
func pbkdf2(ctx context.Context, h func() hash.Hash, secret, salt []byte, rounds int, did func(int)) ([]byte, error) {
	const step = 1 << 14
	mac := hmac.New(h, secret)
	var out, u []byte
	for i := uint32(1); len(out) < KeySize; i++ {
		mac.Reset()
		mac.Write(salt)
		mac.Write(binary.BigEndian.AppendUint32(nil, i))
		u = mac.Sum(u[:0])
		block := slices.Clone(u)
		for n := 1; n < rounds; n++ {
			mac.Reset()
			mac.Write(u)
			u = mac.Sum(u[:0])
			for j, x := range u {
				block[j] ^= x
			}
			if n%step == 0 {
				if err := ctx.Err(); err != nil {
					return nil, fmt.Errorf("derive key: %w", err)
				}
				did(step)
			}
		}
		did((rounds-1)%step + 1)
		out = append(out, block...)
	}
	return out[:KeySize], nil
}

// UnlockKey opens the class keys with a key that Derive made and somebody
// kept. The bag itself tells whether it fits: if not, ErrPassword.
func (b *Bag) UnlockKey(kek Key) (*Unlocked, error) {
	u := &Unlocked{kek: kek, keys: make(map[uint32]Key), blocks: make(map[uint32]cipher.Block)}
	block := kek.block()
	usable := 0
	for i := range b.Classes {
		c := &b.Classes[i]
		if !c.Usable() {
			continue
		}
		usable++
		key, err := unwrap(block, c.Wrapped)
		if err != nil {
			u.damaged = append(u.damaged, c.Number)
			continue
		}
		u.keys[c.Number] = key
		u.blocks[c.Number] = key.block()
	}
	switch {
	case usable == 0:
		return nil, fmt.Errorf("%w: no class key that a password opens", ErrSyntax)
	case len(u.keys) == 0:
		return nil, ErrPassword
	}
	u.order = slices.Sorted(maps.Keys(u.keys))
	return u, nil
}

// Key is the derived key. Kept in a safe place, it spares the next reader of
// the same bag the derivation, see UnlockKey.
func (u *Unlocked) Key() Key { return u.kek }

// ClassKey returns the key of a class; a keychain's reader needs it.
func (u *Unlocked) ClassKey(class uint32) (Key, bool) {
	k, ok := u.keys[class]
	return k, ok
}

// Damaged lists classes that did not open although others did.
func (u *Unlocked) Damaged() []uint32 { return slices.Clone(u.damaged) }

// FileKey opens the key of a file, or that of Manifest.db: four bytes of
// class, little-endian, and the wrapped key. The class in front counts, not
// the record's ProtectionClass (a file of class 7 is written as 17, since 7
// is a class of the keychain); if it leads nowhere every class is tried,
// because the integrity check tells which is right.
func (u *Unlocked) FileKey(encryptionKey []byte) (Key, error) {
	if len(encryptionKey) != 4+wrappedKeySize {
		return Key{}, fmt.Errorf("%w: %d bytes", ErrKeyForm, len(encryptionKey))
	}
	class, wrapped := binary.LittleEndian.Uint32(encryptionKey), encryptionKey[4:]
	if block, ok := u.blocks[class]; ok {
		if key, err := unwrap(block, wrapped); err == nil {
			return key, nil
		}
	}
	for _, other := range u.order {
		if other == class {
			continue
		}
		if key, err := unwrap(u.blocks[other], wrapped); err == nil {
			return key, nil
		}
	}
	return Key{}, fmt.Errorf("%w: class %d", ErrNoKey, class)
}

// WrapFileKey is FileKey's inverse: what a record holds for a file's key.
func (u *Unlocked) WrapFileKey(class uint32, key Key) ([]byte, error) {
	classKey, ok := u.keys[class]
	if !ok {
		return nil, fmt.Errorf("wrap file key: no class %d", class)
	}
	return append(binary.LittleEndian.AppendUint32(nil, class), Wrap(classKey, key)...), nil
}
