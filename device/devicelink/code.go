package devicelink

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Code is a DeviceLink status: 0, or negative for a failure. The device turns
// it into its own MBErrorDomain code (docs/protocols).
type Code int64

// The codes a device understands.
const (
	CodeOK           Code = 0
	CodeFailed       Code = -1
	CodeBadParameter Code = -3
	CodeNotExist     Code = -6
	CodeExist        Code = -7
	CodeNotDirectory Code = -8
	CodeIsDirectory  Code = -9
	CodeLoop         Code = -10
	CodeIO           Code = -11
	CodeMultiple     Code = -13 // the items have codes of their own
	CodeNoSpace      Code = -15
)

// What the byte after a frame's length says besides negated codes.
const (
	frameEnd  = 0x00
	frameMore = 0x0C
)

// codeOf sorts a local error into the codes of a device.
func codeOf(err error) Code {
	switch {
	case err == nil:
		return CodeOK
	case IsNoSpace(err):
		return CodeNoSpace
	case errors.Is(err, fs.ErrNotExist):
		return CodeNotExist
	case errors.Is(err, syscall.EISDIR):
		return CodeIsDirectory
	case errors.Is(err, syscall.ENOTDIR):
		return CodeNotDirectory
	case errors.Is(err, syscall.ELOOP):
		return CodeLoop
	case errors.Is(err, fs.ErrExist):
		return CodeExist
	case errors.Is(err, syscall.EIO):
		return CodeIO
	}
	if _, ok := errors.AsType[*NameError](err); ok {
		return CodeBadParameter
	}
	return CodeFailed
}

// IsNoSpace reports whether err means that no more fits where files land:
// a full volume, or an owner's limit on it.
func IsNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || isVolumeFull(err)
}

// text is the sentence for the device's log. It is the code's, not the
// error's: those hold paths of this computer.
func (c Code) text() string {
	switch c {
	case CodeNotExist:
		return "No such file or directory"
	case CodeExist:
		return "File exists"
	case CodeNotDirectory:
		return "Not a directory"
	case CodeIsDirectory:
		return "Is a directory"
	case CodeLoop:
		return "Too many levels of symbolic links"
	case CodeIO:
		return "Input/output error"
	case CodeNoSpace:
		return "No space left on device"
	case CodeBadParameter:
		return "Invalid argument"
	case CodeMultiple:
		return "Multi status"
	default:
		return "Operation failed"
	}
}

// String is the number and what it means.
func (c Code) String() string { return fmt.Sprintf("%d (%s)", int64(c), c.text()) }
