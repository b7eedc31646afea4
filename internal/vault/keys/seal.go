package keys

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/scrypt"
)

const (
	kdfScrypt = "scrypt"
	saltSize  = 32
	tagSize   = sha256.Size
	// sealedSize is the master under its pad, and the tag.
	sealedSize = masterSize + tagSize
)

// params are those of scrypt (RFC 7914).
type params struct {
	KDF string `json:"kdf"`
	N   int    `json:"n"`
	R   int    `json:"r"`
	P   int    `json:"p"`
}

// usual takes 64 MiB and a third of a second or so: as much work as N=2^17,
// p=1, in half the memory, for small computers.
func usual() params { return params{KDF: kdfScrypt, N: 1 << 16, R: 8, P: 2} }

// Lighten makes the slots that are sealed from now on open at once. It is for
// tests: never for a vault that holds something.
func (f *File) Lighten() *File {
	f.cost = params{KDF: kdfScrypt, N: 16, R: 1, P: 1}
	return f
}

// The most that a file may ask for: it may be hostile, and is read before any
// password. 512 MiB and some ten seconds.
const (
	maxScryptMemory = 512 << 20
	maxScryptWork   = 1 << 26 // N·r·p
)

func (p params) check() error {
	switch {
	case p.KDF != kdfScrypt:
		return fmt.Errorf("its key derivation is %q", p.KDF)
	case p.N < 2 || p.N&(p.N-1) != 0, p.R < 1, p.P < 1,
		p.N > maxScryptWork, p.R > maxScryptWork/p.N, p.P > maxScryptWork/p.N/p.R, // no overflow on 32 bits
		p.R > maxScryptMemory/128/p.N:
		return fmt.Errorf("its key derivation asks for n=%d, r=%d, p=%d", p.N, p.R, p.P)
	}
	return nil
}

// A slot is sealed so that a page of Python without any library opens it,
// which AES would not allow. scrypt makes 64 bytes of the password and the salt: 32 hide the
// master (a one-time pad: the salt is drawn anew for every sealing, so no pad
// is used twice, and it is exactly as long as what it hides), 32 are the key of
// an HMAC over everything the slot says and the hidden master.

// derive makes the pad and the key of the tag.
func (s *slot) derive(plain []byte) (pad, macKey []byte, err error) {
	both, err := scrypt.Key(plain, s.Salt, s.N, s.R, s.P, masterSize+tagSize)
	if err != nil {
		return nil, nil, fmt.Errorf("derive the key of a password: %w", err)
	}
	return both[:masterSize], both[masterSize:], nil
}

// said is what the tag binds the hidden master to: nobody without a password
// can move a slot to another vault, rename it or cheapen its derivation.
func (s *slot) said(vault string) []byte {
	return []byte(strings.Join([]string{
		formatName, strconv.Itoa(version), vault, s.Kind, s.Name, s.Created,
		s.KDF, strconv.Itoa(s.N), strconv.Itoa(s.R), strconv.Itoa(s.P),
		base64.StdEncoding.EncodeToString(s.Salt), "",
	}, "\n"))
}

func (s *slot) tag(vault string, macKey, hidden []byte) []byte {
	mac := hmac.New(sha256.New, macKey)
	mac.Write(s.said(vault))
	mac.Write(hidden)
	return mac.Sum(nil)
}

// seal hides the master under a password and a new salt.
func (s *slot) seal(vault string, plain, master []byte) error {
	s.Salt = make([]byte, saltSize)
	_, _ = rand.Read(s.Salt) // never fails
	pad, macKey, err := s.derive(plain)
	if err != nil {
		return err
	}
	hidden := make([]byte, masterSize)
	subtle.XORBytes(hidden, pad, master)
	s.Sealed = append(hidden, s.tag(vault, macKey, hidden)...)
	return nil
}

// open returns the master when the password is that of the slot.
func (s *slot) open(vault string, plain []byte) ([]byte, bool) {
	pad, macKey, err := s.derive(plain)
	if err != nil {
		return nil, false // Parse let no such parameters through
	}
	hidden := s.Sealed[:masterSize]
	if !hmac.Equal(s.Sealed[masterSize:], s.tag(vault, macKey, hidden)) {
		return nil, false
	}
	master := make([]byte, masterSize)
	subtle.XORBytes(master, pad, hidden)
	return master, true
}
