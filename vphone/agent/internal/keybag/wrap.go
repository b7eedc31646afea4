package keybag

import (
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// WrappedSize is the length of a 32-byte key wrapped as RFC 3394 has it.
const WrappedSize = KeySize + 8

// ErrUnwrap says that a wrapped key was made with another key, or is damaged.
var ErrUnwrap = errors.New("the wrapped key does not fit its key")

// initial is the value of RFC 3394 section 2.2.3.1 by which a fitting key is
// told from another.
const initial = 0xA6A6A6A6A6A6A6A6

// wrap is the key wrap of RFC 3394 section 2.2.1.
func wrap(kek, key Key) []byte {
	block, err := aes.NewCipher(kek[:])
	if err != nil {
		panic(err) // a Key is 32 bytes: nothing to refuse
	}
	out := make([]byte, WrappedSize)
	copy(out[8:], key[:])
	var buf [16]byte
	a := uint64(initial)
	t := uint64(0)
	for range 6 {
		for i := 8; i < WrappedSize; i += 8 {
			t++
			binary.BigEndian.PutUint64(buf[:8], a)
			copy(buf[8:], out[i:i+8])
			block.Encrypt(buf[:], buf[:])
			a = binary.BigEndian.Uint64(buf[:8]) ^ t
			copy(out[i:], buf[8:])
		}
	}
	binary.BigEndian.PutUint64(out, a)
	return out
}

// unwrap is the key unwrap of RFC 3394 section 2.2.2.
func unwrap(kek Key, wrapped []byte) (Key, error) {
	var key Key
	if len(wrapped) != WrappedSize {
		return key, ErrUnwrap
	}
	block, err := aes.NewCipher(kek[:])
	if err != nil {
		panic(err) // a Key is 32 bytes: nothing to refuse
	}
	copy(key[:], wrapped[8:])
	a := binary.BigEndian.Uint64(wrapped)
	var buf [16]byte
	t := uint64(6 * KeySize / 8)
	for range 6 {
		for i := KeySize - 8; i >= 0; i -= 8 {
			binary.BigEndian.PutUint64(buf[:8], a^t)
			copy(buf[8:], key[i:i+8])
			block.Decrypt(buf[:], buf[:])
			a = binary.BigEndian.Uint64(buf[:8])
			copy(key[i:], buf[8:])
			t--
		}
	}
	var check, want [8]byte
	binary.BigEndian.PutUint64(check[:], a)
	binary.BigEndian.PutUint64(want[:], initial)
	if subtle.ConstantTimeCompare(check[:], want[:]) != 1 {
		return Key{}, ErrUnwrap
	}
	return key, nil
}
