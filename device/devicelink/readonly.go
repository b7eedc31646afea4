package devicelink

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"
)

// ReadOnly serves a finished backup for a restore: what stands in fsys is seen
// under folder, the UDID the backup came from, and nothing else exists. What
// would write is refused: with RestoreDontCopyBackup a device has no reason
// to. free is what Free answers.
func ReadOnly(fsys fs.FS, folder string, free func() (int64, error)) Files {
	return readOnly{fsys: fsys, folder: folder, free: free}
}

type readOnly struct {
	fsys   fs.FS
	folder string
	free   func() (int64, error)
}

// inside maps a name of the device to one of fsys.
func (r readOnly) inside(op, name string) (string, error) {
	rest, ok := strings.CutPrefix(name, r.folder)
	switch {
	case ok && rest == "":
		return ".", nil
	case ok && rest[0] == '/':
		return rest[1:], nil
	}
	return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

func (r readOnly) Open(name string) (fs.File, error) {
	inside, err := r.inside("open", name)
	if err != nil {
		return nil, err
	}
	return r.fsys.Open(inside)
}

func (r readOnly) ReadDir(name string) ([]fs.DirEntry, error) {
	inside, err := r.inside("list", name)
	if err != nil {
		return nil, err
	}
	return fs.ReadDir(r.fsys, inside)
}

func (r readOnly) Free() (int64, error) { return r.free() }

func refused(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: syscall.EROFS}
}

func (r readOnly) Create(name string) (Upload, error) { return nil, refused("create", name) }
func (r readOnly) Mkdir(name string) error            { return refused("mkdir", name) }
func (r readOnly) Rename(from, _ string) error        { return refused("rename", from) }
func (r readOnly) Copy(from, _ string) error          { return refused("copy", from) }
func (r readOnly) Remove(name string) error           { return refused("remove", name) }

func (r readOnly) Purge(context.Context, int64, int) (int64, error) {
	return 0, errors.ErrUnsupported
}
