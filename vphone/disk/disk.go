// Package disk is the flash storage of a virtual iPhone: what files its
// domains hold, and the bytes in them.
//
// A Disk may keep its content on a real disk or make it up as it is read, as
// the phones of a million files do. It knows nothing of backups.
package disk

import (
	"errors"
	"io"
	"time"
)

// Kind says what a directory entry is.
type Kind uint8

// The three kinds a backup can hold.
const (
	File Kind = 1 + iota
	Dir
	Symlink
)

// Entry is one file, directory or symbolic link on the phone.
type Entry struct {
	Domain string // "HomeDomain", "AppDomain-org.example.app" …
	Path   string // relative to the domain's root; "" is the root itself
	Kind   Kind

	Mode          uint32 // st_mode with the type bits, as iOS archives it: 0100644, 040755, 0120755
	UID, GID      int32
	Size          int64 // length of the content; 0 for directories and links
	ModTime       time.Time
	ChangeTime    time.Time
	Birth         time.Time
	Inode         uint64
	Class         uint8 // protection class: 0 none (directories), 1 A, 2 B, 3 C, 4 D, 7
	Flags         uint32
	Target        string            // symbolic links only
	XAttrs        map[string][]byte // extended attributes; nil when none
	ScanSize      int64             // the size the backup agent sees when it scans: differs from Size for databases with a -wal; 0 = Size. With a Size of 0: the content is only in iCloud
	EncryptedOnly bool              // only in encrypted backups (Health, HomeKit, keychain, Wi-Fi …)
}

// ErrNotExist is returned for entries that are not there.
var ErrNotExist = errors.New("no such file on the phone")

// Disk is what a phone stores. Implementations are safe for one writer or
// many readers; the phone serialises writers itself.
type Disk interface {
	// Walk calls fn for every entry: domains in sorted order, inside a domain
	// parents before children. The entry is only valid during the call.
	Walk(fn func(*Entry) error) error
	// Lookup returns one entry, or ErrNotExist.
	Lookup(domain, path string) (*Entry, error)
	// Open reads the content of a file. The reader is an *os.File, or an
	// io.WriterTo, wherever that makes long reads cheap.
	Open(domain, path string) (io.ReadCloser, error)
	// Put creates or replaces an entry; content is nil unless Kind is File.
	// The entry's Size is taken from the content.
	Put(e *Entry, content io.Reader) error
	// Remove removes an entry and everything below it.
	Remove(domain, path string) error
	// Free is how many bytes are left on the phone.
	Free() (int64, error)
	// Close writes what is pending and lets go of the disk.
	Close() error
}
