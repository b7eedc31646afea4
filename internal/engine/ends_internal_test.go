package engine

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/device/devicelink"
	mb "russet/device/mobilebackup2"
)

// TestNothingIsKeptOfARestore: the next step after an end is one of what was being
// done. A restore and a change of the password keep nothing, and neither is
// helped by a full backup of the phone.
func TestNothingIsKeptOfARestore(t *testing.T) {
	t.Parallel()
	var ends []error
	for code := range meanings() {
		ends = append(ends, &mb.Error{Code: code})
	}
	ends = append(ends, &devicelink.LostError{Err: io.EOF}, &devicelink.LostError{Silent: 1}, &devicelink.DisconnectError{},
		errCancelledOnDevice, context.Canceled, context.DeadlineExceeded)
	for _, op := range []string{opRestore, opPassword, opSetPassword, opRemovePassword} {
		for _, end := range ends {
			ctx, cancel := context.WithCancelCause(t.Context())
			if errors.Is(end, context.Canceled) || errors.Is(end, context.DeadlineExceeded) || errors.Is(end, errCancelledOnDevice) {
				cancel(end)
			}
			e, ok := errors.AsType[*russet.Error]((&troubles{}).explain(ctx, op, "Anna's iPhone", end))
			cancel(nil)
			if !ok || e.Hint == "" || strings.Contains(e.Hint, "received") || strings.Contains(e.Hint, "backup --full") || strings.Contains(e.Hint, "another store") {
				t.Errorf("%s: %v: hint %q", op, end, e.Hint)
			}
		}
	}
}

// TestUnknownCodeIsQuoted: of a code that nobody has explained the device's own
// words are all there is; they are quoted, and cut.
func TestUnknownCodeIsQuoted(t *testing.T) {
	t.Parallel()
	err := (&troubles{}).explain(t.Context(), opRestore, "x", &mb.Error{Code: 999, Text: "\x1b[31mSomething new" + strings.Repeat("x", 1<<16)})
	e, _ := errors.AsType[*russet.Error](err)
	if e == nil || !strings.Contains(e.What, `\x1b[31mSomething new`) || strings.Contains(e.What, "\x1b") || len(e.What) > 400 {
		t.Errorf("error: %v", e)
	}
}

// TestSilentAtTheEnd: a phone that said nothing for too long was not cut off.
func TestSilentAtTheEnd(t *testing.T) {
	t.Parallel()
	e, _ := errors.AsType[*russet.Error](new(restore).whenGone(&devicelink.LostError{Silent: 15 * time.Minute}))
	if e == nil || !strings.Contains(e.What, "silent for 15m0s") || !strings.Contains(e.Hint, "restarting") {
		t.Errorf("error: %v", e)
	}
}
