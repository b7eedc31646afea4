// Package plist reads and writes Apple property lists, binary (bplist00) and
// XML, from strangers: every length is checked against the input before
// anything is allocated, and depth, objects and bytes are bounded.
//
// Decoded values have these Go types and no others:
//
//	string  → string            real → float64
//	integer → int64, or uint64 when it exceeds MaxInt64 (16-byte binary
//	          integers are reduced modulo 2^64, as libplist's are meant)
//	boolean → bool              data → []byte
//	date    → time.Time (UTC)   UID  → UID
//	array   → []any             dict → Dict
//
// Encoding accepts the same types and every Go integer kind, float32,
// []string, []Dict, map[string]any and map[string]string. Dict keys are
// written in sorted order, so that equal values give equal bytes.
//
// Decoded strings and data are copies: a value kept does not keep the input
// in memory. OpenBinary is the exception, made for reading a few facts out of
// very many small lists.
package plist

import (
	"bytes"
	"cmp"
)

// Dict is a property list dictionary. Its methods return the zero value when
// the key is missing or of another type: strangers send what they like.
type Dict map[string]any

// UID is a reference inside an NSKeyedArchiver archive.
type UID uint64

// Limits bounds a parse; zero fields mean the default (256 MiB, 8 Mi objects,
// depth 128).
type Limits struct {
	Bytes   int
	Objects int
	Depth   int
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Bytes:   cmp.Or(l.Bytes, 256<<20),
		Objects: cmp.Or(l.Objects, 8<<20),
		Depth:   cmp.Or(l.Depth, 128),
	}
}

const binaryMagic = "bplist00"

// Parse decodes a property list, binary when it begins with bplist00 and XML
// when its first character, after a UTF-8 byte order mark and white space, is
// '<'. Anything else is an error of kind ErrFormat; there is no third guess
// (an old-style text list would turn nearly every wrong file into a value).
func Parse(data []byte, lim Limits) (any, error) {
	return parse(data, lim, nil)
}

func parse(data []byte, lim Limits, skip []string) (any, error) {
	lim = lim.withDefaults()
	if len(data) > lim.Bytes {
		return nil, &Error{Kind: ErrLimit, Offset: lim.Bytes, Reason: "input too long"}
	}
	if bytes.HasPrefix(data, []byte(binaryMagic)) {
		return parseBinary(data, lim, skip)
	}
	if isXML(data) {
		return parseXML(data, lim, skip)
	}
	return nil, &Error{Kind: ErrFormat, Reason: "neither bplist00 nor XML"}
}

// ParseDict decodes a property list whose root is a dictionary, under the
// default limits. Another root is an error of kind ErrFormat.
func ParseDict(data []byte) (Dict, error) {
	return ParseDictWithout(data)
}

// ParseDictWithout is ParseDict but for the named keys of the root, whose
// values are passed over: for lists with megabytes nobody has asked for.
func ParseDictWithout(data []byte, skip ...string) (Dict, error) {
	v, err := parse(data, Limits{}, skip)
	if err != nil {
		return nil, err
	}
	d, ok := v.(Dict)
	if !ok {
		return nil, &Error{Kind: ErrFormat, Reason: "root is not a dictionary"}
	}
	return d, nil
}
