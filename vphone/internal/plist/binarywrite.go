package plist

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Binary writes v as a binary property list ("bplist00").
func Binary(v any) ([]byte, error) {
	var e Encoder
	return e.AppendBinary(nil, v)
}

// An Encoder writes many binary property lists and keeps its tables between
// them. The zero value is ready; it is not safe for concurrent use.
type Encoder struct {
	nodes   []node
	refs    []uint32 // the members of all containers
	keys    []string // scratch for sorting
	strings map[string]uint32
	numbers map[number]uint32
	offsets []uint32
}

// A node is one value; containers have their members in refs[from:to].
type node struct {
	value    any
	from, to uint32
}

// number identifies an integer or UID that was seen before.
type number struct {
	bits uint64
	uid  bool
	big  bool // an unsigned one beyond int64
}

// AppendBinary appends v in binary form to dst. Equal strings and integers
// are stored once, dictionary keys are sorted: equal trees give equal bytes.
func (e *Encoder) AppendBinary(dst []byte, v any) ([]byte, error) {
	if e.strings == nil {
		e.strings, e.numbers = map[string]uint32{}, map[number]uint32{}
	}
	clear(e.strings)
	clear(e.numbers)
	clear(e.nodes)
	e.nodes, e.refs, e.offsets = e.nodes[:0], e.refs[:0], e.offsets[:0]
	if _, err := e.flatten(v, 0); err != nil {
		return nil, err
	}
	start := len(dst)
	dst = append(dst, binaryMagic...)
	refSize := width(uint64(len(e.nodes)))
	for _, n := range e.nodes {
		if uint64(len(dst)-start) > math.MaxUint32 {
			return nil, fmt.Errorf("write property list: larger than 4 GiB")
		}
		e.offsets = append(e.offsets, uint32(len(dst)-start))
		dst = e.appendNode(dst, n, refSize)
	}
	table := len(dst) - start
	offSize := width(uint64(table))
	for _, at := range e.offsets {
		dst = appendSized(dst, uint64(at), offSize)
	}
	dst = append(dst, 0, 0, 0, 0, 0, 0, byte(offSize), byte(refSize))
	dst = binary.BigEndian.AppendUint64(dst, uint64(len(e.nodes)))
	dst = binary.BigEndian.AppendUint64(dst, 0)
	return binary.BigEndian.AppendUint64(dst, uint64(table)), nil
}

// flatten gives v and everything below it numbers, and returns v's.
func (e *Encoder) flatten(v any, depth int) (uint32, error) {
	if depth > maxDepth {
		return 0, fmt.Errorf("write property list: nested deeper than %d", maxDepth)
	}
	switch v := v.(type) {
	case string:
		return e.text(v), nil
	case int64:
		return e.number(number{bits: uint64(v)}, v), nil
	case int:
		return e.number(number{bits: uint64(v)}, int64(v)), nil
	case int32:
		return e.number(number{bits: uint64(v)}, int64(v)), nil
	case uint16:
		return e.number(number{bits: uint64(v)}, int64(v)), nil
	case uint32:
		return e.number(number{bits: uint64(v)}, int64(v)), nil
	case uint64:
		if v <= math.MaxInt64 {
			return e.number(number{bits: v}, int64(v)), nil
		}
		return e.number(number{bits: v, big: true}, v), nil
	case UID:
		return e.number(number{bits: uint64(v), uid: true}, v), nil
	case bool, float64, []byte, time.Time:
		return e.add(v), nil
	case []any:
		return e.list(v, len(v), func(i int) any { return v[i] }, depth)
	case []string:
		return e.list(v, len(v), func(i int) any { return v[i] }, depth)
	case map[string]any:
		return e.dict(v, depth)
	}
	return 0, fmt.Errorf("write property list: no form for a %T", v)
}

func (e *Encoder) add(v any) uint32 {
	e.nodes = append(e.nodes, node{value: v})
	return uint32(len(e.nodes) - 1)
}

func (e *Encoder) text(s string) uint32 {
	ref, ok := e.strings[s]
	if !ok {
		ref = e.add(s)
		e.strings[s] = ref
	}
	return ref
}

func (e *Encoder) number(id number, v any) uint32 {
	ref, ok := e.numbers[id]
	if !ok {
		ref = e.add(v)
		e.numbers[id] = ref
	}
	return ref
}

// reserve makes room for the members of a container that has just been added.
func (e *Encoder) reserve(ref uint32, n int) uint32 {
	from := uint32(len(e.refs))
	e.refs = append(e.refs, make([]uint32, n)...)
	e.nodes[ref].from, e.nodes[ref].to = from, from+uint32(n)
	return from
}

func (e *Encoder) list(v any, n int, item func(int) any, depth int) (uint32, error) {
	ref := e.add(v)
	from := e.reserve(ref, n)
	for i := range n {
		r, err := e.flatten(item(i), depth+1)
		if err != nil {
			return 0, err
		}
		e.refs[from+uint32(i)] = r
	}
	return ref, nil
}

func (e *Encoder) dict(v map[string]any, depth int) (uint32, error) {
	ref := e.add(v)
	// The scratch is a stack: dictionaries below this one use what follows.
	start := len(e.keys)
	defer func() { e.keys = e.keys[:start] }()
	for k, item := range v {
		if item != nil {
			e.keys = append(e.keys, k)
		}
	}
	n := len(e.keys) - start
	slices.Sort(e.keys[start:])
	from := e.reserve(ref, 2*n)
	for i := range n {
		e.refs[from+uint32(i)] = e.text(e.keys[start+i])
	}
	for i := range n {
		r, err := e.flatten(v[e.keys[start+i]], depth+1)
		if err != nil {
			return 0, err
		}
		e.refs[from+uint32(n+i)] = r
	}
	return ref, nil
}

func (e *Encoder) appendNode(dst []byte, n node, refSize int) []byte {
	switch v := n.value.(type) {
	case string:
		return appendString(dst, v)
	case int64:
		return appendInteger(dst, v)
	case uint64:
		dst = append(dst, 0x14, 0, 0, 0, 0, 0, 0, 0, 0)
		return binary.BigEndian.AppendUint64(dst, v)
	case UID:
		size := width(uint64(v))
		return appendSized(append(dst, 0x80|byte(size-1)), uint64(v), size)
	case bool:
		if v {
			return append(dst, 0x09)
		}
		return append(dst, 0x08)
	case float64:
		return binary.BigEndian.AppendUint64(append(dst, 0x23), math.Float64bits(v))
	case time.Time:
		return binary.BigEndian.AppendUint64(append(dst, 0x33), math.Float64bits(appleSeconds(v)))
	case []byte:
		return append(appendMarker(dst, 0x40, len(v)), v...)
	case map[string]any:
		dst = appendMarker(dst, 0xD0, int(n.to-n.from)/2)
	default:
		dst = appendMarker(dst, 0xA0, int(n.to-n.from))
	}
	for _, ref := range e.refs[n.from:n.to] {
		dst = appendSized(dst, uint64(ref), refSize)
	}
	return dst
}

func appleSeconds(t time.Time) float64 {
	return float64(t.Unix()-appleEpoch) + float64(t.Nanosecond())/1e9
}

// width is how many bytes n needs; three is no width that readers know.
func width(n uint64) int {
	switch {
	case n <= math.MaxUint8:
		return 1
	case n <= math.MaxUint16:
		return 2
	case n <= math.MaxUint32:
		return 4
	}
	return 8
}

func appendSized(dst []byte, n uint64, size int) []byte {
	switch size {
	case 1:
		return append(dst, byte(n))
	case 2:
		return binary.BigEndian.AppendUint16(dst, uint16(n))
	case 4:
		return binary.BigEndian.AppendUint32(dst, uint32(n))
	}
	return binary.BigEndian.AppendUint64(dst, n)
}

// appendInteger uses 1, 2 and 4 bytes for what is not negative only: those
// widths are unsigned, 8 bytes are signed.
func appendInteger(dst []byte, n int64) []byte {
	size := 8
	if n >= 0 {
		size = width(uint64(n))
	}
	power := byte(bits.TrailingZeros(uint(size)))
	return appendSized(append(dst, 0x10|power), uint64(n), size)
}

func appendMarker(dst []byte, kind byte, n int) []byte {
	if n < 15 {
		return append(dst, kind|byte(n))
	}
	return appendInteger(append(dst, kind|15), int64(n))
}

func appendString(dst []byte, s string) []byte {
	if isASCII(s) {
		return append(appendMarker(dst, 0x50, len(s)), s...)
	}
	units := utf16.Encode([]rune(s))
	dst = appendMarker(dst, 0x60, len(units))
	for _, u := range units {
		dst = binary.BigEndian.AppendUint16(dst, u)
	}
	return dst
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
