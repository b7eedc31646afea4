package plist

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// expansion bounds how many values, and how many bytes of data, a binary list
// may decode to per byte of input. Lists that share containers ("billion
// laughs") grow exponentially; Apple's writer never shares them, so that a
// list of its making has at most one value per byte.
const expansion = 16

// unixOfCocoa is the Unix time of 2001-01-01T00:00:00Z, where dates start.
const unixOfCocoa = 978307200

// decoder turns a Doc into Go values.
type decoder struct {
	doc     Doc
	depth   int
	objects int            // how many more values may be made
	bytes   int            // how many more bytes of data may be copied
	strings map[Ref]string // strings are shared by many parents, keys above all
	skip    []string       // keys of the root whose values are passed over
}

func parseBinary(data []byte, lim Limits, skip []string) (any, error) {
	doc, err := OpenBinary(data)
	if err != nil {
		return nil, err
	}
	d := decoder{
		doc:     doc,
		depth:   lim.Depth,
		objects: min(lim.Objects, expansion*len(data)),
		bytes:   min(lim.Bytes, expansion*len(data)),
		strings: make(map[Ref]string),
		skip:    skip,
	}
	return d.value(doc.top)
}

func (d *decoder) bad(r Ref, what string) error {
	at, ok := d.doc.Offset(r)
	if !ok {
		return syntaxError(0, "object %d does not exist", r)
	}
	return syntaxError(at, "%s", what)
}

func (d *decoder) limit(r Ref, what string) error {
	at, _ := d.doc.Offset(r)
	return &Error{Kind: ErrLimit, Offset: at, Reason: what}
}

func (d *decoder) value(r Ref) (any, error) {
	if d.objects--; d.objects < 0 {
		return nil, d.limit(r, "too many objects")
	}
	marker, rest := d.doc.object(r)
	switch marker >> 4 {
	case tagSimple:
		if marker == 0x08 || marker == 0x09 {
			return marker == 0x09, nil
		}
	case tagInt:
		if n, ok := readInt(marker, rest); ok {
			return n.value(), nil
		}
	case tagReal:
		if f, ok := readReal(marker, rest); ok {
			return f, nil
		}
	case tagDate:
		if t, ok := readDate(marker, rest); ok {
			return t, nil
		}
	case tagData:
		if b, ok := d.doc.Data(r); ok {
			if d.bytes -= len(b); d.bytes < 0 {
				return nil, d.limit(r, "too much data")
			}
			return append([]byte{}, b...), nil
		}
	case tagASCII, tagUTF16:
		return d.string(r)
	case tagUID:
		if u, ok := d.doc.UID(r); ok {
			return u, nil
		}
	case tagArray, tagDict:
		return d.container(r, marker>>4)
	}
	return nil, d.bad(r, "damaged or unknown object")
}

// container guards the recursion.
func (d *decoder) container(r Ref, tag byte) (any, error) {
	if d.depth--; d.depth < 0 {
		return nil, d.limit(r, "nested too deeply")
	}
	defer func() { d.depth++ }()
	if tag == tagArray {
		return d.array(r)
	}
	return d.dict(r)
}

func (d *decoder) array(r Ref) (any, error) {
	c, ok := d.doc.Array(r)
	if !ok {
		return nil, d.bad(r, "array runs past the end")
	}
	if c.Len() > d.objects {
		return nil, d.limit(r, "too many objects")
	}
	out := make([]any, c.Len())
	for i := range out {
		var err error
		if out[i], err = d.value(c.Item(i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d *decoder) dict(r Ref) (any, error) {
	c, ok := d.doc.Dict(r)
	if !ok {
		return nil, d.bad(r, "dictionary runs past the end")
	}
	if c.Len() > d.objects {
		return nil, d.limit(r, "too many objects")
	}
	var skip []string
	skip, d.skip = d.skip, nil // it is the root's alone
	out := make(Dict, c.Len())
	for i := range c.Len() {
		key, err := d.string(c.Key(i))
		if err != nil {
			return nil, err
		}
		if slices.Contains(skip, key) {
			continue
		}
		if out[key], err = d.value(c.Value(i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// string decodes each string object once, however often it is referred to.
func (d *decoder) string(r Ref) (string, error) {
	if s, ok := d.strings[r]; ok {
		return s, nil
	}
	s, ok := d.doc.String(r)
	if !ok {
		return "", d.bad(r, "string damaged, or a key that is none")
	}
	// Bytes above 127 in a one-byte string are nobody's character set.
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	d.strings[r] = s
	return s, nil
}

// value gives a number the type the package promises.
func (n number) value() any {
	if n.negative || n.bits <= math.MaxInt64 {
		return int64(n.bits)
	}
	return n.bits
}

func readReal(marker byte, rest []byte) (float64, bool) {
	switch size := 1 << (marker & 0x0F); {
	case size == 4 && len(rest) >= 4:
		return float64(math.Float32frombits(uint32(bigEndian(rest[:4])))), true
	case size == 8 && len(rest) >= 8:
		return math.Float64frombits(bigEndian(rest[:8])), true
	}
	return 0, false
}

// readDate accepts a few million years either way; what is beyond is noise.
func readDate(marker byte, rest []byte) (time.Time, bool) {
	if marker != 0x33 || len(rest) < 8 {
		return time.Time{}, false
	}
	f := math.Float64frombits(bigEndian(rest[:8]))
	if !(math.Abs(f) < 1e14) {
		return time.Time{}, false
	}
	whole, frac := math.Modf(f)
	return time.Unix(unixOfCocoa+int64(whole), int64(math.Round(frac*1e9))).UTC(), true
}

func isXML(data []byte) bool {
	data = bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))
	data = bytes.TrimLeft(data, " \t\r\n")
	return len(data) > 0 && data[0] == '<'
}
