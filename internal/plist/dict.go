package plist

import (
	"math"
	"time"
)

// Has reports whether the key is present, whatever its type.
func (d Dict) Has(key string) bool {
	_, ok := d[key]
	return ok
}

// String returns the string under key, or "".
func (d Dict) String(key string) string {
	s, _ := d[key].(string)
	return s
}

// Int returns the integer under key, or 0 when there is none or it exceeds
// MaxInt64.
func (d Dict) Int(key string) int64 {
	n, ok := integer(d[key])
	if !ok || (!n.negative && n.bits > math.MaxInt64) {
		return 0
	}
	return int64(n.bits)
}

// Uint returns the integer under key, or 0 when there is none or it is
// negative.
func (d Dict) Uint(key string) uint64 {
	n, ok := integer(d[key])
	if !ok || n.negative {
		return 0
	}
	return n.bits
}

// Float returns the number under key, integers included, or 0.
func (d Dict) Float(key string) float64 {
	switch v := d[key].(type) {
	case float64:
		return v
	case float32:
		return float64(v)
	}
	n, ok := integer(d[key])
	switch {
	case !ok:
		return 0
	case n.negative:
		return float64(int64(n.bits))
	default:
		return float64(n.bits)
	}
}

// Bool returns the boolean under key, or false. Numbers are not booleans.
func (d Dict) Bool(key string) bool {
	b, _ := d[key].(bool)
	return b
}

// Data returns the bytes under key, or nil.
func (d Dict) Data(key string) []byte {
	b, _ := d[key].([]byte)
	return b
}

// Time returns the date under key, or the zero time.
func (d Dict) Time(key string) time.Time {
	t, _ := d[key].(time.Time)
	return t
}

// Dict returns the dictionary under key, or nil (which can be read from).
func (d Dict) Dict(key string) Dict {
	switch v := d[key].(type) {
	case Dict:
		return v
	case map[string]any:
		return v
	}
	return nil
}

// Array returns the array under key, or nil.
func (d Dict) Array(key string) []any {
	a, _ := d[key].([]any)
	return a
}

// Strings returns the strings of the array under key, leaving out elements of
// other types.
func (d Dict) Strings(key string) []string {
	if s, ok := d[key].([]string); ok {
		return s
	}
	var out []string
	for _, v := range d.Array(key) {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// number is an integer of either signedness: two's complement in bits.
type number struct {
	bits     uint64
	negative bool
}

func signed(v int64) number { return number{uint64(v), v < 0} }

// integer recognises every Go integer kind.
func integer(v any) (number, bool) {
	switch v := v.(type) {
	case int64:
		return signed(v), true
	case uint64:
		return number{bits: v}, true
	case int:
		return signed(int64(v)), true
	case int32:
		return signed(int64(v)), true
	case int16:
		return signed(int64(v)), true
	case int8:
		return signed(int64(v)), true
	case uint:
		return number{bits: uint64(v)}, true
	case uint32:
		return number{bits: uint64(v)}, true
	case uint16:
		return number{bits: uint64(v)}, true
	case uint8:
		return number{bits: uint64(v)}, true
	case uintptr:
		return number{bits: uint64(v)}, true
	}
	return number{}, false
}
