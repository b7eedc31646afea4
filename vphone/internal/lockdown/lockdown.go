// Package lockdown is the device's end of lockdownd: values, pairing,
// sessions, and the door to every other service.
//
// The package speaks the protocol; what a phone knows and decides is behind
// [Phone].
package lockdown

import "crypto/tls"

// Port is where lockdownd listens on every device.
const Port = 62078

// An Error is a refusal in lockdownd's own word, as it goes over the wire.
type Error string

func (e Error) Error() string { return "lockdownd: " + string(e) }

// The words this phone uses, as clients list them.
const (
	ErrMissingKey         Error = "MissingKey"
	ErrMissingValue       Error = "MissingValue"
	ErrGetProhibited      Error = "GetProhibited"
	ErrSetProhibited      Error = "SetProhibited"
	ErrRemoveProhibited   Error = "RemoveProhibited"
	ErrImmutableValue     Error = "ImmutableValue"
	ErrPasswordProtected  Error = "PasswordProtected"
	ErrUserDenied         Error = "UserDeniedPairing"
	ErrDialogPending      Error = "PairingDialogResponsePending"
	ErrMissingHostID      Error = "MissingHostID"
	ErrInvalidHostID      Error = "InvalidHostID"
	ErrSessionActive      Error = "SessionActive"
	ErrSessionInactive    Error = "SessionInactive"
	ErrMissingSessionID   Error = "MissingSessionID"
	ErrInvalidSessionID   Error = "InvalidSessionID"
	ErrMissingService     Error = "MissingService"
	ErrInvalidService     Error = "InvalidService"
	ErrServiceLimit       Error = "ServiceLimit"
	ErrMissingPairRecord  Error = "MissingPairRecord"
	ErrSavePairRecord     Error = "SavePairRecordFailed"
	ErrInvalidPairRecord  Error = "InvalidPairRecord"
	ErrEscrowLocked       Error = "EscrowLocked"
	ErrPairingOverNetwork Error = "PairingProhibitedOverThisConnection"
	ErrInvalidRequest     Error = "InvalidRequest" // a guess: no client lists a word for it
)

// A PairRecord is what a host sends with Pair. The certificates are PEM and
// kept as they came: hosts use serial numbers and hashes that Go refuses to
// make, and the device's must be presented byte for byte.
type PairRecord struct {
	HostID            string
	SystemBUID        string
	DeviceCertificate []byte
	HostCertificate   []byte
	RootCertificate   []byte
}

// Phone is what lockdownd asks of the phone for one connection. Refusals are
// of type [Error]; any other error ends the connection.
type Phone interface {
	// Get returns a value, or everything readable in a domain when key is "".
	Get(domain, key string, session bool) (any, error)
	Set(domain, key string, value any, session bool) error
	Remove(domain, key string, session bool) error
	// Pair returns the EscrowBag.
	Pair(r PairRecord) ([]byte, error)
	ValidatePair(hostID string) error
	Unpair(hostID string) error
	// Session returns how TLS is to be done with a host.
	Session(hostID string) (*tls.Config, error)
	// Start makes a service listen. The session is nil outside of one.
	Start(service string, escrow []byte, session *tls.Config) (port uint16, secure bool, err error)
}
