package devicelink

import (
	"context"
	"io"
	"io/fs"
)

// Files is the folder a device reads and writes on the host during a backup or
// a restore, one method for each DeviceLink request.
//
// Names are slash-separated, relative and checked by [Name] before they
// arrive: no "..", no absolute path, no NUL. Errors that wrap fs.ErrNotExist,
// fs.ErrExist, syscall.ENOSPC and the like reach the device as its own codes.
// A Files is used by one goroutine at a time.
type Files interface {
	// Open opens a file for DLMessageDownloadFiles.
	Open(name string) (fs.File, error)
	// Create begins a file of DLMessageUploadFiles; it appears under its name
	// only with Commit. Missing parent folders are made.
	Create(name string) (Upload, error)
	// Mkdir makes a folder and its parents; one that exists is no error.
	Mkdir(name string) error
	// ReadDir lists a folder, complete and exact: the device compares names
	// and types with its manifest. A missing folder is fs.ErrNotExist.
	ReadDir(name string) ([]fs.DirEntry, error)
	// Rename moves a file or folder over whatever is at the new name.
	Rename(from, to string) error
	// Copy copies a file or a whole tree.
	Copy(from, to string) error
	// Remove removes a file or a whole tree; a missing one is no error.
	Remove(name string) error
	// Free is how many bytes the volume where uploads land can still take.
	Free() (int64, error)
	// Purge makes room. bytes is what the device asks for, its shortage plus
	// 2 GiB; it returns what was freed, or an error when it cannot.
	Purge(ctx context.Context, bytes int64, urgency int) (freed int64, err error)
}

// Upload is one file on its way from the device.
//
// Commit puts it in its place. Abort drops it and leaves whatever had that
// name before: a file the device breaks off (0x0B) must leave nothing.
// Exactly one of them is called, once.
type Upload interface {
	io.Writer
	Commit() error
	Abort() error
}

// SourcedFiles may be implemented by Files that want to know where on the
// device a file comes from ("/var/mobile/Library/SMS/sms.db"; whatever the
// device says, up to MaxPath bytes). CreateFrom is then called instead of
// Create.
type SourcedFiles interface {
	Files
	CreateFrom(source, name string) (Upload, error)
}
