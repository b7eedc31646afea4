package afc

import (
	"fmt"
	"io/fs"
)

// Status is the device's own number for how a call ended. It is an error only
// so that errors.Is(err, afc.WouldBlock) can ask for it.
type Status uint64

const success Status = 0

// The numbers a program can do something about.
const (
	InvalidArgument  Status = 7
	NotFound         Status = 8
	IsDirectory      Status = 9
	PermissionDenied Status = 10
	NotSupported     Status = 15
	Exists           Status = 16
	NoSpace          Status = 18
	WouldBlock       Status = 19 // somebody else holds the lock
	NotEmpty         Status = 33
)

// text is the name libimobiledevice gives a number, or "".
func (s Status) text() string {
	if s == NotEmpty {
		return "folder not empty"
	}
	texts := [...]string{
		1:  "unknown error",
		2:  "bad header",
		3:  "no resources",
		4:  "read error",
		5:  "write error",
		6:  "unknown packet",
		7:  "invalid argument",
		8:  "no such file",
		9:  "is a folder",
		10: "permission denied",
		11: "service not connected",
		12: "time-out",
		13: "too much data",
		14: "end of data",
		15: "not supported",
		16: "exists",
		17: "busy",
		18: "no space left",
		19: "would block",
		20: "input/output error",
		21: "interrupted",
		22: "in progress",
		23: "internal error",
	}
	if s < Status(len(texts)) {
		return texts[s]
	}
	return ""
}

// Error gives the name and the number.
func (s Status) Error() string {
	if text := s.text(); text != "" {
		return fmt.Sprintf("%s (status %d)", text, uint64(s))
	}
	return fmt.Sprintf("status %d", uint64(s))
}

// Error is a call the device refused.
type Error struct {
	Op     string // "open"
	Path   string // as the caller gave it; "" if the call had none
	Status Status
}

// Error says what was being done to which file, and how it ended.
func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("afc %s: %v", e.Op, e.Status)
	}
	return fmt.Sprintf("afc %s %q: %v", e.Op, e.Path, e.Status)
}

// Is reports whether target is the status of e, or the error of package fs that
// says the same.
func (e *Error) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return e.Status == NotFound
	case fs.ErrExist:
		return e.Status == Exists
	case fs.ErrPermission:
		return e.Status == PermissionDenied
	default:
		return target == e.Status
	}
}
