package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"russet"
	"russet/device"
	"russet/device/afc"
	"russet/device/devicelink"
	"russet/device/lockdown"
	mb "russet/device/mobilebackup2"
)

// What is being done.
const (
	opBackup         = "back up"
	opRestore        = "restore"
	opPassword       = "change the backup password of"
	opSetPassword    = "set a backup password on"
	opRemovePassword = "remove the backup password of"
)

// ofPassword reports whether op is one of those that change the password.
func ofPassword(op string) bool {
	return op == opPassword || op == opSetPassword || op == opRemovePassword
}

// purgeExtra is what a device asks for beyond its shortage.
const purgeExtra = 2 << 30

// troubles is what went wrong on this side of a run. The device hears of it
// too, but its own error afterwards says less.
type troubles struct {
	first   *devicelink.FileError
	full    *devicelink.FileError // the first for want of space
	need    int64                 // what the device said it needs, once it found too little
	free    int64                 // what it had been told
	isShort bool
	begun   bool // a restore has come as far as the device's files
}

func (t *troubles) failed(e *devicelink.FileError) {
	if t.first == nil {
		t.first = e
	}
	if t.full == nil && devicelink.IsNoSpace(e) {
		t.full = e
	}
}

// short notes what the device asked to be freed: its upload and 128 MiB, less
// what is free, and 2 GiB on top (seen to the byte in libimobiledevice #1384).
func (t *troubles) short(free, asked int64) {
	t.isShort, t.free, t.need = true, free, free+max(0, asked-purgeExtra)
}

// explain turns an error of a run into a russet.Error; nil stays nil.
func (t *troubles) explain(ctx context.Context, op, name string, err error) error {
	if err == nil {
		return nil
	}
	doing := op
	if name != "" {
		doing += fmt.Sprintf(" %q", name)
	}
	if e, ok := errors.AsType[*russet.Error](err); ok {
		explained := *e
		explained.Doing = cmp.Or(e.Doing, doing)
		return &explained
	}
	e := t.translate(ctx, op, err)
	e.Doing, e.Err = doing, err
	return e
}

func (t *troubles) translate(ctx context.Context, op string, err error) *russet.Error {
	if ctx.Err() != nil {
		next := t.next(op)
		if op == opBackup {
			next = "what was received is kept for the next run"
		}
		return stopped(context.Cause(ctx), next)
	}
	ended, hasCode := errors.AsType[*mb.Error](err)
	if !hasCode {
		ended = &mb.Error{}
	}
	if e := t.ours(op, err, ended.Code); e != nil {
		e.Code = int(ended.Code)
		return e
	}
	if hasCode {
		m := meaningOf(ended.Code, op)
		what := m.what
		if _, known := meanings()[ended.Code]; !known && ended.Text != "" {
			what += fmt.Sprintf(": %.200q", ended.Text) // nothing else tells what it is
		}
		return &russet.Error{Kind: m.kind, What: what, Hint: m.hint, Code: int(ended.Code)}
	}
	if e := ofLink(err, t.next(op)); e != nil {
		return e
	}
	if e := ofService(err); e != nil {
		return e
	}
	return &russet.Error{Kind: russet.Failed, What: err.Error(), Hint: hintReport}
}

// ours is what went wrong here, where that explains the end of the run: the
// device gave up after it, or the run never came as far as the device.
func (t *troubles) ours(op string, err error, code mb.Code) *russet.Error {
	switch {
	case t.isShort && code == mb.CodeHostFull:
		return &russet.Error{
			Kind: russet.NoSpace,
			What: fmt.Sprintf("the phone needs %s for this backup, and there are %s", size(t.need), size(t.free)),
			Hint: fmt.Sprintf("make %s more room, or choose another store%s", size(max(0, t.need-t.free)), kept),
		}
	case !followsOurs(code) && !errors.As(err, new(*devicelink.FileError)):
		return nil
	case t.full != nil:
		return &russet.Error{
			Kind: russet.NoSpace,
			What: fmt.Sprintf("no space is left for the backup: %v", t.full),
			Hint: "make room, or choose another store" + kept,
		}
	case t.first == nil:
		return nil
	case op == opRestore:
		return &russet.Error{
			Kind: russet.Damaged,
			What: fmt.Sprintf("the backup cannot be read: %v", t.first),
			Hint: "russet verify --full tells what is wrong with it; try an older one",
		}
	}
	return &russet.Error{
		Kind: russet.Failed,
		What: fmt.Sprintf("on this computer: %v", t.first),
		Hint: "check the disk and the rights of the store's folder, then try again",
	}
}

// followsOurs reports whether a device can end with this code because of what
// failed here. A locked phone or a wrong password has other reasons.
func followsOurs(code mb.Code) bool {
	if code == 0 {
		return false
	}
	switch meaningOf(code, "").kind {
	case russet.Failed, russet.Damaged, russet.NoSpace, russet.Interrupted:
		return code != mb.CodeDeviceFull
	}
	return false
}

// kept ends the next step after a backup that was interrupted.
const kept = "; what was received is kept"

// next is what to do after an end that nothing was wrong with but its time.
func (t *troubles) next(op string) string {
	switch {
	case op == opBackup:
		return "try again" + kept
	case op == opRestore && t.begun:
		return "restore again: the phone may hold a part of the backup only"
	case op == opRestore:
		return "restore again: nothing on the phone has changed"
	}
	return "try again"
}

// stopped explains the end of a run by its context. Who ended it may have said
// why in a person's words.
func stopped(cause error, next string) *russet.Error {
	if e, ok := errors.AsType[*russet.Error](cause); ok {
		said := *e
		return &said
	}
	switch {
	case errors.Is(cause, errCancelledOnDevice):
		return &russet.Error{Kind: russet.Stopped, What: "somebody pressed Cancel on the phone", Hint: next}
	case errors.Is(cause, context.DeadlineExceeded):
		return &russet.Error{Kind: russet.Interrupted, What: "the time given for it is over", Hint: next}
	default:
		return &russet.Error{Kind: russet.Stopped, What: "stopped", Hint: next}
	}
}

// ofLink explains the ways in which a connection ends. A lost one never means
// that a backup failed: it can go on.
func ofLink(err error, next string) *russet.Error {
	if _, ok := errors.AsType[*devicelink.HandshakeError](err); ok {
		return &russet.Error{
			Kind: russet.Interrupted, What: "the phone's backup service does not start a conversation",
			Hint: "unplug the phone and plug it in again; if that does not help, restart it",
		}
	}
	if lost, ok := errors.AsType[*devicelink.LostError](err); ok {
		if lost.Silent > 0 {
			return &russet.Error{
				Kind: russet.Interrupted, What: fmt.Sprintf("the phone was silent for %v", lost.Silent),
				Hint: "unlock the phone, check the cable or the Wi-Fi, then " + next,
			}
		}
		return &russet.Error{Kind: russet.Interrupted, What: "the connection to the phone was lost", Hint: "check the cable or the Wi-Fi, then " + next}
	}
	if _, ok := errors.AsType[*devicelink.DisconnectError](err); ok {
		return &russet.Error{Kind: russet.Interrupted, What: "the phone ended the conversation before it was done", Hint: "unlock the phone, then " + next}
	}
	if _, ok := errors.AsType[*devicelink.ProtocolError](err); ok {
		return &russet.Error{Kind: russet.Failed, What: fmt.Sprintf("the phone cannot be understood: %v", err), Hint: hintReport}
	}
	return nil
}

// ofService explains what lockdownd and the services around a run refuse.
func ofService(err error) *russet.Error {
	switch {
	case errors.Is(err, lockdown.ErrUntrusted) && !lockdown.Dropped(err): // there was a session: hanging up is no distrust
		return &russet.Error{Kind: russet.NotTrusted, What: "the phone no longer trusts this computer", Hint: "connect the cable and pair again: russet pair"}
	case errors.Is(err, lockdown.ErrImpostor):
		return &russet.Error{Kind: russet.NotTrusted, What: "what answers is not the phone that was paired", Hint: "connect the cable and pair again: russet pair"}
	case errors.Is(err, lockdown.PasswordProtected), errors.Is(err, lockdown.EscrowLocked), isStartOfService(err, lockdown.MissingValue):
		return &russet.Error{Kind: russet.Locked, What: "the phone is locked", Hint: "unlock it with its passcode, then try again"}
	case errors.Is(err, lockdown.ServiceProhibited), errors.Is(err, lockdown.MCProtected):
		return &russet.Error{Kind: russet.Unsupported, What: "the phone's management forbids it", Hint: "ask whoever manages the phone"}
	case errors.Is(err, lockdown.InvalidService):
		return &russet.Error{Kind: russet.Unsupported, What: "the phone does not know the backup service", Hint: hintRestart + "; if that does not help, update it"}
	case errors.Is(err, lockdown.ServiceLimit), errors.Is(err, afc.WouldBlock):
		return &russet.Error{Kind: russet.Busy, What: "another program is syncing with the phone", Hint: "wait until it is done, or close it"}
	case errors.Is(err, afc.NoSpace):
		return &russet.Error{Kind: russet.NoSpace, What: fmt.Sprintf("the phone is full: %v", err), Hint: "make room on the phone, then try again"}
	case errors.As(err, new(*afc.Error)):
		return &russet.Error{Kind: russet.Failed, What: fmt.Sprintf("the phone refuses what is needed in its media folder: %v", err), Hint: hintRestart}
	case errors.Is(err, device.ErrRestoreMode):
		return &russet.Error{Kind: russet.Unsupported, What: "the phone is in restore mode", Hint: "restart it"}
	case gone(err):
		return &russet.Error{Kind: russet.Interrupted, What: "the connection to the phone was lost", Hint: "check the cable or the Wi-Fi, then try again"}
	case errors.As(err, new(*lockdown.Error)):
		return &russet.Error{Kind: russet.Failed, What: fmt.Sprintf("the phone refuses: %v", err), Hint: hintRestart}
	case errors.As(err, new(*unreachableError)):
		return &russet.Error{Kind: russet.NotConnected, What: fmt.Sprintf("the phone cannot be reached: %v", err), Hint: "check the cable or the Wi-Fi, and unlock the phone"}
	}
	return nil
}

// gone reports whether an error is of a connection that ended or leads nowhere
// any more, as opposed to a device's answer.
func gone(err error) bool {
	if lockdown.Dropped(err) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, fs.ErrClosed) {
		return true
	}
	for _, code := range []syscall.Errno{syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// isStartOfService reports whether code is the answer to StartService: with an
// escrow bag, MissingValue means "not unlocked since it was switched on".
func isStartOfService(err error, code lockdown.Code) bool {
	e, ok := errors.AsType[*lockdown.Error](err)
	return ok && e.Request == "StartService" && e.Code == code
}

// size writes bytes as disks are sold.
func size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB (%d bytes)", float64(n)/1e9, n)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB (%d bytes)", float64(n)/1e6, n)
	}
	return fmt.Sprintf("%d bytes", n)
}
