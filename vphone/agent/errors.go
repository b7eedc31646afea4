package agent

import (
	"errors"
	"fmt"

	"russet/vphone/agent/internal/link"
)

// Codes of MBErrorDomain that the agent ends an operation with.
const (
	codeGeneric      = 1
	codeMultiple     = 2
	codeExists       = 3
	codeNotFound     = 4
	codeNotDirectory = 5
	codeIsDirectory  = 6
	codeLoop         = 7
	codePolicy       = 22
	codeICloud       = 25
	codeIO           = 100
	codeDeviceWrite  = 102
	codeHostRead     = 103
	codeHostWrite    = 104
	codeHostSpace    = 105
	codeDeviceSpace  = 106
	codeVersion      = 203
	codeNoBackup     = 204
	codeDamaged      = 205
	codePassword     = 207
	codeLocked       = 208
	codeFindMy       = 211
	codeSetup        = 212
)

// failure is what an operation ends with in its Response.
type failure struct {
	code  int
	text  string
	cause error
}

func fail(code int, cause error, format string, args ...any) error {
	return &failure{code: code, text: fmt.Sprintf(format, args...), cause: cause}
}

// Error reads as phones write it: "Insufficient free disk space on drive to
// back up (MBErrorDomain/105). Underlying error: ...".
func (f *failure) Error() string {
	s := fmt.Sprintf("%s (MBErrorDomain/%d)", f.text, f.code)
	if f.cause != nil {
		s += ". Underlying error: " + f.cause.Error()
	}
	return s
}

func (f *failure) Unwrap() error { return f.cause }

// linkCode finds the DeviceLink code in an error; ok is false when the error
// is no answer of the host but the end of the connection.
func linkCode(err error) (code int64, ok bool) {
	if f, is := errors.AsType[*link.Failure](err); is {
		return f.Status.Code, true
	}
	if f, is := errors.AsType[*link.FileError](err); is {
		return f.Code, true
	}
	return 0, false
}

// inStep says whether host and phone still understand each other after an
// error: it is an answer of the host, or the agent's own verdict on one.
func inStep(err error) bool {
	_, answered := linkCode(err)
	_, verdict := errors.AsType[*failure](err)
	return answered || verdict
}

// domainCode turns a DeviceLink code into one of MBErrorDomain. [D]
func domainCode(code int64) int {
	switch code {
	case link.CodeNotFound:
		return codeNotFound
	case link.CodeExists:
		return codeExists
	case -8:
		return codeNotDirectory
	case -9:
		return codeIsDirectory
	case -10:
		return codeLoop
	case link.CodeMulti:
		return codeMultiple
	case link.CodeNoSpace:
		return codeHostSpace
	}
	return codeIO
}

// reading wraps the failure of reading from the host: what is not there means
// a damaged backup, the rest a drive that can't be read. [D]
func reading(err error, format string, args ...any) error {
	code, ok := linkCode(err)
	if !ok {
		return err
	}
	if domainCode(code) == codeNotFound {
		return fail(codeDamaged, err, format, args...)
	}
	return fail(codeHostRead, err, format, args...)
}

// writing wraps the failure of writing to the host. [D]
func writing(err error, format string, args ...any) error {
	code, ok := linkCode(err)
	if !ok {
		return err
	}
	switch domainCode(code) {
	case codeExists, codeNotFound:
		return fail(codeDamaged, err, format, args...)
	}
	return fail(codeHostWrite, err, format, args...)
}
