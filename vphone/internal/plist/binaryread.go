package plist

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf16"
)

const trailerLen = 32

// appleEpoch is where binary dates count from: 2001-01-01 UTC, in Unix seconds.
const appleEpoch = 978307200

// A binaryReader holds what is needed to follow references.
type binaryReader struct {
	data    []byte // up to the offset table
	offsets []byte
	offSize int
	refSize int
	scalars []any // values already read, by object number; containers are not kept
	nodes   int   // how many more values may be made
	bytes   int   // how many more bytes of strings and data may be copied
}

func readBinary(data []byte) (any, error) {
	if len(data) < len(binaryMagic)+trailerLen+1 {
		return nil, syntax("%d bytes are too short", len(data))
	}
	trailer := data[len(data)-trailerLen:]
	r := binaryReader{offSize: int(trailer[6]), refSize: int(trailer[7])}
	count := binary.BigEndian.Uint64(trailer[8:])
	top := binary.BigEndian.Uint64(trailer[16:])
	table := binary.BigEndian.Uint64(trailer[24:])
	body := uint64(len(data) - trailerLen)
	if r.offSize < 1 || r.offSize > 8 || r.refSize < 1 || r.refSize > 8 {
		return nil, syntax("offsets of %d bytes, references of %d", r.offSize, r.refSize)
	}
	if table < uint64(len(binaryMagic)) || table > body || count == 0 || top >= count ||
		count > (body-table)/uint64(r.offSize) {
		return nil, syntax("the trailer does not fit %d bytes", len(data))
	}
	r.data = data[:table]
	r.offsets = data[table : table+count*uint64(r.offSize)]
	r.scalars = make([]any, count)
	// Without shared containers every value costs at least one byte of
	// reference; the factor leaves room for writers that share some.
	r.nodes = 4*len(data) + 64
	r.bytes = 4*len(data) + 64
	return r.value(top, 0)
}

// sized reads a big-endian number of len(b) bytes, at most eight.
func sized(b []byte) uint64 {
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

func (r *binaryReader) value(ref uint64, depth int) (any, error) {
	if ref >= uint64(len(r.scalars)) {
		return nil, syntax("reference to value %d of %d", ref, len(r.scalars))
	}
	if v := r.scalars[ref]; v != nil {
		return v, nil
	}
	if r.nodes--; r.nodes < 0 {
		return nil, syntax("more values than its length allows")
	}
	if depth > maxDepth {
		return nil, syntax("nested deeper than %d", maxDepth)
	}
	at := sized(r.offsets[int(ref)*r.offSize:][:r.offSize])
	if at < uint64(len(binaryMagic)) || at >= uint64(len(r.data)) {
		return nil, syntax("value %d lies outside", ref)
	}
	marker, rest := r.data[at], r.data[at+1:]
	if kind := marker >> 4; kind == 0xA || kind == 0xC || kind == 0xD {
		return r.container(marker, rest, depth)
	}
	v, err := r.scalar(marker, rest)
	if err != nil {
		return nil, err
	}
	r.scalars[ref] = v
	return v, nil
}

func (r *binaryReader) scalar(marker byte, rest []byte) (any, error) {
	low := int(marker & 15)
	switch marker >> 4 {
	case 0x0:
		switch marker {
		case 0x08:
			return false, nil
		case 0x09:
			return true, nil
		}
	case 0x1:
		return readInteger(low, rest)
	case 0x2:
		return readReal(low, rest)
	case 0x3:
		if low != 3 || len(rest) < 8 {
			break
		}
		return appleTime(math.Float64frombits(binary.BigEndian.Uint64(rest))), nil
	case 0x4, 0x5, 0x6, 0x7:
		return r.text(marker, rest)
	case 0x8:
		if low > 7 || len(rest) < low+1 {
			break
		}
		return UID(sized(rest[:low+1])), nil
	}
	return nil, syntax("value of kind %#02x", marker)
}

// readInteger keeps the low 64 bits, whatever the width.
func readInteger(power int, rest []byte) (any, error) {
	if power > 4 || len(rest) < 1<<power {
		return nil, syntax("integer of 2^%d bytes", power)
	}
	b := rest[:1<<power]
	return int64(sized(b[max(0, len(b)-8):])), nil
}

func readReal(power int, rest []byte) (any, error) {
	switch {
	case power == 2 && len(rest) >= 4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(rest))), nil
	case power == 3 && len(rest) >= 8:
		return math.Float64frombits(binary.BigEndian.Uint64(rest)), nil
	}
	return nil, syntax("real of 2^%d bytes", power)
}

// appleTime clamps what no calendar holds: a date is worth no error.
func appleTime(seconds float64) time.Time {
	const limit = 1e11 // about the year 5000, and as far back
	if math.IsNaN(seconds) {
		seconds = 0
	}
	seconds = min(max(seconds, -limit), limit)
	whole, part := math.Modf(seconds)
	return time.Unix(appleEpoch+int64(whole), int64(math.Round(part*1e9))).UTC()
}

// length reads the count of a marker and says where the content begins.
func length(marker byte, rest []byte) (n uint64, content []byte, err error) {
	if low := marker & 15; low != 15 {
		return uint64(low), rest, nil
	}
	if len(rest) == 0 || rest[0]>>4 != 1 || rest[0]&15 > 3 || len(rest) < 1+1<<(rest[0]&15) {
		return 0, nil, syntax("length without a number")
	}
	width := 1 << (rest[0] & 15)
	return sized(rest[1 : 1+width]), rest[1+width:], nil
}

// text reads data and the three sorts of strings.
func (r *binaryReader) text(marker byte, rest []byte) (any, error) {
	n, content, err := length(marker, rest)
	if err != nil {
		return nil, err
	}
	unit := uint64(1)
	if marker>>4 == 6 {
		unit = 2
	}
	if n > uint64(len(content))/unit {
		return nil, syntax("length %d where %d bytes are left", n, len(content))
	}
	content = content[:n*unit]
	if r.bytes -= len(content); r.bytes < 0 {
		return nil, syntax("more bytes than its length allows")
	}
	switch marker >> 4 {
	case 4:
		return append([]byte{}, content...), nil
	case 6:
		units := make([]uint16, n)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(content[2*i:])
		}
		return string(utf16.Decode(units)), nil
	}
	return string(content), nil
}

func (r *binaryReader) container(marker byte, rest []byte, depth int) (any, error) {
	n, content, err := length(marker, rest)
	if err != nil {
		return nil, err
	}
	refs := n
	if marker>>4 == 0xD {
		refs = 2 * n
	}
	// n first: twice n may overflow.
	if n > uint64(len(content)) || refs > uint64(len(content)/r.refSize) || refs > uint64(r.nodes) {
		return nil, syntax("%d members where %d bytes are left", n, len(content))
	}
	ref := func(i uint64) uint64 { return sized(content[i*uint64(r.refSize):][:r.refSize]) }
	if marker>>4 != 0xD {
		list := make([]any, n)
		for i := range n {
			if list[i], err = r.value(ref(i), depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	dict := make(map[string]any, n)
	for i := range n {
		key, err := r.value(ref(i), depth+1)
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, syntax("a dictionary key is no string")
		}
		if dict[name], err = r.value(ref(n+i), depth+1); err != nil {
			return nil, err
		}
	}
	return dict, nil
}
