package keybag

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
)

const saltSize = 20

// maxRounds is the most a foreign bag may ask for: beyond it a hostile
// Manifest.plist would keep the phone busy for minutes.
const maxRounds = 100_000_000

// Derivation is how a bag's key comes from the password: its header values
// DPSL, DPIC, SALT and ITER.
type Derivation struct {
	First       []byte // DPSL; nil in bags from before iOS 10.2
	FirstRounds int    // DPIC
	Second      []byte // SALT
	Rounds      int    // ITER
}

// NewDerivation makes fresh salts. Phones use 10,000,000 and 10,000 rounds.
func NewDerivation(firstRounds, rounds int) Derivation {
	d := Derivation{
		First: make([]byte, saltSize), FirstRounds: firstRounds,
		Second: make([]byte, saltSize), Rounds: rounds,
	}
	rand.Read(d.First)
	rand.Read(d.Second)
	return d
}

// Key derives the key that wraps a bag's class keys. With a phone's rounds it
// takes about two seconds.
func (d Derivation) Key(password string) (Key, error) {
	if d.FirstRounds > maxRounds || d.Rounds > maxRounds || d.Rounds < 1 {
		return Key{}, fmt.Errorf("%w: %d and %d rounds of key derivation", ErrMalformed, d.FirstRounds, d.Rounds)
	}
	if d.First != nil {
		if d.FirstRounds < 1 {
			return Key{}, fmt.Errorf("%w: %d rounds of key derivation", ErrMalformed, d.FirstRounds)
		}
		first, err := pbkdf2.Key(sha256.New, password, d.First, d.FirstRounds, KeySize)
		if err != nil {
			return Key{}, fmt.Errorf("deriving the first stage of the backup key: %w", err)
		}
		password = string(first)
	}
	second, err := pbkdf2.Key(sha1.New, password, d.Second, d.Rounds, KeySize)
	if err != nil {
		return Key{}, fmt.Errorf("deriving the backup key: %w", err)
	}
	return Key(second), nil
}
