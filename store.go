package russet

import (
	"context"
	"io"
	"io/fs"
	"time"

	"russet/device/devicelink"
)

// Backup describes one finished backup: the state of one device at one time.
// The JSON form is fixed; scripts rely on it.
type Backup struct {
	ID        BackupID  `json:"id"`
	Device    UDID      `json:"device"`
	Name      string    `json:"name"`
	Time      time.Time `json:"time"`  // when the device finished it, UTC
	Size      int64     `json:"size"`  // bytes as the device stored them
	Added     int64     `json:"added"` // bytes this backup added to the store
	Files     int       `json:"files"`
	Encrypted bool      `json:"encrypted"`
	Archived  bool      `json:"archived"`
	Note      string    `json:"note"`
	IOS       string    `json:"ios"`
	Store     string    `json:"store"`
	// Verified is when every byte was last read and found good; nil if never.
	Verified *time.Time `json:"verified"`
	// Draft is set for an unfinished backup, listed only on request.
	Draft bool `json:"draft,omitempty"`
	// Problem says why a backup found in the store cannot be used; "" if it can.
	Problem string `json:"problem,omitempty"`
}

// Passwords finds backup passwords. A store asks it for the keys of an
// encrypted backup; an empty answer means that none is known.
type Passwords func(ctx context.Context, device UDID) (password string, err error)

// BeginOptions says what a new draft is for.
type BeginOptions struct {
	Device    UDID
	Full      bool // the device finds nothing of the last backup and sends everything
	Passwords Passwords
	// Encrypted says that a backup password is set on the device: what it will
	// send is ciphertext. A wrong word costs work, nothing else.
	Encrypted bool
	// Allow is how many more bytes the owner's allowance leaves; negative
	// means no limit. Free answers the lesser of it and the volume.
	Allow int64
}

// Store keeps backups. It may be used by several goroutines and processes at
// once; one draft per device at a time.
type Store interface {
	// Begin starts a draft, or takes up the suspended one of this device.
	Begin(ctx context.Context, opts BeginOptions) (Draft, error)
	// Backups lists finished backups, oldest first; device "" means all.
	Backups(ctx context.Context, device UDID) ([]Backup, error)
	// Drafts lists what unfinished runs left behind.
	Drafts(ctx context.Context, device UDID) ([]Backup, error)
	// Open opens a backup for reading. It cannot be deleted while open.
	Open(ctx context.Context, id BackupID) (Contents, error)
	// Archive keeps a backup until a person says otherwise.
	Archive(ctx context.Context, id BackupID, note string) (Backup, error)
	// Unarchive makes an archived backup deletable again; it stays where it is.
	Unarchive(ctx context.Context, id BackupID) (Backup, error)
	// Delete removes a backup or a draft for good. An archived backup is
	// refused.
	Delete(ctx context.Context, id BackupID) error
	// Import takes a finished backup from elsewhere as it is. fsys is the
	// MobileSync folder of one backup.
	Import(ctx context.Context, fsys fs.FS, meta ImportOptions) (Backup, error)
	// Verify checks one backup and changes nothing.
	Verify(ctx context.Context, id BackupID, opts VerifyOptions) (VerifyReport, error)
	// Repair mends what an interruption or damage left, and names what it
	// cannot mend.
	Repair(ctx context.Context) ([]Repair, error)
	// Free is how many bytes the store's volume can still take.
	Free(ctx context.Context) (int64, error)
	io.Closer
}

// ImportOptions says what is known of an imported backup beside its files.
type ImportOptions struct {
	ID        BackupID // keeps its identity when copied between stores; "" = derive it
	Archived  bool
	Note      string
	Passwords Passwords
	Progress  func(files int, bytes int64)
}

// Draft is a backup being made. To the device it is a folder that holds the
// previous backup; nothing it does there is seen by others before Commit.
//
// Uploads of <UDID>/Status.plist are barriers: their Commit returns only when
// everything before them is durable.
type Draft interface {
	devicelink.Files
	// Base is the backup the device was offered; nil when it starts afresh.
	Base() *Backup
	// Resumed reports whether this draft continues an interrupted run.
	Resumed() bool
	// Commit records durably that the device finished, checks that the backup
	// is complete, and makes it the device's current one. After the record
	// the store can finish a commit by itself, whenever it is opened next.
	Commit(ctx context.Context) (Backup, error)
	// Suspend keeps what was received for the next run.
	Suspend(ctx context.Context) error
	// Discard throws the draft away.
	Discard(ctx context.Context) error
}

// Contents is one backup, opened for reading.
type Contents interface {
	Backup() Backup
	// Folder is the backup as the device wrote it: Info.plist, Manifest.db,
	// ab/ab12…; what a restore sends back and an export writes.
	Folder() fs.FS
	io.Closer
}

// Watched is a backup that tells of damage while it is read.
type Watched interface {
	Contents
	// Watch is Folder, and calls damaged with the name of each payload that was
	// read to its end and is not what the device sent. Other files, and those of
	// which that is not known, are not watched.
	Watch(damaged func(name string)) (fs.FS, error)
}

// Summed is a backup's folder that knows what its files are without reading them.
type Summed interface {
	fs.FS
	// StoredSum is the SHA-256 of a file as the device stored it, and its size in
	// bytes; false for what is no file, or not known.
	StoredSum(name string) (sum [32]byte, size int64, known bool)
}

// Indexed is one file as a store knows it that keeps an index: without the
// backup's password, and without reading the file.
type Indexed struct {
	Name         string // in the folder: "3d/3d0d7e5f…"
	Domain, Path string // "" when no manifest told, or it could not be read
	Size         int64  // of the content; of the ciphertext when Sealed
	Sum          [32]byte
	// Sealed: only the ciphertext is known. Another sum need not mean another
	// content, for a device encrypts under a new key whatever it sends again.
	Sealed bool
}

// VerifyOptions says how deep a verification goes.
type VerifyOptions struct {
	Full      bool // read, decrypt and hash every byte; open the databases
	Passwords Passwords
	Progress  func(done, total int64) // bytes
}

// VerifyReport is what a verification found.
type VerifyReport struct {
	Backup   Backup    `json:"backup"`
	Full     bool      `json:"full"`
	Files    int       `json:"files"`
	Bytes    int64     `json:"bytes"`
	Problems []Problem `json:"problems"` // empty means all is good
	Notes    []string  `json:"notes"`    // what could not be checked, and why
}

// Problem is one thing wrong with a backup.
type Problem struct {
	Path string `json:"path"` // domain and path as the owner knows it, or the file's name in the folder
	What string `json:"what"`
}

// Repair is one thing that was mended, or could not be.
type Repair struct {
	What   string `json:"what"`
	Mended bool   `json:"mended"`
}

// StoreUsage is what a store takes at its place.
type StoreUsage struct {
	Stored   int64          `json:"stored"`    // bytes
	ByDevice map[UDID]int64 `json:"by_device"` // bytes the backups of each device added
	// Freeing are bytes of deleted backups that are not free yet, about, and
	// FreeingNote says when they will be; "" if there are none.
	Freeing     int64  `json:"freeing"`
	FreeingNote string `json:"freeing_note,omitempty"`
}
