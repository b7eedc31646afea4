package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"syscall"

	"russet"
	"russet/device/afc"
	"russet/internal/home"
)

// errStop is the cause of a context that a person cancelled.
var errStop = errors.New("stopped by the user")

// Stop cancels ctx as a person's wish: what runs under it ends cleanly, keeps
// what was received, and says so.
func Stop(cancel context.CancelCauseFunc) { cancel(errStop) }

// Explain turns any error into one that a person can act on. Errors that are
// explained already come back as they are; whatever is left is a fault of
// russet, and says how to report it.
func Explain(ctx context.Context, err error) *russet.Error {
	if err == nil {
		return nil
	}
	if errors.Is(context.Cause(ctx), errStop) {
		what := "stopped"
		if e, ok := errors.AsType[*russet.Error](err); ok && e.Kind == russet.Stopped && e.What != "" {
			what = e.What // who says so himself knows more
		}
		return &russet.Error{Kind: russet.Stopped, What: what, Hint: stoppedHint(err), Err: err}
	}
	if e, ok := errors.AsType[*russet.Error](err); ok {
		return withDiskKind(e)
	}
	e := &russet.Error{Kind: fileKind(err), What: err.Error(), Err: err}
	switch {
	case e.Kind == russet.NoSpace:
		e.Hint = "make room on that disk, or choose another store"
	case isPrivacy(err):
		e.Hint = privacyHint
	case e.Kind == russet.Usage:
		e.Hint = "check who owns the folder and that the disk is not write-protected"
	case errors.Is(err, context.DeadlineExceeded):
		e.Kind = russet.Interrupted
		e.Hint = "check the cable or the network and try again"
	default:
		e.Hint = "this looks like a fault of russet: run it again with --debug and report what it prints"
	}
	return e
}

// withDiskKind corrects an error of no kind of its own whose cause is a disk
// that is full or must not be written to. One without any kind is a failure.
func withDiskKind(e *russet.Error) *russet.Error {
	kind := russet.KindOf(e)
	if kind == russet.Failed {
		kind = fileKind(e.Err)
	}
	if kind == e.Kind {
		return e
	}
	sorted := *e
	sorted.Kind = kind
	return &sorted
}

// stoppedHint keeps what the stopped part had to say for itself.
func stoppedHint(err error) string {
	if e, ok := errors.AsType[*russet.Error](err); ok && e.Kind == russet.Stopped {
		return e.Hint
	}
	return ""
}

// fileKind sorts the failures of a disk of this computer.
func fileKind(err error) russet.Kind {
	if errors.As(err, new(*afc.Error)) {
		return russet.Failed // the phone's own disk
	}
	return home.FileKind(err)
}

// privacyHint is about a rule of macOS that refuses without asking anybody.
const privacyHint = "macOS keeps this folder from programs: give your terminal (or russet) Full Disk Access in System Settings > Privacy & Security, then start it again"

// isPrivacy reports whether macOS refused for privacy: "operation not
// permitted" on the folder where Finder keeps backups.
func isPrivacy(err error) bool {
	if runtime.GOOS != "darwin" || !errors.Is(err, syscall.EPERM) {
		return false
	}
	p, ok := errors.AsType[*fs.PathError](err)
	return ok && strings.Contains(p.Path, "MobileSync")
}

// plural says "1 file", "3 files".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
