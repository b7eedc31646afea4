package lockdown

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"russet/device/internal/wire"
	"russet/internal/plist"
)

// Code is the device's own word for a refusal. It is an error only so that
// errors.Is(err, lockdown.PasswordProtected) can ask for it.
type Code string

// The codes a program can do something about. Devices know about thirty more.
const (
	// MissingValue: there is no such value. As the answer to StartService with
	// an escrow bag: the device was not unlocked since it was switched on.
	MissingValue Code = "MissingValue"
	// PasswordProtected: the device is locked, or was not unlocked since it was
	// switched on.
	PasswordProtected Code = "PasswordProtected"
	// PairingDialogResponsePending: "Trust This Computer?" is on the screen.
	PairingDialogResponsePending Code = "PairingDialogResponsePending"
	// UserDeniedPairing: somebody tapped "Don't Trust". The dialog comes again
	// when the cable is plugged in again.
	UserDeniedPairing Code = "UserDeniedPairing"
	// PairingProhibitedOverThisConnection: pairing needs the cable.
	PairingProhibitedOverThisConnection Code = "PairingProhibitedOverThisConnection"
	// MCChallengeRequired: the device is supervised and pairs only with
	// computers of its organisation.
	MCChallengeRequired Code = "MCChallengeRequired"
	// MCProtected: a configuration profile forbids it.
	MCProtected Code = "MCProtected"
	// InvalidHostID: the device does not know this host, or has forgotten it.
	InvalidHostID Code = "InvalidHostID"
	// InvalidPairRecord: the device cannot use the certificates.
	InvalidPairRecord Code = "InvalidPairRecord"
	// GetProhibited, SetProhibited: not without a session, or never.
	GetProhibited Code = "GetProhibited"
	SetProhibited Code = "SetProhibited"
	// InvalidService: this iOS has no such service.
	InvalidService Code = "InvalidService"
	// ServiceProhibited: the device does not start it now.
	ServiceProhibited Code = "ServiceProhibited"
	// ServiceLimit: too many of this service are running.
	ServiceLimit Code = "ServiceLimit"
	// EscrowLocked: the escrow bag does not open the device.
	EscrowLocked Code = "EscrowLocked"
	// SessionInactive, InvalidSessionID: the session has ended.
	SessionInactive  Code = "SessionInactive"
	InvalidSessionID Code = "InvalidSessionID"
)

// Error is the device's word as it is.
func (c Code) Error() string { return string(c) }

// meaning says in plain words what a code does not say by itself.
func (c Code) meaning() string {
	switch c {
	case PasswordProtected:
		return "the device is locked"
	case EscrowLocked:
		return "the pair record does not open the locked device"
	case ServiceLimit:
		return "too many programs use it"
	case PairingDialogResponsePending:
		return "the device asks whether to trust this computer"
	case UserDeniedPairing:
		return "somebody declined on the device"
	case PairingProhibitedOverThisConnection:
		return "pairing needs a cable"
	case MCChallengeRequired:
		return "the device is supervised and pairs only with computers of its organisation"
	case MCProtected:
		return "a configuration profile forbids it"
	case InvalidHostID:
		return "the device does not know this computer"
	default:
		return ""
	}
}

// Error is a refusal by lockdownd.
type Error struct {
	Request string // "StartService"
	Subject string // the service, or domain and key, it was about; "" if none
	Code    Code
}

// Error gives the request, the device's word and what that means.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("lockdown " + e.Request)
	if e.Subject != "" {
		b.WriteString(" " + e.Subject)
	}
	if e.Code.known() {
		b.WriteString(": " + string(e.Code))
	} else {
		fmt.Fprintf(&b, ": %q", string(e.Code))
	}
	if m := e.Code.meaning(); m != "" {
		b.WriteString(" (" + m + ")")
	}
	return b.String()
}

// known reports whether the code is a plain word, as all of Apple's are.
func (c Code) known() bool {
	return strings.IndexFunc(string(c), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
}

// Is reports whether target is the code of e, or [ErrUntrusted] when e says the
// same in the device's words.
func (e *Error) Is(target error) bool {
	return target == e.Code || (target == ErrUntrusted && e.Code == InvalidHostID)
}

var (
	// ErrUntrusted: the device no longer trusts this computer, although there
	// is a pair record. Pair again; that needs the cable. (A cable that is pulled
	// at the moment a session starts looks the same.)
	ErrUntrusted = errors.New("the device no longer trusts this computer")
	// ErrImpostor: what answered does not hold the key of the paired device.
	ErrImpostor = errors.New("the device does not hold the key it was paired with")
)

// refusalOf returns the error code in an answer, "" if there is none. Before
// iOS 5 some refusals were only a Result.
func refusalOf(answer plist.Dict) Code {
	if answer.Has("Error") {
		if s := answer.String("Error"); s != "" {
			return Code(wire.Brief(s))
		}
		return "an error without a name"
	}
	if answer.String("Result") == "Failure" {
		return "Failure"
	}
	return ""
}

// Dropped reports whether err means that the other side closed the connection,
// as opposed to an answer, a time-out or the end of a context.
func Dropped(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, syscall.ECONNABORTED)
}

// distrust marks errors of the first moments of an encrypted connection that
// mean one thing: a device that has dropped the pairing hangs up, or refuses
// the certificate.
func distrust(err error) error {
	if Dropped(err) || refusesCertificate(err) {
		return fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	return err
}

// refusesCertificate reports whether the device answered with one of the alerts
// bad_certificate to access_denied or certificate_required (RFC 8446, section
// 6). crypto/tls keeps their type to itself.
func refusesCertificate(err error) bool {
	remote, ok := errors.AsType[*net.OpError](err)
	if !ok || remote.Op != "remote error" || remote.Err == nil {
		return false
	}
	for _, alert := range []tls.AlertError{42, 43, 44, 45, 46, 48, 49, 116} {
		if remote.Err.Error() == alert.Error() {
			return true
		}
	}
	return false
}
