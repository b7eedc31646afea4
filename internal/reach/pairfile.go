package reach

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"filippo.io/age"

	"russet"
	"russet/device/lockdown"
)

// pairingFile is what an exported pairing holds: JSON in a file that age
// encrypts with a password (docs/formats/pairing.md).
type pairingFile struct {
	Format    string        `json:"format"` // pairingFormat
	Device    pairingDevice `json:"device"`
	Seen      time.Time     `json:"seen"`                // the last session of who exports
	Addresses []string      `json:"addresses,omitempty"` // given by a person
	Address   string        `json:"address,omitempty"`   // the last one
	Service   string        `json:"service,omitempty"`   // its name in mDNS
	Found     string        `json:"found_as,omitempty"`
	Record    string        `json:"pair_record"` // a property list, as usbmuxd keeps it
}

type pairingDevice struct {
	UDID        russet.UDID `json:"udid"`
	Name        string      `json:"name"`
	Class       string      `json:"class,omitempty"`
	ProductType string      `json:"product_type,omitempty"`
}

const (
	pairingFormat = "russet pairing 1"
	// maxPairingFile bounds an exported pairing; one has about 9 KB.
	maxPairingFile = 256 << 10
	// maxPairingText bounds each name in it.
	maxPairingText = 1 << 10
	// maxWork bounds what a file may make us compute, as a power of two: age
	// itself writes 18, which takes a second and 256 MiB.
	maxWork = 19
)

// errPairingFile is a file that holds no pairing.
var errPairingFile = errors.New("it is not a pairing that russet exported")

// sealPairing encrypts a pairing with a password, as "age -p" does.
func sealPairing(p pairingFile, password string) ([]byte, error) {
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the pairing: %w", err)
	}
	to, err := age.NewScryptRecipient(password)
	if err != nil {
		return nil, fmt.Errorf("encrypt the pairing: %w", err)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to)
	if err != nil {
		return nil, fmt.Errorf("encrypt the pairing: %w", err)
	}
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("encrypt the pairing: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encrypt the pairing: %w", err)
	}
	return sealed.Bytes(), nil
}

// openPairing decrypts an exported pairing, which may come from a stranger. A
// password that does not fit is age's ErrIncorrectIdentity.
func openPairing(sealed []byte, password string) (pairingFile, *lockdown.PairRecord, error) {
	id, err := age.NewScryptIdentity(password)
	if err != nil {
		return pairingFile{}, nil, age.ErrIncorrectIdentity // it is empty
	}
	id.SetMaxWorkFactor(maxWork)
	r, err := age.Decrypt(bytes.NewReader(sealed), id)
	if err != nil {
		if errors.Is(err, age.ErrIncorrectIdentity) {
			return pairingFile{}, nil, err
		}
		return pairingFile{}, nil, fmt.Errorf("%w: %w", errPairingFile, err)
	}
	data, err := io.ReadAll(io.LimitReader(r, maxPairingFile))
	if err != nil {
		return pairingFile{}, nil, fmt.Errorf("%w: %w", errPairingFile, err)
	}
	return parsePairing(data)
}

// parsePairing reads what was in the file, and takes nothing that could do
// harm elsewhere: identifiers and addresses become parts of paths and calls.
func parsePairing(data []byte) (pairingFile, *lockdown.PairRecord, error) {
	var p pairingFile
	if json.Unmarshal(data, &p) != nil { // the cause could quote the record
		return pairingFile{}, nil, errPairingFile
	}
	if p.Format != pairingFormat {
		return pairingFile{}, nil, fmt.Errorf("%w, or a newer russet exported it", errPairingFile)
	}
	if !p.Device.UDID.Valid() {
		return pairingFile{}, nil, fmt.Errorf("%w: it names no device", errPairingFile)
	}
	for _, s := range []string{p.Device.Name, p.Device.Class, p.Device.ProductType, p.Service, p.Found} {
		if len(s) > maxPairingText {
			return pairingFile{}, nil, fmt.Errorf("%w: a name of %d bytes", errPairingFile, len(s))
		}
	}
	if len(p.Addresses) > MaxAddresses {
		return pairingFile{}, nil, fmt.Errorf("%w: it has %d addresses", errPairingFile, len(p.Addresses))
	}
	for _, a := range p.Addresses {
		if err := CheckAddress(a); err != nil {
			return pairingFile{}, nil, fmt.Errorf("%w: %w", errPairingFile, err)
		}
	}
	if p.Address != "" && CheckAddress(p.Address) != nil {
		p.Address = ""
	}
	record, err := lockdown.ParsePairRecord([]byte(p.Record))
	if err != nil {
		return pairingFile{}, nil, fmt.Errorf("%w: the pair record is of no use", errPairingFile)
	}
	return p, record, nil
}
