package keys

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"russet/internal/secrets"
)

const (
	kindPassword = "password"
	kindCode     = "recovery code"
	codeName     = "code"
	maxSlots     = 32
	// FirstSlot is the name of a vault's first password.
	FirstSlot = "first"
)

// slot is the master sealed for one way in.
type slot struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Created string `json:"created"` // RFC 3339, UTC; a string because it is authenticated as it stands
	params
	Salt   []byte `json:"salt"`
	Sealed []byte `json:"sealed"`

	extra members // what a newer russet wrote
}

// slotName keeps names to what needs no quoting in a shell and no escaping in
// what a slot authenticates.
var slotName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)

func (f *File) find(kind, name string) int {
	return slices.IndexFunc(f.slots, func(s slot) bool { return s.Kind == kind && s.Name == name })
}

// AddPassword adds a way in. An empty name is replaced by a free one: first,
// second, third …
func (f *File) AddPassword(name string, password secrets.Secret) error {
	if name == "" {
		name = f.freeName()
	}
	switch {
	case !slotName.MatchString(name):
		return fmt.Errorf("%w: %q", ErrName, name)
	case f.find(kindPassword, name) >= 0:
		return fmt.Errorf("%w: there is one called %q already", ErrName, name)
	case len(f.slots) >= maxSlots:
		return fmt.Errorf("%w: there are %d already", ErrName, maxSlots)
	}
	return f.set(kindPassword, name, password)
}

func (f *File) freeName() string {
	for _, name := range []string{FirstSlot, "second", "third", "fourth", "fifth"} {
		if f.find(kindPassword, name) < 0 {
			return name
		}
	}
	for i := 6; ; i++ {
		if name := fmt.Sprintf("password-%d", i); f.find(kindPassword, name) < 0 {
			return name
		}
	}
}

// ChangePassword replaces the password of a slot. Old copies of the file still
// open with the old one; see the package.
func (f *File) ChangePassword(name string, password secrets.Secret) error {
	if f.find(kindPassword, name) < 0 {
		return fmt.Errorf("%w: there is none called %q", ErrName, name)
	}
	return f.set(kindPassword, name, password)
}

// RemovePassword takes a way in away, never the last one.
func (f *File) RemovePassword(name string) error {
	i := f.find(kindPassword, name)
	if i < 0 {
		return fmt.Errorf("%w: there is none called %q", ErrName, name)
	}
	if len(f.Slots()) == 1 {
		return ErrLast
	}
	f.slots = slices.Delete(f.slots, i, i+1)
	return nil
}

// set seals the master under a password, in place of one of that name.
func (f *File) set(kind, name string, password secrets.Secret) error {
	plain, err := normal(password)
	if err != nil {
		return err
	}
	return f.put(kind, name, plain)
}

func (f *File) put(kind, name string, plain []byte) error {
	if f.master == nil {
		return ErrLocked
	}
	s := slot{Kind: kind, Name: name, Created: time.Now().UTC().Format(time.RFC3339), params: f.cost}
	if err := s.seal(f.vault, plain, f.master); err != nil {
		return err
	}
	if i := f.find(kind, name); i >= 0 {
		f.slots[i] = s
	} else {
		f.slots = append(f.slots, s)
	}
	return nil
}

// NewRecoveryCode makes a recovery code in place of the former one, which no
// longer opens the vault. It is never to be had again: print it.
func (f *File) NewRecoveryCode() (secrets.Secret, error) {
	shown, plain := newCode()
	if err := f.put(kindCode, codeName, plain); err != nil {
		return "", err
	}
	return secrets.Secret(shown), nil
}

// Rotate makes keys with a new master for the same vault. Only the passwords
// named go on, for only these can be sealed again; a recovery code is to be
// made anew. The caller gives the storage its new password, old to new, between
// [Stage] and [Settle], and f stays what opens the vault until then.
func (f *File) Rotate(passwords map[string]secrets.Secret) (next *File, master secrets.Secret, err error) {
	if f.master == nil {
		return nil, "", ErrLocked
	}
	if len(passwords) == 0 {
		return nil, "", ErrLast
	}
	next = &File{generation: f.generation, vault: f.vault, address: f.address, extra: maps.Clone(f.extra), cost: f.cost}
	next.setMaster()
	for _, s := range f.slots { // in their order
		password, ok := passwords[s.Name]
		if s.Kind != kindPassword || !ok {
			continue
		}
		if err := next.AddPassword(s.Name, password); err != nil {
			return nil, "", err
		}
	}
	if len(next.slots) != len(passwords) {
		return nil, "", fmt.Errorf("%w: one of those named is not there", ErrName)
	}
	return next, text(next.master), nil
}
