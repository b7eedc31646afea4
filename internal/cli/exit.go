package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"russet"
	"russet/internal/host"
)

// kindNames are the words for kinds in JSON and in help; fixed, like the
// numbers.
func kindName(k russet.Kind) (name, help string) {
	switch k {
	case 0:
		return "done", "done and good"
	case russet.Usage:
		return "usage", "used wrongly"
	case russet.Partial:
		return "partial", "done, but some files could not be read from the phone"
	case russet.NotConnected:
		return "not_connected", "not connected, or no usbmuxd"
	case russet.NotTrusted:
		return "not_trusted", "not trusted or not paired"
	case russet.Locked:
		return "locked", "locked, or the passcode was not entered"
	case russet.Password:
		return "password", "wrong password"
	case russet.NoSpace:
		return "no_space", "no space, or over the allowance"
	case russet.Interrupted:
		return "interrupted", "interrupted (what was received is kept)"
	case russet.Busy:
		return "busy", "busy (another run)"
	case russet.Damaged:
		return "damaged", "damaged"
	case russet.Unsupported:
		return "unsupported", "not supported"
	case russet.Stopped:
		return "stopped", "stopped by the user"
	default:
		return "failed", "failed (a fault of russet: report it)"
	}
}

// errorJSON is the fixed form of an error for scripts.
type errorJSON struct {
	Kind      string `json:"kind"`
	Code      int    `json:"code"` // the exit status
	Message   string `json:"message"`
	Hint      string `json:"hint,omitempty"`
	PhoneCode int    `json:"phone_code,omitempty"` // MBErrorDomain
}

func newErrorJSON(err *russet.Error) *errorJSON {
	name, _ := kindName(err.Kind)
	return &errorJSON{
		Kind: name, Code: int(err.Kind), Message: err.Error(), Hint: err.Hint, PhoneCode: err.Code,
	}
}

// quiet is an error that was said already; only its exit status is left.
type quiet struct{ kind russet.Kind }

func (q quiet) Error() string { name, _ := kindName(q.kind); return name }

// fail says what went wrong and returns the exit status.
func (a *app) fail(ctx context.Context, err error) int {
	if q, ok := errors.AsType[quiet](err); ok {
		return int(q.kind)
	}
	e := host.Explain(ctx, err)
	if a.json {
		if err := writeJSON(a.err, map[string]any{"error": newErrorJSON(e)}); err != nil {
			return 1
		}
		return int(e.Kind)
	}
	a.say(e)
	return int(e.Kind)
}

// say prints an error as every command does: what it is, then the next step.
func (a *app) say(e *russet.Error) {
	fmt.Fprintf(a.err, "russet: %s\n", a.paint(red, plainLines(e.Error())))
	if e.Hint != "" {
		fmt.Fprintf(a.err, "hint: %s\n", plainLines(e.Hint))
	}
}

// warn prints what a person should know although the command went on.
func (a *app) warn(format string, args ...any) {
	if a.json {
		return // results carry their notes
	}
	fmt.Fprintf(a.err, "%s %s\n", a.paint(yellow, "note:"), plainLines(fmt.Sprintf(format, args...)))
}

// plainLines is plain that keeps line ends. What %q makes of the joiners in a
// name is undone: a family in one sign is no line of codes.
func plainLines(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, `\u200d`, "\u200d"), `\u200c`, "\u200c")
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = plain(lines[i])
	}
	return strings.Join(lines, "\n")
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// usage is an error of the person's.
func usage(hint, format string, args ...any) error {
	return &russet.Error{Kind: russet.Usage, What: fmt.Sprintf(format, args...), Hint: hint}
}
