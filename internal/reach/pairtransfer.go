package reach

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"filippo.io/age"

	"russet"
	"russet/device/lockdown"
	"russet/device/usbmux"
	"russet/internal/durable"
	"russet/internal/home"
	"russet/mobilesync"
)

// PairingMove is a pairing that was exported or imported.
type PairingMove struct {
	Device russet.Device `json:"device"`
	File   string        `json:"file"`
	Notes  []string      `json:"notes"` // what a person should know beside it
}

func (m *PairingMove) note(format string, args ...any) {
	m.Notes = append(m.Notes, fmt.Sprintf(format, args...))
}

// noEscrow is about a record that opens no locked phone.
const noEscrow = "this pairing opens the phone only while it is unlocked: it was not made by russet, or on an old iOS"

// CheckExport says whether the pairing of a device, connected or not, can be
// exported to a file, before anybody is asked for a password.
func (ds *Devices) CheckExport(ctx context.Context, d russet.Device, file string) error {
	if _, err := ds.pairingOf(ctx, d); err != nil {
		return err
	}
	return checkNewFile(file)
}

func checkNewFile(file string) error {
	_, err := os.Lstat(file)
	switch {
	case err == nil:
		return exportError(file, fs.ErrExist)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return exportError(file, err)
	}
}

func exportError(file string, err error) error {
	e := &russet.Error{Kind: home.FileKind(err), Doing: "export the pairing", What: home.FileProblem(err), Err: err}
	switch {
	case errors.Is(err, fs.ErrExist):
		e.Kind, e.What = russet.Usage, fmt.Sprintf("there is a file %q already", file)
		e.Hint = "choose another name: an exported pairing is never written over anything"
	case errors.Is(err, fs.ErrNotExist):
		e.Kind, e.Hint = russet.Usage, "make the folder first"
	}
	return e
}

// pairingOf is the pair record of a device that another computer should get.
func (ds *Devices) pairingOf(ctx context.Context, d russet.Device) (*lockdown.PairRecord, error) {
	records, err := ds.pairRecords(ctx, d.UDID)
	if err != nil {
		return nil, notPaired(d)
	}
	i := slices.IndexFunc(records, func(r *lockdown.PairRecord) bool { return r.EscrowBag != nil })
	return records[max(i, 0)], nil
}

// Export writes the pairing of a device into a new file that only the
// password opens, for another computer: whoever opens it has all that this
// computer may have of the phone.
func (ds *Devices) Export(ctx context.Context, d russet.Device, file, password string) (PairingMove, error) {
	record, err := ds.pairingOf(ctx, d)
	if err != nil {
		return PairingMove{}, err
	}
	m := PairingMove{Device: d, File: file, Notes: []string{}}
	data, err := record.Marshal()
	if err != nil {
		return m, fmt.Errorf("write the pair record: %w", err)
	}
	seen, err := ds.remembers()
	if err != nil {
		return m, err
	}
	given, err := ds.given()
	if err != nil {
		return m, err
	}
	s := seen[d.UDID]
	sealed, err := sealPairing(pairingFile{
		Format: pairingFormat, Seen: s.At, Addresses: given[d.UDID], Address: s.Address, Service: s.Service, Found: s.Found,
		Device: pairingDevice{UDID: d.UDID, Name: d.Name, Class: s.Device.Class, ProductType: s.Device.ProductType},
		Record: string(data),
	}, password)
	if err != nil {
		return m, err
	}
	if record.EscrowBag == nil {
		m.note(noEscrow)
	}
	return m, writeNew(file, sealed)
}

// writeNew makes a private file that is durable on return, and no file at all
// when that fails.
func writeNew(file string, data []byte) (err error) {
	dir, err := durable.Open(filepath.Dir(file), nil)
	if err != nil {
		return exportError(file, err)
	}
	defer func() { err = cmp.Or(err, dir.Close()) }()
	name := filepath.Base(file)
	if err := dir.WriteNew(name, data, 0o600); err != nil {
		return exportError(file, err)
	}
	if err := errors.Join(dir.SyncFile(name), dir.SyncDir()); err != nil {
		return exportError(file, errors.Join(err, dir.Remove(name)))
	}
	return nil
}

// Import takes over a pairing that another computer exported, here and in usbmuxd
// when there is one, and says at which addresses the other one was told to look
// for the phone. It need not be there, and is not asked.
func (ds *Devices) Import(ctx context.Context, file, password string) (m PairingMove, addresses []string, err error) {
	const doing = "import a pairing"
	sealed, err := readBounded(file, maxPairingFile)
	if err != nil {
		return m, nil, &russet.Error{Kind: russet.Usage, Doing: doing, What: home.FileProblem(err), Hint: `name a file that "russet devices export-pairing" wrote`, Err: err}
	}
	p, record, err := openPairing(sealed, password)
	switch {
	case errors.Is(err, age.ErrIncorrectIdentity):
		return m, nil, &russet.Error{Kind: russet.Password, Doing: doing, What: fmt.Sprintf("the password does not open %q", file), Hint: "type the one that was chosen when it was exported", Err: err}
	case err != nil:
		return m, nil, &russet.Error{Kind: russet.Damaged, Doing: doing, What: fmt.Sprintf("%q cannot be used: %v", file, err), Hint: "export it again", Err: err}
	}
	d := russet.Device{
		UDID: p.Device.UDID, Name: cmp.Or(p.Device.Name, string(p.Device.UDID)), Class: p.Device.Class,
		ProductType: p.Device.ProductType, Product: mobilesync.ProductName(p.Device.ProductType), Battery: -1,
	}
	m = PairingMove{Device: d, File: file, Notes: []string{}}
	if record.EscrowBag == nil {
		m.note(noEscrow)
	}
	data, err := record.Marshal()
	if err != nil {
		return m, nil, fmt.Errorf("write the pair record: %w", err)
	}
	if err := ds.keepSecretPairRecord(d.UDID, data); err != nil {
		return m, nil, err
	}
	ds.intoUsbmuxd(ctx, &m, record, data)
	return m, p.Addresses, ds.meet(ctx, d, p)
}

// readBounded reads a file that should be small.
func readBounded(file string, most int64) (data []byte, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = cmp.Or(err, f.Close()) }()
	data, err = io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%q is too large", file)
	}
	return data, err
}

// intoUsbmuxd gives an imported pairing to usbmuxd too, which other programs
// ask. russet does without it.
func (ds *Devices) intoUsbmuxd(ctx context.Context, m *PairingMove, record *lockdown.PairRecord, data []byte) {
	have, err := ds.usbmux().ReadPairRecord(ctx, string(m.Device.UDID))
	switch {
	case errors.Is(err, usbmux.ErrNoDaemon):
		return
	case err == nil:
		if own, err := lockdown.ParsePairRecord(have); err == nil && own.HostID != record.HostID {
			m.note("usbmuxd has a pairing of its own with this phone, and keeps it")
		}
		return
	case errors.Is(err, fs.ErrNotExist):
		err = ds.usbmux().SavePairRecord(ctx, attached(Sighting{Device: m.Device}), data)
	}
	if err != nil {
		m.note("usbmuxd did not take the pairing, so that only russet has it: %v", err)
	}
}

// meet remembers a device as who exported its pairing did.
func (ds *Devices) meet(ctx context.Context, d russet.Device, p pairingFile) error {
	now := ds.now().UTC()
	if p.Seen.IsZero() || p.Seen.After(now) {
		p.Seen = now
	}
	return ds.changeSeen(ctx, func(folks seenFolks) {
		if folks[d.UDID].At.After(p.Seen) {
			return
		}
		folks[d.UDID] = Seen{Device: d, First: now, At: p.Seen.UTC().Round(time.Second), Address: p.Address, Service: p.Service, Found: p.Found}
	})
}
