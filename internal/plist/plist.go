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
// Encoding accepts the same types and every Go integer kind, []string,
// map[string]any and map[string]string. Dict keys are written in sorted order,
// so that equal values give equal bytes.
package plist

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
