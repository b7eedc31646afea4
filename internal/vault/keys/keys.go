// Package keys is the file russet.keys of a vault: what lies between the
// password a person knows and the password that opens the vault's storage.
//
// The storage is opened by the master, 256 random bits that nobody types. The
// file holds it sealed once per way in, a slot: any number of owner passwords
// and one printable recovery code. So a password is changed, added or removed
// without touching a byte of the backups.
//
// What that cannot do: whoever copied the file earlier and knows a password of
// that time has the master. Changing or removing a password locks out only
// those who have no copy; [File.Rotate] makes a new master for the others.
// Neither helps against a person who copied the vault as a whole while having
// a way in.
//
// docs/formats/keys.md describes the file, docs/recovery/open-keys.py opens one
// without russet, and [Load] and [Save] keep it in two copies.
package keys

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"russet/internal/secrets"
)

var (
	// ErrPassword: no slot opens with this password.
	ErrPassword = errors.New("wrong password")
	// ErrCode: the recovery code is free of typing mistakes, and is not the one
	// of this vault: it belongs to another, or was replaced by a newer one.
	ErrCode = errors.New("this recovery code is not that of this vault, or was replaced by a newer one")
	// ErrNoCode: this vault has no recovery code.
	ErrNoCode = errors.New("this vault has no recovery code")
	// ErrMaster: the master is that of another vault, or was replaced.
	ErrMaster = errors.New("this key does not belong to the vault, or was replaced")
	// ErrLocked: what was asked needs the master, and the file was not opened.
	ErrLocked = errors.New("the keys are not open")
	// ErrDamaged: the bytes are no keys file, or were changed by accident.
	ErrDamaged = errors.New("the keys file is damaged")
	// ErrVersion: a newer russet wrote the file.
	ErrVersion = errors.New("a newer version of russet wrote the keys file")
	// ErrLast: without this slot nothing would open the vault.
	ErrLast = errors.New("this is the last way into the vault")
	// ErrName: a slot of that name is there already, is not there, or cannot be.
	ErrName = errors.New("not the name of a password")
)

const masterSize = 32

// File is a keys file. It is not safe for concurrent use.
type File struct {
	generation int64 // grows with every change that is marshalled
	vault      string
	address    string
	check      []byte // tells the right master from a wrong one
	slots      []slot
	extra      members // what a newer russet wrote
	damaged    bool    // its checksum does not fit

	master []byte // nil until the file is open
	cost   params // of new slots
}

// NewID returns an identifier for a new vault.
func NewID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	return hex.EncodeToString(id)
}

// New makes the keys of a new vault, and its master. It has no way in yet: add
// a password before it is marshalled.
func New(vault string) (*File, secrets.Secret) {
	f := &File{vault: vault, cost: usual()}
	f.setMaster()
	return f, text(f.master)
}

// setMaster draws a new master.
func (f *File) setMaster() {
	f.master = make([]byte, masterSize)
	_, _ = rand.Read(f.master) // never fails
	f.check = checkOf(f.vault, f.master)
}

// text is the master as the storage's password: 52 small letters and digits,
// which can be typed into any program.
func text(master []byte) secrets.Secret {
	return secrets.Secret(strings.ToLower(masterText().EncodeToString(master)))
}

func masterText() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

// checkOf gives nothing of the master away: it has 256 random bits.
func checkOf(vault string, master []byte) []byte {
	mac := hmac.New(sha256.New, master)
	mac.Write([]byte("russet keys check\n" + vault))
	return mac.Sum(nil)
}

// Vault is the identifier of the vault.
func (f *File) Vault() string { return f.vault }

// Address is where the vault was when its keys were last written. It is a hint
// for people: a copied vault still has the old one.
func (f *File) Address() string { return f.address }

// SetAddress changes the hint. Secrets have no place in it.
func (f *File) SetAddress(address string) { f.address = address }

// Generation counts the changes of the file.
func (f *File) Generation() int64 { return f.generation }

// Damaged reports whether the file was changed by accident since it was
// written. What it says is then to be used only for want of better.
func (f *File) Damaged() bool { return f.damaged }

// Open finds the slot that a password opens.
func (f *File) Open(password secrets.Secret) (master secrets.Secret, name string, err error) {
	plain, err := normal(password)
	if err != nil {
		return "", "", err
	}
	for _, s := range f.slots {
		if s.Kind != kindPassword {
			continue
		}
		if key, ok := s.open(f.vault, plain); ok && f.fits(key) {
			f.master = key
			return text(key), s.Name, nil
		}
	}
	return "", "", f.or(ErrPassword)
}

// OpenWithCode opens the file with the recovery code. Case, spaces and dashes
// do not matter; a [*CodeError] says where it was mistyped.
func (f *File) OpenWithCode(code secrets.Secret) (secrets.Secret, error) {
	plain, err := parseCode(string(code))
	if err != nil {
		return "", err
	}
	i := f.find(kindCode, codeName)
	if i < 0 {
		return "", f.or(ErrNoCode)
	}
	key, ok := f.slots[i].open(f.vault, plain)
	if !ok || !f.fits(key) {
		return "", f.or(ErrCode)
	}
	f.master = key
	return text(key), nil
}

// Unlock opens the file with a master that was remembered.
func (f *File) Unlock(master secrets.Secret) error {
	key, err := masterText().DecodeString(strings.ToUpper(string(master)))
	if err != nil || len(key) != masterSize || !f.fits(key) {
		return f.or(ErrMaster)
	}
	f.master = key
	return nil
}

func (f *File) fits(master []byte) bool { return hmac.Equal(f.check, checkOf(f.vault, master)) }

// or is why a way in does not open; in a damaged file that may be the reason.
func (f *File) or(err error) error {
	if f.damaged {
		return fmt.Errorf("%w, and %w", err, ErrDamaged)
	}
	return err
}

// Master is the master of an open file.
func (f *File) Master() (secrets.Secret, error) {
	if f.master == nil {
		return "", ErrLocked
	}
	return text(f.master), nil
}

// Slot describes one way in.
type Slot struct {
	Name    string    // of a password; "" for the recovery code
	Code    bool      // it is the recovery code
	Created time.Time // when it was last set
}

// Slots lists the ways in that this version knows, in the order they were
// added.
func (f *File) Slots() []Slot {
	var all []Slot
	for _, s := range f.slots {
		created, _ := time.Parse(time.RFC3339, s.Created) // a strange date is none
		switch s.Kind {
		case kindPassword:
			all = append(all, Slot{Name: s.Name, Created: created})
		case kindCode:
			all = append(all, Slot{Code: true, Created: created})
		}
	}
	return all
}
