package keybag

import (
	"encoding/binary"
	"fmt"
)

// maxClasses is more than any kind of keybag has.
const maxClasses = 64

const (
	version5   = 5
	typeBackup = 1
	typeMask   = 0x3FFFFFFF // above it other kinds of bag keep flags
)

// Bytes is the bag as it stands in Manifest.plist.
func (b *Bag) Bytes() []byte {
	var out []byte
	value := func(tag string, v []byte) {
		out = append(out, tag...)
		out = binary.BigEndian.AppendUint32(out, uint32(len(v)))
		out = append(out, v...)
	}
	number := func(tag string, n uint32) { value(tag, binary.BigEndian.AppendUint32(nil, n)) }

	number("VERS", version5)
	number("TYPE", typeBackup)
	value("UUID", b.uuid[:])
	value("HMCK", b.hmac)
	number("WRAP", 0)
	value("SALT", b.how.Second)
	number("ITER", uint32(b.how.Rounds))
	number("DPWT", 1)
	number("DPIC", uint32(b.how.FirstRounds))
	value("DPSL", b.how.First)
	for _, c := range b.classes {
		value("UUID", c.uuid[:])
		number("CLAS", c.id)
		number("WRAP", c.wrap)
		number("KTYP", 0)
		value("WPKY", c.wrapped)
	}
	return out
}

// Parse reads a bag. It is closed until [Bag.Open].
func Parse(tlv []byte) (*Bag, error) {
	b := &Bag{}
	seenUUID := false
	for len(tlv) >= 8 {
		tag := string(tlv[:4])
		n := binary.BigEndian.Uint32(tlv[4:])
		tlv = tlv[8:]
		if uint64(n) > uint64(len(tlv)) {
			return nil, fmt.Errorf("%w: %q ends beyond the bag", ErrMalformed, tag)
		}
		value := tlv[:n]
		tlv = tlv[n:]
		if tag == "UUID" && seenUUID {
			if len(b.classes) == maxClasses {
				return nil, fmt.Errorf("%w: too many classes", ErrMalformed)
			}
			b.classes = append(b.classes, class{})
		}
		seenUUID = seenUUID || tag == "UUID"
		if err := b.take(tag, value); err != nil {
			return nil, err
		}
	}
	if len(b.classes) == 0 {
		return nil, fmt.Errorf("%w: no classes", ErrMalformed)
	}
	if b.how.Second == nil {
		return nil, fmt.Errorf("%w: no salt", ErrMalformed)
	}
	return b, nil
}

func (b *Bag) take(tag string, value []byte) error {
	if len(b.classes) > 0 {
		return b.classes[len(b.classes)-1].take(tag, value)
	}
	var err error
	var n uint32
	switch tag {
	case "TYPE":
		if n, err = number(tag, value); err == nil && n&typeMask != typeBackup {
			err = fmt.Errorf("%w: type %d is no backup keybag", ErrMalformed, n)
		}
	case "UUID":
		copy(b.uuid[:], value)
	case "HMCK":
		b.hmac = value
	case "SALT":
		b.how.Second = value
	case "DPSL":
		b.how.First = value
	case "ITER":
		n, err = number(tag, value)
		b.how.Rounds = int(n)
	case "DPIC":
		n, err = number(tag, value)
		b.how.FirstRounds = int(n)
	}
	return err
}

func (c *class) take(tag string, value []byte) (err error) {
	switch tag {
	case "UUID":
		copy(c.uuid[:], value)
	case "CLAS":
		c.id, err = number(tag, value)
	case "WRAP":
		c.wrap, err = number(tag, value)
	case "WPKY":
		c.wrapped = value
	}
	return err
}

func number(tag string, value []byte) (uint32, error) {
	if len(value) != 4 {
		return 0, fmt.Errorf("%w: %q has %d bytes", ErrMalformed, tag, len(value))
	}
	return binary.BigEndian.Uint32(value), nil
}
