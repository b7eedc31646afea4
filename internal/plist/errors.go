package plist

import (
	"errors"
	"fmt"
)

// The kinds of error a parse can end with; ask with errors.Is.
var (
	// ErrFormat: the bytes are no property list, or not one of the shape asked for.
	ErrFormat = errors.New("not a property list")
	// ErrSyntax: the list is damaged or hostile.
	ErrSyntax = errors.New("malformed property list")
	// ErrLimit: the list may be sound, but is larger than the caller allows.
	ErrLimit = errors.New("property list exceeds a limit")
)

// Error says what is wrong with a property list, and where.
type Error struct {
	Kind   error  // ErrFormat, ErrSyntax or ErrLimit
	Offset int    // byte offset in the input at or near the fault
	Reason string // what was found, for a log
}

func (e *Error) Error() string {
	return fmt.Sprintf("%v: %s at offset %d", e.Kind, e.Reason, e.Offset)
}

// Unwrap makes errors.Is find the kind.
func (e *Error) Unwrap() error { return e.Kind }

func syntaxError(offset int, format string, args ...any) error {
	return &Error{Kind: ErrSyntax, Offset: offset, Reason: fmt.Sprintf(format, args...)}
}
