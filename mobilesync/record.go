package mobilesync

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
)

// FileID names a stored file: the SHA-1 of domain, hyphen and path. It says
// nothing about content.
type FileID [sha1.Size]byte

// FileIDOf computes the ID of a file. Bytes count as they are, in whatever
// Unicode normalisation the app has chosen.
func FileIDOf(domain, path string) FileID {
	return sha1.Sum([]byte(domain + "-" + path))
}

// ParseFileID reads forty hexadecimal digits.
func ParseFileID(s string) (FileID, error) {
	return parseFileID([]byte(s))
}

func parseFileID(s []byte) (id FileID, err error) {
	if len(s) != 2*len(id) {
		return id, fmt.Errorf("file ID %q is not 40 digits", s)
	}
	if _, err := hex.Decode(id[:], s); err != nil {
		return id, fmt.Errorf("file ID %q is not hexadecimal", s)
	}
	return id, nil
}

// String is the ID in lower-case hexadecimal.
func (id FileID) String() string { return hex.EncodeToString(id[:]) }

// Name is where the file's bytes are stored in the folder: "3d/3d0d7e5f…".
func (id FileID) Name() string {
	s := id.String()
	return s[:2] + "/" + s
}

// MarshalText implements encoding.TextMarshaler.
func (id FileID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *FileID) UnmarshalText(b []byte) (err error) {
	*id, err = parseFileID(b)
	return err
}

// Kind is what a row of Manifest.db stands for.
type Kind uint8

// The kinds of row; the values are those of the column "flags".
const (
	File    Kind = 1
	Dir     Kind = 2
	Symlink Kind = 4
)

// String names the kind.
func (k Kind) String() string {
	switch k {
	case File:
		return "file"
	case Dir:
		return "directory"
	case Symlink:
		return "link"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// kindMask leaves out the marks a device sets in "flags" during a run.
const kindMask = 7

// Record is a row of Manifest.db.
type Record struct {
	ID     FileID
	Domain string // "HomeDomain", "AppDomain-com.example.app"
	Path   string // "" is the domain's root directory
	Kind   Kind
	Flags  int64 // the column as it stands
	MBFile
}

// RowError is a row of Manifest.db that cannot be used. It does not end a
// sequence of records.
type RowError struct {
	FileID, Domain, Path string // as far as known
	Err                  error
}

// Error implements error.
func (e *RowError) Error() string {
	return fmt.Sprintf("row %q (%q, %q): %v", e.FileID, e.Domain, e.Path, e.Err)
}

// Unwrap returns what is wrong with the row.
func (e *RowError) Unwrap() error { return e.Err }

var (
	errNull = errors.New("domain or record is missing")
	// errPlaceholder is such a row that the device itself left: it marks what
	// it is at work on with further flags, and need not name it.
	errPlaceholder = errors.New("a placeholder, which stands for nothing")
	errKind        = errors.New("neither file, directory nor link")
)

// fileMode is what kind the row says, with the record's permission bits. The
// set-user-ID bits stay on the device: extracted files must not have them.
func (r *Record) fileMode() fs.FileMode {
	return fs.FileMode(r.Mode&0o777) | r.Kind.fileMode()
}

func (k Kind) fileMode() fs.FileMode {
	switch k {
	case Dir:
		return fs.ModeDir
	case Symlink:
		return fs.ModeSymlink
	}
	return 0
}
