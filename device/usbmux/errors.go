package usbmux

import (
	"errors"
	"fmt"
	"io/fs"
)

// Error is a refusal by usbmuxd.
type Error struct {
	Request string // "Connect"
	Code    int64  // the daemon's number
}

// The refusals a program can do something about; ask with errors.Is.
var (
	// ErrBadDevice: no such device, or it has gone.
	ErrBadDevice = errors.New("no such device")
	// ErrRefused: nothing listens on that port of the device.
	ErrRefused = errors.New("connection refused by the device")
	// ErrNotSaved: the daemon said that it saved a pair record and did not.
	ErrNotSaved = errors.New("usbmuxd did not keep the pair record")
)

// Numbers of a Result, as usbmuxd and its clients use them.
const (
	codeBadCommand = 1
	codeBadDevice  = 2 // also ENOENT, for pair records
	codeRefused    = 3
	codeBadVersion = 6
	codeInvalid    = 22 // EINVAL
)

// Error gives the request, what its result means, and the number.
func (e *Error) Error() string {
	text := ""
	switch e.Code {
	case codeBadCommand:
		text = "unknown request"
	case codeBadDevice:
		text = "no such device"
		if e.about(fs.ErrNotExist) {
			text = "no pair record"
		}
	case codeRefused:
		text = "connection refused by the device"
	case codeBadVersion:
		text = "unknown protocol version"
	case codeInvalid:
		text = "an argument is missing"
	default:
		return fmt.Sprintf("usbmuxd %s: result %d", e.Request, e.Code)
	}
	return fmt.Sprintf("usbmuxd %s: %s (result %d)", e.Request, text, e.Code)
}

// Is matches [ErrBadDevice], [ErrRefused] and, for a missing pair record,
// fs.ErrNotExist.
func (e *Error) Is(target error) bool { return e.about(target) }

func (e *Error) about(target error) bool {
	records := e.Request == "ReadPairRecord" || e.Request == "DeletePairRecord"
	switch target {
	case ErrBadDevice:
		return e.Code == codeBadDevice && !records
	case fs.ErrNotExist:
		return e.Code == codeBadDevice && records
	case ErrRefused:
		return e.Code == codeRefused
	default:
		return false
	}
}
