package reach

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"

	"russet"
	"russet/device"
	"russet/device/lockdown"
	"russet/device/usbmux"
	"russet/internal/doctor"
)

// What a device or a place says is sorted by what there is to do about it.
func TestPhoneStates(t *testing.T) {
	refusal := func(c lockdown.Code) error {
		return fmt.Errorf("open: %w", &lockdown.Error{Request: "StartSession", Code: c})
	}
	for _, c := range []struct {
		s    Sighting
		want doctor.PhoneState
	}{
		{Sighting{err: fmt.Errorf("record: %w", fs.ErrNotExist)}, doctor.PhoneUnpaired},
		{Sighting{err: fs.ErrNotExist, Device: russet.Device{Locked: true}}, doctor.PhoneLocked},
		{Sighting{err: errors.New("pair record: not a property list"), unread: true}, doctor.PhoneUnreadable},
		{Sighting{err: refusal(lockdown.UserDeniedPairing)}, doctor.PhoneRefused},
		{Sighting{err: lockdown.ErrImpostor}, doctor.PhoneOther},
		{Sighting{err: fmt.Errorf("%w: EOF", lockdown.ErrUntrusted)}, doctor.PhoneForgotten},
		{Sighting{err: refusal(lockdown.InvalidHostID)}, doctor.PhoneForgotten},
		{Sighting{err: refusal(lockdown.InvalidPairRecord)}, doctor.PhoneForgotten},
		{Sighting{err: refusal(lockdown.PasswordProtected)}, doctor.PhoneFresh},
		{Sighting{err: refusal(lockdown.MissingValue)}, doctor.PhoneFresh},
		{Sighting{err: refusal(lockdown.EscrowLocked)}, doctor.PhoneSealed},
		{Sighting{err: refusal(lockdown.ServiceLimit)}, doctor.PhoneCrowded},
		{Sighting{err: refusal(lockdown.MCProtected)}, doctor.PhoneManaged},
		{Sighting{err: refusal(lockdown.MCChallengeRequired)}, doctor.PhoneManaged},
		{Sighting{err: fmt.Errorf("ask: %w", device.ErrRestoreMode)}, doctor.PhoneRestore},
		{Sighting{err: context.DeadlineExceeded}, doctor.PhoneSilent},
		{Sighting{err: &usbmux.Error{Request: "Connect", Code: 3}}, doctor.PhoneSilent},
	} {
		if got := phoneState(c.s); got != c.want {
			t.Errorf("%v: %s, want %s", c.s.err, got, c.want)
		}
	}
}

func TestMuxStates(t *testing.T) {
	dial := func(err error) error {
		return fmt.Errorf("%w at %q: %w", usbmux.ErrNoDaemon, "/x", &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", err)})
	}
	for _, c := range []struct {
		err  error
		want doctor.MuxState
	}{
		{nil, doctor.MuxAnswers},
		{dial(syscall.ENOENT), doctor.MuxAbsent},
		{dial(syscall.ECONNREFUSED), doctor.MuxStale},
		{fmt.Errorf("%w: %w", usbmux.ErrNoDaemon, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}), doctor.MuxAbsent},
		{dial(syscall.EACCES), doctor.MuxForbidden},
		{fmt.Errorf("usbmuxd ListDevices: %w", os.ErrDeadlineExceeded), doctor.MuxSilent},
		{fmt.Errorf("usbmuxd ListDevices: %w", context.DeadlineExceeded), doctor.MuxSilent},
		{errors.New("usbmuxd ListDevices: the answer has no list"), doctor.MuxStrange},
	} {
		if got := muxState(c.err); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
}

func TestAddressStates(t *testing.T) {
	op := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for _, c := range []struct {
		err  error
		want doctor.AddressState
	}{
		{op(&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}), doctor.AddressNoName},
		{op(&net.DNSError{Err: "server misbehaving", Name: "x", IsTemporary: true}), doctor.AddressNoName},
		{op(os.NewSyscallError("connect", syscall.ECONNREFUSED)), doctor.AddressRefused},
		{op(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), doctor.AddressNoRoute},
		{op(os.NewSyscallError("connect", syscall.ENETUNREACH)), doctor.AddressNoRoute},
		{errors.Join(context.DeadlineExceeded, op(os.ErrDeadlineExceeded)), doctor.AddressSilent},
		{lockdown.ErrImpostor, doctor.AddressOther},
		{&lockdown.Error{Request: "StartSession", Code: lockdown.InvalidHostID}, doctor.AddressOther},
		{op(os.NewSyscallError("read", syscall.ECONNRESET)), doctor.AddressSilent},
		{errors.New("something that calls itself \"web server\" answers in place of lockdownd"), doctor.AddressRefused},
	} {
		if got, why := addressState(c.err); got != c.want || why == "" {
			t.Errorf("%v: %s (%s), want %s", c.err, got, why, c.want)
		}
	}
}
