// Package plist reads and writes Apple property lists, binary and XML, for
// the virtual iPhone.
//
// A property list is a tree of these Go values:
//
//	dict     map[string]any
//	array    []any
//	string   string
//	integer  int64
//	real     float64
//	boolean  bool
//	data     []byte
//	date     time.Time (UTC)
//	UID      UID
//
// The writers also take int, int32, uint16, uint32, uint64, []string and nil
// dictionary entries, which they leave out.
//
// What is read may come from anyone: depth, number of values and number of
// bytes are bounded by the length of the input before anything is allocated.
package plist

import (
	"bytes"
	"errors"
	"fmt"
)

// UID is a reference inside an NSKeyedArchiver archive.
type UID uint64

// maxDepth is how deep containers may be nested. Archives are flat, and no
// message of the protocols is deeper than six.
const maxDepth = 64

// ErrSyntax is wrapped by every error that reading malformed input gives.
var ErrSyntax = errors.New("malformed property list")

func syntax(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSyntax, fmt.Sprintf(format, args...))
}

const binaryMagic = "bplist00"

// Unmarshal reads a property list in either form.
//
// Integers are reduced modulo 2^64 and read as signed: libplist writes a
// negative number as an unsigned one of 64 or 128 bits.
func Unmarshal(data []byte) (any, error) {
	if bytes.HasPrefix(data, []byte(binaryMagic)) {
		return readBinary(data)
	}
	return readXML(data)
}

// UnmarshalDict is Unmarshal for input that must be a dictionary.
func UnmarshalDict(data []byte) (map[string]any, error) {
	v, err := Unmarshal(data)
	if err != nil {
		return nil, err
	}
	dict, ok := v.(map[string]any)
	if !ok {
		return nil, syntax("a dictionary was expected")
	}
	return dict, nil
}
