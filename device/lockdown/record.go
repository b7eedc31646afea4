package lockdown

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"

	"russet/internal/plist"
)

// PairRecord is what a device and this computer have agreed upon. Whoever holds
// it can read everything on the device, so it prints as "…"; [PairRecord.Marshal]
// is the way to store it.
type PairRecord struct {
	HostID     string // a UUID, the name of this host on the device
	SystemBUID string // a UUID, the name of this host's usbmuxd

	// Certificates and keys, as PEM.
	DeviceCertificate []byte
	HostCertificate   []byte
	HostPrivateKey    []byte
	RootCertificate   []byte
	RootPrivateKey    []byte

	EscrowBag      []byte // opens the data of a locked device; may be missing
	WiFiMACAddress string // "aa:bb:cc:dd:ee:ff"; how the device is found on a network

	other plist.Dict // keys of other programs, kept
}

// maxRecord bounds a pair record; with two RSA keys it has about 7 KB.
const maxRecord = 1 << 20

// ParsePairRecord reads a pair record as usbmuxd keeps it, binary or XML. It
// must have what a session needs.
func ParsePairRecord(data []byte) (*PairRecord, error) {
	if len(data) > maxRecord {
		return nil, fmt.Errorf("pair record of %d bytes", len(data))
	}
	d, err := plist.ParseDict(data)
	if err != nil {
		return nil, fmt.Errorf("pair record: %w", err)
	}
	r := &PairRecord{}
	for key, field := range r.texts() {
		*field = d.String(key)
		delete(d, key)
	}
	for key, field := range r.blobs() {
		*field = d.Data(key)
		delete(d, key)
	}
	r.other = d
	if r.HostID == "" || r.SystemBUID == "" {
		return nil, errors.New("pair record without the name of a host")
	}
	if _, err := tlsConfig(r, false); err != nil {
		return nil, fmt.Errorf("pair record: %w", err)
	}
	return r, nil
}

// Marshal gives the record as XML, in the form usbmuxd keeps. What it returns
// is as secret as the record.
func (r *PairRecord) Marshal() ([]byte, error) {
	d := maps.Clone(r.other)
	if d == nil {
		d = plist.Dict{}
	}
	for key, field := range r.texts() {
		if *field != "" {
			d[key] = *field
		}
	}
	for key, field := range r.blobs() {
		if *field != nil {
			d[key] = *field
		}
	}
	return plist.MarshalXML(d)
}

// texts and blobs tie the fields to Apple's keys.
func (r *PairRecord) texts() map[string]*string {
	return map[string]*string{
		"HostID": &r.HostID, "SystemBUID": &r.SystemBUID, "WiFiMACAddress": &r.WiFiMACAddress,
	}
}

func (r *PairRecord) blobs() map[string]*[]byte {
	return map[string]*[]byte{
		"DeviceCertificate": &r.DeviceCertificate,
		"HostCertificate":   &r.HostCertificate,
		"HostPrivateKey":    &r.HostPrivateKey,
		"RootCertificate":   &r.RootCertificate,
		"RootPrivateKey":    &r.RootPrivateKey,
		"EscrowBag":         &r.EscrowBag,
	}
}

const hidden = "pair record …"

// Format prints no secret, whatever the verb.
func (r PairRecord) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, hidden) }

// String gives no secret away.
func (r PairRecord) String() string { return hidden }

// LogValue gives no secret away.
func (r PairRecord) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON gives no secret away: JSON is for reports, not for pair records.
func (r PairRecord) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }
