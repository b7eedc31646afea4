package plist

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// maxEncodeDepth keeps a value that contains itself from exhausting the
// stack.
const maxEncodeDepth = 512

// MarshalBinary encodes a value as bplist00. Strings, integers and booleans
// that occur more than once are stored once.
func MarshalBinary(v any) ([]byte, error) {
	e := encoder{strings: make(map[string]uint32), numbers: make(map[number]uint32)}
	if _, err := e.add(v, 0); err != nil {
		return nil, err
	}
	return e.write(), nil
}

// encoder flattens a value into numbered objects; only when their number is
// known can a reference be written.
type encoder struct {
	objects []object
	refs    []uint32 // the containers' references
	strings map[string]uint32
	numbers map[number]uint32
	bools   [2]uint32 // number of the object + 1
	bytes   int       // roughly what the objects will take
}

// object is one flattened value: a leaf, or refs[first:first+n] of a
// container.
type object struct {
	leaf     any
	tag      byte
	first, n int
}

func (e *encoder) push(o object) uint32 {
	e.objects = append(e.objects, o)
	return uint32(len(e.objects) - 1)
}

func (e *encoder) add(v any, depth int) (uint32, error) {
	if depth > maxEncodeDepth {
		return 0, fmt.Errorf("encode property list: nested more than %d deep", maxEncodeDepth)
	}
	switch v := v.(type) {
	case string:
		return e.addString(v)
	case bool:
		return e.addBool(v), nil
	case []byte:
		e.bytes += len(v) + 9
		return e.push(object{leaf: v, tag: tagData}), nil
	case float64:
		return e.push(object{leaf: v, tag: tagReal}), nil
	case float32:
		return e.push(object{leaf: float64(v), tag: tagReal}), nil
	case time.Time:
		return e.push(object{leaf: v, tag: tagDate}), nil
	case UID:
		return e.push(object{leaf: v, tag: tagUID}), nil
	case []any:
		return addArray(e, v, depth)
	case []string:
		return addArray(e, v, depth)
	case []Dict:
		return addArray(e, v, depth)
	case Dict:
		return addDict(e, v, depth)
	case map[string]any:
		return addDict(e, v, depth)
	case map[string]string:
		return addDict(e, v, depth)
	}
	n, ok := integer(v)
	if !ok {
		return 0, fmt.Errorf("encode property list: no such type: %T", v)
	}
	id, ok := e.numbers[n]
	if !ok {
		id = e.push(object{leaf: n, tag: tagInt})
		e.numbers[n] = id
	}
	return id, nil
}

func (e *encoder) addString(s string) (uint32, error) {
	if id, ok := e.strings[s]; ok {
		return id, nil
	}
	if !utf8.ValidString(s) {
		return 0, fmt.Errorf("encode property list: string %q is not UTF-8", s)
	}
	id := e.push(object{leaf: s, tag: tagASCII})
	e.strings[s] = id
	e.bytes += len(s) + 3
	return id, nil
}

func (e *encoder) addBool(b bool) uint32 {
	i := 0
	if b {
		i = 1
	}
	if e.bools[i] == 0 {
		e.bools[i] = e.push(object{leaf: b, tag: tagSimple}) + 1
	}
	return e.bools[i] - 1
}

func addArray[T any](e *encoder, a []T, depth int) (uint32, error) {
	id := e.push(object{tag: tagArray, first: len(e.refs), n: len(a)})
	at := len(e.refs)
	e.refs = append(e.refs, make([]uint32, len(a))...)
	for i, v := range a {
		ref, err := e.add(v, depth+1)
		if err != nil {
			return 0, err
		}
		e.refs[at+i] = ref
	}
	return id, nil
}

func addDict[T any](e *encoder, d map[string]T, depth int) (uint32, error) {
	id := e.push(object{tag: tagDict, first: len(e.refs), n: len(d)})
	at := len(e.refs)
	e.refs = append(e.refs, make([]uint32, 2*len(d))...)
	keys := slices.AppendSeq(make([]string, 0, len(d)), maps.Keys(d))
	slices.Sort(keys)
	for i, k := range keys {
		ref, err := e.addString(k)
		if err != nil {
			return 0, err
		}
		e.refs[at+i] = ref
		if ref, err = e.add(d[k], depth+1); err != nil {
			return 0, fmt.Errorf("under %q: %w", k, err)
		}
		e.refs[at+len(d)+i] = ref
	}
	return id, nil
}

func (e *encoder) write() []byte {
	refSize := intSize(uint64(len(e.objects)))
	out := make([]byte, 0, headerSize+trailerSize+e.bytes+len(e.refs)*refSize+13*len(e.objects))
	out = append(out, binaryMagic...)
	offsets := make([]int, len(e.objects))
	for i, o := range e.objects {
		offsets[i] = len(out)
		out = e.appendObject(out, o, refSize)
	}
	table := len(out)
	offSize := intSize(uint64(table))
	for _, at := range offsets {
		out = appendSized(out, uint64(at), offSize)
	}
	out = append(out, 0, 0, 0, 0, 0, 0, byte(offSize), byte(refSize))
	out = binary.BigEndian.AppendUint64(out, uint64(len(e.objects)))
	out = binary.BigEndian.AppendUint64(out, 0) // the root came first
	return binary.BigEndian.AppendUint64(out, uint64(table))
}

func (e *encoder) appendObject(out []byte, o object, refSize int) []byte {
	switch v := o.leaf.(type) {
	case bool:
		if v {
			return append(out, 0x09)
		}
		return append(out, 0x08)
	case number:
		return appendInt(out, v)
	case float64:
		return binary.BigEndian.AppendUint64(append(out, tagReal<<4|3), math.Float64bits(v))
	case time.Time:
		return binary.BigEndian.AppendUint64(append(out, tagDate<<4|3), math.Float64bits(cocoaSeconds(v)))
	case UID:
		size := intSize(uint64(v))
		return appendSized(append(out, tagUID<<4|byte(size-1)), uint64(v), size)
	case []byte:
		return append(appendCount(out, tagData, len(v)), v...)
	case string:
		return appendString(out, v)
	}
	out = appendCount(out, o.tag, o.n)
	refs := e.refs[o.first : o.first+o.n]
	if o.tag == tagDict {
		refs = e.refs[o.first : o.first+2*o.n]
	}
	for _, r := range refs {
		out = appendSized(out, uint64(r), refSize)
	}
	return out
}

// cocoaSeconds counts from 2001 in the only precision a date has.
func cocoaSeconds(t time.Time) float64 {
	return float64(t.Unix()-unixOfCocoa) + float64(t.Nanosecond())/1e9
}

func appendInt(out []byte, n number) []byte {
	switch {
	case n.negative:
		out = append(out, tagInt<<4|3)
		return binary.BigEndian.AppendUint64(out, n.bits)
	case n.bits > math.MaxInt64:
		out = append(out, tagInt<<4|4, 0, 0, 0, 0, 0, 0, 0, 0)
		return binary.BigEndian.AppendUint64(out, n.bits)
	}
	size := intSize(n.bits)
	log := byte(bits.TrailingZeros(uint(size)))
	return appendSized(append(out, tagInt<<4|log), n.bits, size)
}

func appendString(out []byte, s string) []byte {
	if strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		return append(appendCount(out, tagASCII, len(s)), s...)
	}
	units := utf16.Encode([]rune(s))
	out = appendCount(out, tagUTF16, len(units))
	for _, u := range units {
		out = binary.BigEndian.AppendUint16(out, u)
	}
	return out
}

func appendCount(out []byte, tag byte, n int) []byte {
	if n < 0x0F {
		return append(out, tag<<4|byte(n))
	}
	return appendInt(append(out, tag<<4|0x0F), number{bits: uint64(n)})
}

// intSize is the least of 1, 2, 4 and 8 bytes that holds v.
func intSize(v uint64) int {
	switch {
	case v <= math.MaxUint8:
		return 1
	case v <= math.MaxUint16:
		return 2
	case v <= math.MaxUint32:
		return 4
	}
	return 8
}

func appendSized(out []byte, v uint64, size int) []byte {
	switch size {
	case 1:
		return append(out, byte(v))
	case 2:
		return binary.BigEndian.AppendUint16(out, uint16(v))
	case 4:
		return binary.BigEndian.AppendUint32(out, uint32(v))
	}
	return binary.BigEndian.AppendUint64(out, v)
}
