package mbfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf16"
)

// plist is a binary plist being read in place.
type plist struct {
	body              []byte // everything before the offset table
	table             []byte
	count, top        uint64
	offsetLen, refLen int
}

const trailerSize = 32

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

func openPlist(b []byte) (plist, error) {
	if len(b) < 8+trailerSize || !bytes.HasPrefix(b, []byte("bplist00")) {
		return plist{}, malformed("not a binary property list")
	}
	end := uint64(len(b) - trailerSize)
	t := b[end:]
	p := plist{
		offsetLen: int(t[6]), refLen: int(t[7]),
		count: binary.BigEndian.Uint64(t[8:]), top: binary.BigEndian.Uint64(t[16:]),
	}
	table := binary.BigEndian.Uint64(t[24:])
	if p.offsetLen < 1 || p.offsetLen > 8 || p.refLen < 1 || p.refLen > 8 || table < 8 || table > end ||
		p.count > (end-table)/uint64(p.offsetLen) || p.top >= p.count {
		return plist{}, malformed("the trailer does not fit")
	}
	p.body, p.table = b[:table], b[table:end]
	return p, nil
}

func sized(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// at returns the marker of an object and the bytes behind it.
func (p *plist) at(ref uint64) (byte, []byte, error) {
	if ref >= p.count {
		return 0, nil, malformed("a reference to object %d", ref)
	}
	i := int(ref) * p.offsetLen
	offset := sized(p.table[i : i+p.offsetLen])
	if offset < 8 || offset >= uint64(len(p.body)) {
		return 0, nil, malformed("an object outside the list")
	}
	return p.body[offset], p.body[offset+1:], nil
}

// span returns an object's n units of the given size behind its length.
func (p *plist) span(marker byte, rest []byte, unit int) ([]byte, error) {
	n := uint64(marker & 15)
	if n == 15 {
		if len(rest) < 1 || rest[0]&0xF0 != byte(kindInt) || rest[0]&15 > 3 || len(rest) < 1+1<<(rest[0]&15) {
			return nil, malformed("a length that is no integer")
		}
		size := 1 << (rest[0] & 15)
		n, rest = sized(rest[1:1+size]), rest[1+size:]
	}
	if n > uint64(len(rest)/unit) {
		return nil, malformed("an object longer than the list")
	}
	return rest[:int(n)*unit], nil
}

// of returns the contents of an object that must be of a kind.
func (p *plist) of(ref uint64, k kind, unit int) ([]byte, error) {
	marker, rest, err := p.at(ref)
	if err != nil {
		return nil, err
	}
	if kind(marker&0xF0) != k {
		return nil, malformed("object %d is of kind %#x, not %#x", ref, marker, byte(k))
	}
	return p.span(marker, rest, unit)
}

func (p *plist) integer(ref uint64) (int64, error) {
	marker, rest, err := p.at(ref)
	if err != nil {
		return 0, err
	}
	size := 1 << (marker & 15)
	if kind(marker&0xF0) != kindInt || size > 8 || len(rest) < size {
		return 0, malformed("object %d is no integer", ref)
	}
	return int64(sized(rest[:size])), nil
}

func (p *plist) uid(ref uint64) (uint64, error) {
	marker, rest, err := p.at(ref)
	if err != nil {
		return 0, err
	}
	size := int(marker&15) + 1
	if kind(marker&0xF0) != kindUID || size > 8 || len(rest) < size {
		return 0, malformed("object %d is no archive reference", ref)
	}
	return sized(rest[:size]), nil
}

func (p *plist) text(ref uint64) (string, error) {
	marker, rest, err := p.at(ref)
	if err != nil {
		return "", err
	}
	switch kind(marker & 0xF0) {
	case kindString:
		b, err := p.span(marker, rest, 1)
		if err != nil || !isASCII(b) {
			return "", malformed("object %d is no ASCII text", ref)
		}
		return string(b), nil
	case kindUTF16:
		b, err := p.span(marker, rest, 2)
		if err != nil {
			return "", err
		}
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(b[2*i:])
		}
		return string(utf16.Decode(units)), nil
	}
	return "", malformed("object %d is no text", ref)
}

// member finds a key of a dictionary; ok is false when it is not there.
func (p *plist) member(dict uint64, key string) (ref uint64, ok bool, err error) {
	refs, err := p.of(dict, kindDict, 2*p.refLen)
	if err != nil {
		return 0, false, err
	}
	half := len(refs) / 2
	for i := 0; i < half; i += p.refLen {
		marker, rest, err := p.at(sized(refs[i : i+p.refLen]))
		if err != nil {
			return 0, false, err
		}
		if kind(marker&0xF0) != kindString {
			continue
		}
		name, err := p.span(marker, rest, 1)
		if err != nil {
			return 0, false, err
		}
		if string(name) == key {
			return sized(refs[half+i : half+i+p.refLen]), true, nil
		}
	}
	return 0, false, nil
}

// archived is an archive's list of objects and its root.
type archived struct {
	plist
	objects []byte
	root    uint64
}

func openArchive(blob []byte) (archived, error) {
	p, err := openPlist(blob)
	if err != nil {
		return archived{}, err
	}
	a := archived{plist: p}
	top, ok, err := p.member(p.top, "$top")
	if err != nil || !ok {
		return a, malformed("no $top")
	}
	root, ok, err := p.member(top, "root")
	if err != nil || !ok {
		return a, malformed("no root")
	}
	list, ok, err := p.member(p.top, "$objects")
	if err != nil || !ok {
		return a, malformed("no $objects")
	}
	if a.objects, err = p.of(list, kindArray, p.refLen); err != nil {
		return a, err
	}
	a.root, err = a.follow(root)
	return a, err
}

// follow returns the object an archive reference stands for.
func (a *archived) follow(ref uint64) (uint64, error) {
	n, err := a.uid(ref)
	if err != nil {
		return 0, err
	}
	if n >= uint64(len(a.objects)/a.refLen) {
		return 0, malformed("an archive reference to object %d", n)
	}
	i := int(n) * a.refLen
	return sized(a.objects[i : i+a.refLen]), nil
}

// number reads an integer member; absent ones are 0.
func (a *archived) number(key string) (int64, error) {
	ref, ok, err := a.member(a.root, key)
	if err != nil || !ok {
		return 0, err
	}
	n, err := a.integer(ref)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", key, err)
	}
	return n, nil
}

// target finds the object a member refers to; ok is false when there is none.
func (a *archived) target(key string) (ref uint64, ok bool, err error) {
	if ref, ok, err = a.member(a.root, key); err != nil || !ok {
		return 0, false, err
	}
	ref, err = a.follow(ref)
	return ref, err == nil, err
}

func (a *archived) words(key string) (string, error) {
	ref, ok, err := a.target(key)
	if err != nil || !ok {
		return "", err
	}
	return a.text(ref)
}

// bytes reads a data member, which may stand in an NSData object.
func (a *archived) bytes(key string) ([]byte, error) {
	ref, ok, err := a.target(key)
	if err != nil || !ok {
		return nil, err
	}
	marker, _, err := a.at(ref)
	if err != nil {
		return nil, err
	}
	if kind(marker&0xF0) == kindDict {
		inner, ok, err := a.member(ref, "NS.data")
		if err != nil || !ok {
			return nil, malformed("%s has no data", key)
		}
		ref = inner
	}
	b, err := a.of(ref, kindData, 1)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return bytes.Clone(b), nil
}

// ModTime reads only the modification time, which is all that an incremental
// backup compares. [D]
func ModTime(blob []byte) (int64, error) {
	a, err := openArchive(blob)
	if err != nil {
		return 0, err
	}
	ref, ok, err := a.member(a.root, "LastModified")
	if err != nil || !ok {
		return math.MinInt64, err // absent is no time at all, not 1970
	}
	return a.integer(ref)
}
