package keybag

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// KeySize is the length of every key in a bag, AES-256.
const KeySize = 32

// wrappedKeySize is that of a key wrapped by RFC 3394.
const wrappedKeySize = KeySize + 8

// ErrIntegrity means that a wrapped key was not wrapped with the key given,
// or is damaged.
var ErrIntegrity = errors.New("wrapped key fails its integrity check")

// Key is a secret key. It prints as an ellipsis, whatever the verb, and has
// no exported fields an encoder could find.
type Key struct{ b [KeySize]byte }

// NewKey copies a key's 32 bytes.
func NewKey(b []byte) (Key, error) {
	if len(b) != KeySize {
		return Key{}, fmt.Errorf("key of %d bytes, want %d", len(b), KeySize)
	}
	return Key{[KeySize]byte(b)}, nil
}

// Bytes returns a copy of the secret, to be stored where secrets are.
func (k Key) Bytes() []byte { return append([]byte(nil), k.b[:]...) }

// Format implements fmt.Formatter, so that no verb shows the secret.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "…") }

func (k *Key) block() cipher.Block {
	block, err := aes.NewCipher(k.b[:])
	if err != nil {
		panic("keybag: AES refuses a key of 32 bytes: " + err.Error())
	}
	return block
}

// wrapIV is RFC 3394's default initial value (section 2.2.3.1).
const wrapIV = 0xA6A6A6A6A6A6A6A6

// Wrap wraps a key under another (RFC 3394, 40 bytes).
func Wrap(kek, key Key) []byte {
	out := binary.BigEndian.AppendUint64(make([]byte, 0, wrappedKeySize), wrapIV)
	out = append(out, key.b[:]...)
	block := kek.block()
	const n = KeySize / 8
	var buf [16]byte
	copy(buf[:8], out)
	for t := range uint64(6 * n) {
		r := out[8+8*(t%n):][:8]
		copy(buf[8:], r)
		block.Encrypt(buf[:], buf[:])
		binary.BigEndian.PutUint64(buf[:], binary.BigEndian.Uint64(buf[:])^(t+1))
		copy(r, buf[8:])
	}
	copy(out, buf[:8])
	return out
}

// Unwrap undoes Wrap. ErrIntegrity is returned for another key's work.
func Unwrap(kek Key, wrapped []byte) (Key, error) { return unwrap(kek.block(), wrapped) }

func unwrap(block cipher.Block, wrapped []byte) (Key, error) {
	if len(wrapped) != wrappedKeySize {
		return Key{}, fmt.Errorf("%w: %d bytes", ErrIntegrity, len(wrapped))
	}
	const n = KeySize / 8
	var key Key
	copy(key.b[:], wrapped[8:])
	var buf [16]byte
	copy(buf[:8], wrapped)
	for t := uint64(6 * n); t > 0; t-- {
		r := key.b[8*((t-1)%n):][:8]
		binary.BigEndian.PutUint64(buf[:], binary.BigEndian.Uint64(buf[:])^t)
		copy(buf[8:], r)
		block.Decrypt(buf[:], buf[:])
		copy(r, buf[8:])
	}
	if binary.BigEndian.Uint64(buf[:]) != wrapIV {
		return Key{}, ErrIntegrity
	}
	return key, nil
}
