package keys

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxSize bounds a keys file: it is read before anything in it is believed.
const MaxSize = 64 << 10

const (
	formatName = "russet keys"
	version    = 1
	maxAddress = 2048
	// help is in every file, for a person who has nothing but it.
	help = "Opens a russet vault. For each slot: scrypt(password in NFC, salt, n, r, p, 64 bytes) is a pad (32) and a MAC key (32); " +
		"sealed is the hidden key (32) and HMAC-SHA256(MAC key, what the slot says + hidden key); hidden key XOR pad, in base32 " +
		"without =, small letters, is the password of the kopia repository beside this file. russet.open-keys.py beside it does that."
)

var vaultID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// members are those of a JSON object, as they stand.
type members map[string]json.RawMessage

// take decodes a member and removes it; an absent one leaves v alone. (Decoding
// into a struct would also take "Salt" for "salt".)
func (m members) take(name string, v any) error {
	raw, ok := m[name]
	if !ok {
		return nil
	}
	delete(m, name)
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("its %q: %w", name, err)
	}
	return nil
}

// takeAll takes several: a name, where to, a name, where to …
func (m members) takeAll(pairs ...any) error {
	for i := 0; i < len(pairs); i += 2 {
		if err := m.take(pairs[i].(string), pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// sum is the checksum of a file: SHA-256 over all members but itself, sorted,
// without spaces. It finds accidents, so that they are not taken for a wrong
// password; against malice each slot has its tag.
func (m members) sum() (string, error) {
	rest := maps.Clone(m)
	delete(rest, "sum")
	data, err := json.Marshal(rest)
	if err != nil {
		return "", fmt.Errorf("sum the keys: %w", err)
	}
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:]), nil
}

// Parse reads a keys file. One of a newer version is [ErrVersion]; one that
// cannot be read [ErrDamaged]; one that can but was changed by accident is
// [File.Damaged].
func Parse(data []byte) (*File, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%w: it has %d bytes", ErrDamaged, len(data))
	}
	m := members{}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	f, err := parseMembers(m)
	if err != nil && !errors.Is(err, ErrVersion) {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return f, err
}

func parseMembers(m members) (*File, error) {
	want, err := m.sum()
	if err != nil {
		return nil, err
	}
	var format, sum, helpText string
	var number int
	if err := m.takeAll("format", &format, "version", &number); err != nil {
		return nil, err
	}
	switch {
	case format != formatName:
		return nil, fmt.Errorf("its format is %.40q", format)
	case number > version:
		return nil, fmt.Errorf("%w (format %d)", ErrVersion, number)
	case number != version:
		return nil, fmt.Errorf("its version is %d", number)
	}
	f := &File{cost: usual()}
	var slots []members
	err = m.takeAll("help", &helpText, "generation", &f.generation, "vault", &f.vault, "address", &f.address,
		"check", &f.check, "slots", &slots, "sum", &sum)
	if err != nil {
		return nil, err
	}
	f.damaged = sum != want
	if len(m) > 0 {
		f.extra = m
	}
	if len(slots) > maxSlots {
		return nil, fmt.Errorf("it has %d slots", len(slots))
	}
	for _, s := range slots {
		if err := f.parseSlot(s); err != nil {
			return nil, err
		}
	}
	return f, f.valid()
}

// parseSlot reads a slot. One of a kind that this version does not know is kept
// as it stands.
func (f *File) parseSlot(m members) error {
	var s slot
	if err := m.take("kind", &s.Kind); err != nil {
		return err
	}
	if s.Kind == kindPassword || s.Kind == kindCode {
		err := m.takeAll("name", &s.Name, "created", &s.Created, "kdf", &s.KDF, "n", &s.N, "r", &s.R, "p", &s.P,
			"salt", &s.Salt, "sealed", &s.Sealed)
		if err != nil {
			return err
		}
		if f.find(s.Kind, s.Name) >= 0 {
			return fmt.Errorf("two slots are called %.40q", s.Name)
		}
	}
	if len(m) > 0 {
		s.extra = m
	}
	f.slots = append(f.slots, s)
	return nil
}

// valid refuses what no russet would write.
func (f *File) valid() error {
	switch {
	case !vaultID.MatchString(f.vault):
		return fmt.Errorf("its vault is %.40q", f.vault)
	case f.generation < 0:
		return fmt.Errorf("its generation is %d", f.generation)
	case len(f.check) != masterSize:
		return fmt.Errorf("its check has %d bytes", len(f.check))
	case len(f.address) > maxAddress || !utf8.ValidString(f.address) || slices.ContainsFunc([]rune(f.address), unicode.IsControl):
		return errors.New("its address cannot be one")
	case len(f.Slots()) == 0:
		return errors.New("it has no way in")
	}
	for _, s := range f.slots {
		if s.Kind != kindPassword && s.Kind != kindCode {
			continue
		}
		_, dateErr := time.Parse(time.RFC3339, s.Created)
		switch {
		case !slotName.MatchString(s.Name):
			return fmt.Errorf("a slot is called %.40q", s.Name)
		case dateErr != nil:
			return fmt.Errorf("slot %q was made at %.40q", s.Name, s.Created)
		case len(s.Salt) != saltSize || len(s.Sealed) != sealedSize:
			return fmt.Errorf("slot %q has a salt of %d bytes and a seal of %d", s.Name, len(s.Salt), len(s.Sealed))
		}
		if err := s.check(); err != nil {
			return fmt.Errorf("slot %q: %w", s.Name, err)
		}
	}
	return nil
}

// Marshal writes the file as it is kept: JSON for people to look at, members
// in a fixed order, those of a newer version last.
func (f *File) Marshal() ([]byte, error) {
	if err := f.valid(); err != nil {
		return nil, fmt.Errorf("write the keys: %w", err)
	}
	var slots []json.RawMessage
	for _, s := range f.slots {
		raw, err := s.marshal()
		if err != nil {
			return nil, err
		}
		slots = append(slots, raw)
	}
	o := object{members: members{}}
	o.add("format", formatName)
	o.add("version", version)
	o.add("help", help)
	o.add("generation", f.generation)
	o.add("vault", f.vault)
	o.add("address", f.address)
	o.add("check", f.check)
	o.add("slots", slots)
	o.addRest(f.extra)
	if o.err == nil {
		var sum string
		sum, o.err = o.sum()
		o.add("sum", sum)
	}
	flat, err := o.bytes()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, flat, "", "  "); err != nil {
		return nil, fmt.Errorf("write the keys: %w", err)
	}
	b.WriteByte('\n')
	if b.Len() > MaxSize {
		return nil, fmt.Errorf("write the keys: they would take %d bytes", b.Len())
	}
	return b.Bytes(), nil
}

func (s *slot) marshal() (json.RawMessage, error) {
	o := object{members: members{}}
	o.add("kind", s.Kind)
	if s.Kind == kindPassword || s.Kind == kindCode {
		o.add("name", s.Name)
		o.add("created", s.Created)
		o.add("kdf", s.KDF)
		o.add("n", s.N)
		o.add("r", s.R)
		o.add("p", s.P)
		o.add("salt", s.Salt)
		o.add("sealed", s.Sealed)
	}
	o.addRest(s.extra)
	return o.bytes()
}

// object is a JSON object whose members have an order.
type object struct {
	members
	order []string
	err   error // the first that happened
}

func (o *object) add(name string, v any) {
	raw, err := json.Marshal(v)
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("write the keys: %q: %w", name, err)
	}
	o.members[name] = raw
	o.order = append(o.order, name)
}

// addRest adds what a newer version wrote, but nothing twice.
func (o *object) addRest(extra members) {
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		if _, have := o.members[name]; !have && name != "sum" {
			o.add(name, extra[name])
		}
	}
}

func (o *object) bytes() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range o.order {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, fmt.Errorf("write the keys: %w", err)
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(o.members[name])
	}
	b.WriteByte('}')
	return b.Bytes(), o.err
}
