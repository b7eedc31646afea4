package home

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"russet"
)

// Error explains a failure in russet's own folder.
func Error(err error) error {
	hint := "make the folder writable, or set RUSSET_HOME to another one"
	if FileKind(err) == russet.NoSpace {
		hint = "make room on that disk, or set RUSSET_HOME to a folder on another one"
	}
	return &russet.Error{Kind: FileKind(err), Doing: "use russet's own folder", What: FileProblem(err), Hint: hint, Err: err}
}

// FileKind sorts the failures of a disk of this computer.
func FileKind(err error) russet.Kind {
	switch {
	case errors.Is(err, syscall.ENOSPC), isQuota(err):
		return russet.NoSpace
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return russet.Usage
	default:
		return russet.Failed
	}
}

// FileProblem says what is wrong with a file without the system call's name.
func FileProblem(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Path + ": " + p.Err.Error()
	}
	if l, ok := errors.AsType[*os.LinkError](err); ok {
		return l.New + ": " + l.Err.Error()
	}
	return err.Error()
}
