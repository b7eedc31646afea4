package plist

import (
	"encoding/binary"
	"math"
	"unicode/utf16"
)

const (
	trailerSize = 32
	headerSize  = len(binaryMagic)
)

// The high half of a binary object's marker byte.
const (
	tagSimple = 0x0
	tagInt    = 0x1
	tagReal   = 0x2
	tagDate   = 0x3
	tagData   = 0x4
	tagASCII  = 0x5
	tagUTF16  = 0x6
	tagUID    = 0x8
	tagArray  = 0xA
	tagDict   = 0xD
)

// Doc is a binary property list read in place: nothing is decoded before it
// is asked for, and a method returns ok = false for an object that is damaged
// or of another type. The values it hands out as []byte are views of the
// input.
type Doc struct {
	objects []byte // the input up to the offset table
	table   []byte
	count   uint64
	top     Ref
	offSize int
	refSize int
}

// Ref numbers an object of a Doc.
type Ref uint64

// OpenBinary checks the frame of a binary property list: magic, trailer and
// offset table. The input must not change while the Doc is in use.
func OpenBinary(data []byte) (Doc, error) {
	var d Doc
	if len(data) < headerSize || string(data[:headerSize]) != binaryMagic {
		return d, &Error{Kind: ErrFormat, Reason: "no bplist00 header"}
	}
	if len(data) < headerSize+1+1+trailerSize {
		return d, syntaxError(len(data), "binary list cut short")
	}
	end := len(data) - trailerSize
	t := data[end:]
	d.offSize, d.refSize = int(t[6]), int(t[7])
	d.count = binary.BigEndian.Uint64(t[8:])
	d.top = Ref(binary.BigEndian.Uint64(t[16:]))
	tableAt := binary.BigEndian.Uint64(t[24:])
	switch {
	case d.offSize < 1 || d.offSize > 8 || d.refSize < 1 || d.refSize > 8:
		return Doc{}, syntaxError(end, "offset size %d, reference size %d", d.offSize, d.refSize)
	case tableAt <= uint64(headerSize) || tableAt >= uint64(end):
		return Doc{}, syntaxError(end, "offset table at %d", tableAt)
	case d.count == 0 || d.count > (uint64(end)-tableAt)/uint64(d.offSize):
		return Doc{}, syntaxError(end, "%d objects do not fit", d.count)
	case uint64(d.top) >= d.count:
		return Doc{}, syntaxError(end, "root is object %d of %d", d.top, d.count)
	}
	d.objects = data[:tableAt:tableAt]
	d.table = data[tableAt : tableAt+d.count*uint64(d.offSize)]
	return d, nil
}

func bigEndian(b []byte) (v uint64) {
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

// Top is the root object.
func (d *Doc) Top() Ref { return d.top }

// Offset returns where in the input the object's marker byte stands.
func (d *Doc) Offset(r Ref) (int, bool) {
	if uint64(r) >= d.count {
		return 0, false
	}
	i := int(r) * d.offSize
	var at uint64
	switch d.offSize {
	case 1:
		at = uint64(d.table[i])
	case 2:
		at = uint64(binary.BigEndian.Uint16(d.table[i:]))
	default:
		at = bigEndian(d.table[i : i+d.offSize])
	}
	if at < uint64(headerSize) || at >= uint64(len(d.objects)) {
		return 0, false
	}
	return int(at), true
}

// object returns an object's marker byte and what follows it. The marker of
// no object is 0x0F, the fill byte.
func (d *Doc) object(r Ref) (marker byte, rest []byte) {
	at, ok := d.Offset(r)
	if !ok {
		return 0x0F, nil
	}
	return d.objects[at], d.objects[at+1:]
}

// counted reads the element count of a marker and returns what follows it.
func counted(marker byte, rest []byte) (n int, body []byte, ok bool) {
	if c := int(marker & 0x0F); c != 0x0F {
		return c, rest, true
	}
	if len(rest) < 1 || rest[0]>>4 != tagInt {
		return 0, nil, false
	}
	size := 1 << (rest[0] & 0x0F)
	if size > 8 || len(rest) < 1+size {
		return 0, nil, false
	}
	v := bigEndian(rest[1 : 1+size])
	if v > uint64(len(rest)) {
		return 0, nil, false // every element takes a byte or more
	}
	return int(v), rest[1+size:], true
}

// body returns the bytes of an object of n elements of the given width.
func body(marker byte, rest []byte, width int) ([]byte, bool) {
	n, rest, ok := counted(marker, rest)
	if !ok || n > len(rest)/width {
		return nil, false
	}
	return rest[:n*width], true
}

// Int returns an integer; one between MaxInt64 and MaxUint64 comes out as its
// two's complement.
func (d *Doc) Int(r Ref) (int64, bool) {
	marker, rest := d.object(r)
	n, ok := readInt(marker, rest)
	return int64(n.bits), ok
}

func readInt(marker byte, rest []byte) (number, bool) {
	if marker>>4 != tagInt {
		return number{}, false
	}
	size := 1 << (marker & 0x0F)
	if size > 16 || len(rest) < size {
		return number{}, false
	}
	switch size {
	case 8:
		return signed(int64(binary.BigEndian.Uint64(rest))), true
	case 16: // high half all ones: a negative number written wide
		high, low := binary.BigEndian.Uint64(rest), binary.BigEndian.Uint64(rest[8:])
		return number{low, high == math.MaxUint64 && low > math.MaxInt64}, true
	}
	return number{bits: bigEndian(rest[:size])}, true
}

// UID returns a keyed archive's reference.
func (d *Doc) UID(r Ref) (UID, bool) {
	marker, rest := d.object(r)
	size := int(marker&0x0F) + 1
	if marker>>4 != tagUID || size > 8 || len(rest) < size {
		return 0, false
	}
	return UID(bigEndian(rest[:size])), true
}

// Data returns a view of a data object.
func (d *Doc) Data(r Ref) ([]byte, bool) {
	marker, rest := d.object(r)
	if marker>>4 != tagData {
		return nil, false
	}
	return body(marker, rest, 1)
}

// ASCII returns a view of a string stored in one byte per character, which is
// how every pure ASCII string is stored.
func (d *Doc) ASCII(r Ref) ([]byte, bool) {
	marker, rest := d.object(r)
	if marker>>4 != tagASCII {
		return nil, false
	}
	return body(marker, rest, 1)
}

// String returns a string object, copied.
func (d *Doc) String(r Ref) (string, bool) {
	marker, rest := d.object(r)
	switch marker >> 4 {
	case tagASCII:
		b, ok := body(marker, rest, 1)
		return string(b), ok
	case tagUTF16:
		b, ok := body(marker, rest, 2)
		if !ok {
			return "", false
		}
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(b[2*i:])
		}
		return string(utf16.Decode(units)), true
	}
	return "", false
}

// Collection is an array or dictionary of a Doc.
type Collection struct {
	refs    []byte
	refSize int
	n       int
}

// Array returns an array object.
func (d *Doc) Array(r Ref) (Collection, bool) { return d.collection(r, tagArray, 1) }

// Dict returns a dictionary object.
func (d *Doc) Dict(r Ref) (Collection, bool) { return d.collection(r, tagDict, 2) }

func (d *Doc) collection(r Ref, tag byte, refsEach int) (Collection, bool) {
	marker, rest := d.object(r)
	if marker>>4 != tag {
		return Collection{}, false
	}
	b, ok := body(marker, rest, refsEach*d.refSize)
	return Collection{b, d.refSize, len(b) / (refsEach * d.refSize)}, ok
}

// Len is the number of elements or of key/value pairs.
func (c *Collection) Len() int { return c.n }

// Item is the i-th element of an array, 0 ≤ i < Len.
func (c *Collection) Item(i int) Ref { return c.ref(i) }

// Key is the i-th key of a dictionary.
func (c *Collection) Key(i int) Ref { return c.ref(i) }

// Value is the i-th value of a dictionary.
func (c *Collection) Value(i int) Ref { return c.ref(c.n + i) }

func (c *Collection) ref(i int) Ref {
	if c.refSize == 1 {
		return Ref(c.refs[i])
	}
	return Ref(bigEndian(c.refs[i*c.refSize : (i+1)*c.refSize]))
}

// Lookup returns the value under an ASCII key.
func (d *Doc) Lookup(c *Collection, key string) (Ref, bool) {
	for i := range c.n {
		if k, ok := d.ASCII(c.Key(i)); ok && string(k) == key {
			return c.Value(i), true
		}
	}
	return 0, false
}
