package vault

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"russet/internal/vault/depot"
	"russet/mobilesync/keybag"
)

// The names below a version's root that are russet's own.
const (
	ownDir      = "russet"
	indexDir    = "index"
	manifestDir = "manifest"
	otherShard  = "other" // the index of all files that are not payloads
	readmeName  = "README.txt"
	recordName  = "backup.json"
	scriptName  = "get-files.py"
)

// rebuildCBC: the stored form is the content encrypted with AES-256-CBC under
// the entry's key, with an IV of zeros and PKCS#7 padding.
const rebuildCBC = "cbc"

// Why the ciphertext of a file is kept as it came.
const (
	whyPending   = "pending"     // its key was not known yet; conversion comes
	whyPassword  = "no password" // of the backup
	whyUnpadded  = "unpadded"
	whyTruncated = "truncated"
	whyDataless  = "dataless"
	whyNoKey     = "no key" // opens it
	whyForeign   = "foreign"
)

// entry is one file of a backup: a line of its index.
type entry struct {
	Name    string    `json:"name"` // in the folder: "3d/3d0d7e5f…", "Info.plist"
	Domain  string    `json:"domain,omitempty"`
	Path    string    `json:"path,omitempty"`
	Size    int64     `json:"size"`   // bytes in the vault's tree
	Stored  int64     `json:"stored"` // bytes as the device stored it
	Sum     sum       `json:"sha256"` // of the stored form
	Content *sum      `json:"content,omitempty"`
	Rebuild string    `json:"rebuild,omitempty"`
	Key     secretKey `json:"key,omitzero"`
	Why     string    `json:"why,omitempty"`

	id depot.ID // of the bytes in the tree
}

// content is the SHA-256 of what is in the tree.
func (e *entry) content() sum {
	if e.Content != nil {
		return *e.Content
	}
	return e.Sum
}

// sum is a SHA-256.
type sum [sha256.Size]byte

// MarshalText implements encoding.TextMarshaler.
func (s sum) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *sum) UnmarshalText(b []byte) error { return unhex(s[:], b) }

func unhex(to, b []byte) error {
	if len(b) != 2*len(to) {
		return fmt.Errorf("%d digits instead of %d", len(b), 2*len(to))
	}
	_, err := hex.Decode(to, b)
	return err
}

// secretKey is a file's key. The index that holds it is encrypted, and so is
// the content it would open.
type secretKey struct{ key *keybag.Key }

// IsZero implements the omitzero of encoding/json.
func (k secretKey) IsZero() bool { return k.key == nil }

// MarshalText implements encoding.TextMarshaler.
func (k secretKey) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, k.key.Bytes()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *secretKey) UnmarshalText(b []byte) error {
	var raw [keybag.KeySize]byte
	if err := unhex(raw[:], b); err != nil {
		return err
	}
	key, err := keybag.NewKey(raw[:])
	k.key = &key
	return err
}

// maxLine is more than two names of 4096 bytes, escaped, and the rest need.
const maxLine = 64 << 10

// parseIndex reads the lines of an index, sorted by name.
func parseIndex(r io.Reader) ([]entry, error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 4<<10), maxLine)
	var list []entry
	for in.Scan() {
		var e entry
		if err := json.Unmarshal(in.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("line %d of the index: %w", len(list)+1, err)
		}
		if err := e.valid(); err != nil {
			return nil, fmt.Errorf("line %d of the index: %w", len(list)+1, err)
		}
		if n := len(list); n > 0 && list[n-1].Name >= e.Name {
			return nil, fmt.Errorf("line %d of the index: %q is out of order", n+1, e.Name)
		}
		list = append(list, e)
	}
	return list, in.Err()
}

func (e *entry) valid() error {
	switch {
	case !fs.ValidPath(e.Name) || e.Name == ".":
		return fmt.Errorf("%q is no name", e.Name)
	case e.Size < 0 || e.Stored < 0:
		return fmt.Errorf("%q has a negative size", e.Name)
	case e.Rebuild == rebuildCBC && (e.Key.key == nil || e.Content == nil || e.Stored != padded(e.Size)):
		return fmt.Errorf("%q cannot be rebuilt: key, content or sizes are missing or wrong", e.Name)
	case e.Rebuild != rebuildCBC && e.Rebuild != "":
		return fmt.Errorf("%q is kept in a way this version does not know: %q", e.Name, e.Rebuild)
	case e.Rebuild == "" && e.Stored != e.Size:
		return fmt.Errorf("%q has two sizes", e.Name)
	}
	return nil
}

// padded is the length of n bytes once PKCS#7 has padded them.
func padded(n int64) int64 { return (n/16 + 1) * 16 }

// indexWriter writes one index. Lines go in pieces that end where the third
// digit of the file's ID changes, so that a piece without a changed file is
// stored once for all versions.
type indexWriter struct {
	w     *depot.Writer
	buf   bytes.Buffer
	digit byte
	n     int64
	err   error
}

// minPiece keeps the pieces of small phones from becoming tiny.
const minPiece = 2 << 10

func newIndexWriter(w *session) *indexWriter { return &indexWriter{w: w.Writer(depot.Pieces)} }

func (w *indexWriter) add(e *entry) {
	if w.err != nil {
		return
	}
	digit := byte(0)
	if isPayloadDir(topOf(e.Name)) && len(e.Name) > 5 {
		digit = e.Name[5]
	}
	if digit != w.digit && w.buf.Len() >= minPiece || w.buf.Len() >= 256<<10 {
		w.flush()
	}
	w.digit = digit
	line, err := json.Marshal(e)
	if err != nil {
		w.err = err
		return
	}
	w.buf.Write(line)
	w.buf.WriteByte('\n')
}

func (w *indexWriter) flush() {
	if w.err == nil && w.buf.Len() > 0 {
		_, w.err = w.w.Write(w.buf.Bytes())
		w.n += int64(w.buf.Len())
		w.buf.Reset()
	}
}

// result ends the index and returns its entry in a directory.
func (w *indexWriter) result(name string) (depot.Entry, error) {
	w.flush()
	if w.err != nil {
		w.w.Abort()
		return depot.Entry{}, w.err
	}
	id, err := w.w.Result()
	return depot.Entry{Name: name, ID: id, Size: w.n}, err
}

func topOf(name string) string {
	top, _, _ := strings.Cut(name, "/")
	return top
}

// isPayloadDir reports whether a name is one of "00" to "ff".
func isPayloadDir(name string) bool {
	return len(name) == 2 && strings.Trim(name, "0123456789abcdef") == ""
}

// objects reads what the vault holds: a depot, or a session that is writing.
type objects interface {
	Reader(ctx context.Context, id depot.ID) (*depot.Reader, error)
	ReadDir(ctx context.Context, id depot.ID) ([]depot.Entry, error)
}

var errIndex = errors.New("the index of the backup is damaged")

// readIndex reads one index of a version.
func readIndex(ctx context.Context, from objects, id depot.ID) ([]entry, error) {
	r, err := from.Reader(ctx, id)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	list, err := parseIndex(io.NewSectionReader(r, 0, r.Size()))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errIndex, err)
	}
	return list, nil
}
