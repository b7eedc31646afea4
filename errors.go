package russet

import (
	"errors"
	"fmt"
)

// Kind sorts the failures a person can do something about. Every command ends
// with one exit status per kind (see ExitCode); the numbers never change.
type Kind int

// The kinds, with their exit statuses.
const (
	Failed       Kind = 1   // a fault of ours: report it
	Usage        Kind = 2   // used wrongly
	Partial      Kind = 3   // done, but some files could not be read from the phone
	NotConnected Kind = 10  // no device, or no usbmuxd
	NotTrusted   Kind = 11  // not paired, or the dialog was refused
	Locked       Kind = 12  // locked, or the passcode was not typed
	Password     Kind = 13  // wrong backup password
	NoSpace      Kind = 14  // no space, or over the allowance
	Interrupted  Kind = 15  // connection lost; what was received is kept
	Busy         Kind = 16  // another run is at work
	Damaged      Kind = 17  // a backup is damaged
	Unsupported  Kind = 18  // not supported
	Stopped      Kind = 130 // stopped by the user
)

// Error is a failure with what a person should know and do about it.
type Error struct {
	Kind  Kind
	Doing string // what was being done: "back up \"Anna's iPhone\""
	What  string // what went wrong, in plain words
	Hint  string // the next step; may be ""
	Code  int    // the device's own MBErrorDomain code; 0 if none
	Err   error  // the cause, for logs; may be nil
}

// Error gives one line: what was being done and what went wrong.
func (e *Error) Error() string {
	s := e.What
	if s == "" && e.Err != nil {
		s = e.Err.Error()
	}
	if e.Doing != "" {
		s = e.Doing + ": " + s
	}
	if e.Code != 0 {
		s += fmt.Sprintf(" (the phone's code %d)", e.Code)
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err: that of the *Error it wraps, else, or if that
// has none, Failed. A nil error has kind 0, and only that.
func KindOf(err error) Kind {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Kind != 0 {
		return e.Kind
	}
	return Failed
}

// ExitCode is the exit status for err; 0 for nil.
func ExitCode(err error) int { return int(KindOf(err)) }
