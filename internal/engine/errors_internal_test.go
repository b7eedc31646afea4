package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"russet"
	"russet/device/afc"
	"russet/device/devicelink"
	"russet/device/lockdown"
	mb "russet/device/mobilebackup2"
)

// Every code that is known anywhere (protocols, 3.14 of our notes, and 24 from
// the field) has a sentence and a next step for each thing that can be done.
func TestEveryCodeIsExplained(t *testing.T) {
	codes := []int{
		1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 22, 24, 25, 26, 100, 101, 102, 103, 104, 105, 106,
		202, 203, 204, 205, 207, 208, 209, 210, 211, 212, 217, 218, 219, 220, 221, 222, 223, 224,
		300, 301, 302, 303, 304, 305, 306, 307,
	}
	if len(meanings()) != len(codes) {
		t.Errorf("%d codes are explained, %d are known", len(meanings()), len(codes))
	}
	for _, code := range codes {
		if _, ok := meanings()[mb.Code(code)]; !ok {
			t.Errorf("code %d is not explained", code)
		}
		for _, op := range []string{opBackup, opRestore, opPassword} {
			err := (&troubles{}).explain(t.Context(), op, "Anna's iPhone", &mb.Error{Code: mb.Code(code), Text: "their words"})
			e, ok := errors.AsType[*russet.Error](err)
			if !ok || e.Code != code || e.Kind == 0 || e.What == "" || e.Hint == "" || !strings.Contains(e.Error(), "Anna's iPhone") {
				t.Errorf("%s: code %d: %v", op, code, err)
			}
			if strings.Contains(e.What, "their words") {
				t.Errorf("%s: code %d repeats the device: %q", op, code, e.What)
			}
		}
	}
}

func TestExplain(t *testing.T) {
	refusal := func(code lockdown.Code) error { return &lockdown.Error{Request: "StartService", Code: code} }
	tests := []struct {
		err  error
		kind russet.Kind
	}{
		// A lost connection has three shapes (seen in the field) and they mean the same.
		{&devicelink.LostError{Silent: 15 * time.Minute}, russet.Interrupted},
		{&devicelink.LostError{Err: syscall.ECONNRESET}, russet.Interrupted},
		{&devicelink.DisconnectError{Reason: "heartbeat"}, russet.Interrupted},
		{&devicelink.HandshakeError{Err: io.ErrUnexpectedEOF}, russet.Interrupted},
		{&devicelink.ProtocolError{What: "nonsense"}, russet.Failed},
		{refusal(lockdown.PasswordProtected), russet.Locked},
		{refusal(lockdown.MissingValue), russet.Locked},
		{refusal(lockdown.EscrowLocked), russet.Locked},
		{refusal(lockdown.InvalidService), russet.Unsupported},
		{refusal(lockdown.MCProtected), russet.Unsupported},
		{refusal(lockdown.ServiceLimit), russet.Busy},
		{&unreachableError{refusal(lockdown.InvalidHostID)}, russet.NotTrusted},
		{&unreachableError{refusal("SomethingNew")}, russet.Failed},
		{lockdown.ErrImpostor, russet.NotTrusted},
		{fmt.Errorf("lock: %w", afc.WouldBlock), russet.Busy},
		{&afc.Error{Op: "make a folder", Status: afc.PermissionDenied}, russet.Failed},
		{&afc.Error{Op: "write", Status: afc.NoSpace}, russet.NoSpace},
		{&unreachableError{errors.New("no route")}, russet.NotConnected},
		{fmt.Errorf("read: %w", io.ErrUnexpectedEOF), russet.Interrupted},
		{errors.New("something else"), russet.Failed},
	}
	for _, tt := range tests {
		err := (&troubles{}).explain(t.Context(), opBackup, "Anna's iPhone", tt.err)
		e, ok := errors.AsType[*russet.Error](err)
		if !ok || e.Kind != tt.kind || e.What == "" || e.Hint == "" || !errors.Is(err, tt.err) {
			t.Errorf("%v: kind %d (want %d): %v", tt.err, russet.KindOf(err), tt.kind, err)
		}
	}
	if err := (&troubles{}).explain(t.Context(), opBackup, "x", nil); err != nil {
		t.Errorf("nothing wrong: %v", err)
	}
}

// What failed here explains the device's error after it, unless that has
// reasons of its own.
func TestOwnTroublesExplainTheDevices(t *testing.T) {
	full := &devicelink.FileError{Doing: "receive", Name: "a", Err: syscall.ENOSPC}
	denied := &devicelink.FileError{Doing: "receive", Name: "a", Err: fs.ErrPermission}
	tests := []struct {
		failures []*devicelink.FileError
		err      error
		kind     russet.Kind
		what     string
	}{
		{[]*devicelink.FileError{full}, &mb.Error{Code: 105}, russet.NoSpace, "no space is left"},
		{[]*devicelink.FileError{denied, full}, &mb.Error{Code: 104}, russet.NoSpace, "no space is left"},
		{[]*devicelink.FileError{denied}, &mb.Error{Code: 104}, russet.Failed, "on this computer"},
		{[]*devicelink.FileError{denied}, &mb.Error{Code: 24}, russet.Failed, "on this computer"},
		{[]*devicelink.FileError{denied}, &mb.Error{Code: 208}, russet.Locked, "locked"},
		{[]*devicelink.FileError{denied}, &devicelink.LostError{Err: io.EOF}, russet.Interrupted, "lost"},
		{[]*devicelink.FileError{full}, full, russet.NoSpace, "no space is left"},
	}
	for _, tt := range tests {
		var own troubles
		for _, f := range tt.failures {
			own.failed(f)
		}
		e, ok := errors.AsType[*russet.Error](own.explain(t.Context(), opBackup, "x", tt.err))
		if !ok || e.Kind != tt.kind || !strings.Contains(e.What, tt.what) {
			t.Errorf("%v after %v: %v", tt.err, tt.failures, e)
		}
	}
}

// The need is exact: libimobiledevice #1384 has a host that reported 10,000,000
// bytes and was asked for 26,418,026,591.
func TestNeed(t *testing.T) {
	var own troubles
	own.short(10_000_000, 26_418_026_591)
	e, _ := errors.AsType[*russet.Error](own.explain(t.Context(), opBackup, "x", &mb.Error{Code: 105}))
	if e == nil || e.Kind != russet.NoSpace || !strings.Contains(e.What, "24280542943 bytes") || !strings.Contains(e.What, "10000000 bytes") {
		t.Errorf("error: %v", e)
	}
}

func TestStoppedSaysByWhom(t *testing.T) {
	for cause, want := range map[error]russet.Kind{
		context.Canceled:         russet.Stopped,
		errCancelledOnDevice:     russet.Stopped,
		context.DeadlineExceeded: russet.Interrupted,
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		err := (&troubles{}).explain(ctx, opBackup, "x", &devicelink.LostError{Err: io.EOF})
		if got := russet.KindOf(err); got != want {
			t.Errorf("%v: kind %d", cause, got)
		}
	}
}
