package lockdown

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"russet/internal/plist"
)

// pollTrust is how often a device is asked whether the Trust dialog was
// answered.
const pollTrust = time.Second

// PairOptions are for [Client.Pair]; the zero value will do.
type PairOptions struct {
	// SystemBUID is the name of this computer's usbmuxd (usbmux.Client.ReadBUID).
	// Records with one of their own work, but other programs expect it.
	SystemBUID string
	// Waiting is called once, when the device shows the Trust dialog. It must
	// not block.
	Waiting func()
}

// Pair makes this host known to the device and returns what both now share. If
// the device asks its owner whether to trust this computer, Pair waits for the
// answer as long as ctx allows. Afterwards the record must be stored, and the
// connection closed.
//
// The refusals to expect are [PasswordProtected], [UserDeniedPairing],
// [PairingProhibitedOverThisConnection] and [MCChallengeRequired].
func (c *Client) Pair(ctx context.Context, opts PairOptions) (*PairRecord, error) {
	rec := &PairRecord{
		HostID:     newUUID(),
		SystemBUID: cmp.Or(opts.SystemBUID, newUUID()),
	}
	key, err := c.Value(ctx, "", "DevicePublicKey")
	if err != nil {
		return nil, err
	}
	pem, ok := key.([]byte)
	if !ok {
		return nil, errors.New("lockdown Pair: the device has no public key")
	}
	if v, err := c.Value(ctx, "", "WiFiAddress"); err == nil {
		rec.WiFiMACAddress, _ = v.(string) // a device without Wi-Fi is paired all the same
	} else if !errors.As(err, new(*Error)) {
		return nil, err
	}
	if err := rec.newIdentity(pem, time.Now()); err != nil {
		return nil, fmt.Errorf("lockdown Pair: make certificates: %w", err)
	}
	rec.EscrowBag, err = c.untilTrusted(ctx, rec, opts.Waiting)
	if err != nil {
		return nil, err
	}
	return rec, nil
}

// untilTrusted repeats one request, with the same host and certificates, until
// the person in front of the device has decided.
func (c *Client) untilTrusted(ctx context.Context, rec *PairRecord, waiting func()) (escrowBag []byte, err error) {
	fields := rec.envelope()
	fields["PairingOptions"] = plist.Dict{"ExtendedPairingErrors": true}
	tick := time.NewTicker(pollTrust)
	defer tick.Stop()
	for {
		answer, err := c.call(ctx, "Pair", "", fields)
		if !errors.Is(err, PairingDialogResponsePending) {
			return answer.Data("EscrowBag"), err
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("lockdown Pair: wait for the Trust dialog: %w", context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// Unpair makes the device forget this host. The stored record is of no use
// afterwards.
func (c *Client) Unpair(ctx context.Context, rec *PairRecord) error {
	fields := rec.envelope()
	record := fields["PairRecord"].(plist.Dict)
	if rec.EscrowBag != nil {
		record["EscrowBag"] = rec.EscrowBag
	}
	if rec.WiFiMACAddress != "" {
		record["WiFiMACAddress"] = rec.WiFiMACAddress
	}
	_, err := c.exchange(ctx, "Unpair", "", fields)
	return err
}

// envelope is the record without its secrets, in the form of a request.
func (r *PairRecord) envelope() plist.Dict {
	return plist.Dict{
		"ProtocolVersion": "2",
		"PairRecord": plist.Dict{
			"DeviceCertificate": r.DeviceCertificate,
			"HostCertificate":   r.HostCertificate,
			"RootCertificate":   r.RootCertificate,
			"HostID":            r.HostID,
			"SystemBUID":        r.SystemBUID,
		},
	}
}

// newUUID returns a random UUID in Apple's upper case.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}
