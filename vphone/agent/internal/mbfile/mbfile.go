// Package mbfile writes and reads the archive a backup keeps of each file: an
// NSKeyedArchiver binary plist of one MBFile object.
//
// A phone of a million files writes a million of them, so both directions are
// made by hand instead of through a tree of values.
package mbfile

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
)

// File is what an MBFile says. Sizes are in bytes, times whole seconds.
type File struct {
	Path       string // relative to the domain's root
	Target     string // of a symbolic link
	Mode       uint32
	Size       int64 // as scanned; not the stored size
	ModTime    int64 // Unix seconds, as the other two
	ChangeTime int64
	Birth      int64
	Inode      uint64
	UID, GID   int32
	Class      uint8
	Flags      uint32
	Digest     []byte // SHA-1 of the stored bytes, or nil
	Key        []byte // EncryptionKey, or nil
	XAttrs     []byte // a binary plist: dict of name and data; nil when none
}

// ErrMalformed is wrapped by every error of [Decode].
var ErrMalformed = errors.New("malformed file archive")

// Sum is the ID of a file in a backup: the SHA-1 of its domain and path.
func Sum(domain, path string) [sha1.Size]byte {
	b := make([]byte, 0, 256)
	b = append(b, domain...)
	b = append(b, '-')
	b = append(b, path...)
	return sha1.Sum(b)
}

// ID is the ID of a file as it stands in names: in lower-case hex.
func ID(domain, path string) string {
	sum := Sum(domain, path)
	return hex.EncodeToString(sum[:])
}
