package reach

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"russet"
	"russet/device/lockdown"
	"russet/device/usbmux"
)

func pairSecret(udid russet.UDID) string { return "pair/" + string(udid) }

// formerSecret is the pairing that another one took the place of. Which of two
// the phone still knows, only the phone can tell: an import may be the older
// one.
func formerSecret(udid russet.UDID) string { return "pair-before/" + string(udid) }

func (ds *Devices) keptPairRecord(udid russet.UDID) ([]byte, error) {
	return ds.home.Secret(pairSecret(udid))
}

func (ds *Devices) keepSecretPairRecord(udid russet.UDID, data []byte) error {
	record, err := lockdown.ParsePairRecord(data)
	if err != nil {
		return fmt.Errorf("keep the pair record: %w", err)
	}
	have, err := ds.keptPairRecord(udid)
	if err == nil && string(have) == string(data) {
		return nil
	}
	if err == nil {
		if old, err := lockdown.ParsePairRecord(have); err == nil && old.HostID != record.HostID {
			if err := ds.home.PutSecret(formerSecret(udid), have); err != nil {
				return err
			}
		}
	}
	return ds.home.PutSecret(pairSecret(udid), data)
}

func (ds *Devices) dropSecretPairRecord(udid russet.UDID) error {
	return ds.home.DropSecrets(pairSecret(udid), formerSecret(udid))
}

// keptPairings lists the devices of which russet keeps the pair record. The
// key of the sealed folder is not needed for that.
func (ds *Devices) keptPairings() []russet.UDID {
	s, err := ds.home.Secrets()
	if err != nil {
		return nil
	}
	names, err := s.List(pairSecret(""))
	if err != nil {
		ds.log.Debug("the kept pairings", "error", err)
	}
	var list []russet.UDID
	for _, name := range names {
		if udid := russet.UDID(strings.TrimPrefix(name, pairSecret(""))); udid.Valid() {
			list = append(list, udid)
		}
	}
	return list
}

// pairRecords are all pair records of a device there are: usbmuxd's and, if
// they are others, ours. Without any, the error says why: fs.ErrNotExist if
// this computer and the device never agreed.
func (ds *Devices) pairRecords(ctx context.Context, udid russet.UDID) (list []*lockdown.PairRecord, problem error) {
	absent := func(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, usbmux.ErrNoDaemon) }
	var odd error
	defer func() { ds.tellOdd(udid, odd) }()
	add := func(data []byte, err error) {
		var record *lockdown.PairRecord
		if err == nil {
			record, err = lockdown.ParsePairRecord(data)
		}
		switch {
		case err == nil:
			if !slices.ContainsFunc(list, func(o *lockdown.PairRecord) bool { return o.HostID == record.HostID }) {
				list = append(list, record)
			}
			return
		case !absent(err):
			odd = errors.Join(odd, err)
		}
		if problem == nil || absent(problem) {
			problem = err
		}
	}
	add(ds.usbmux().ReadPairRecord(ctx, string(udid)))
	if slices.Contains(ds.keptPairings(), udid) {
		add(ds.keptPairRecord(udid))
		add(ds.home.Secret(formerSecret(udid)))
	}
	switch {
	case len(list) > 0:
		return list, nil
	case errors.Is(problem, usbmux.ErrNoDaemon):
		return nil, fs.ErrNotExist
	default:
		return nil, problem
	}
}

// tellOdd tells of the pair records of a device that cannot be used, once until
// that changes: a service asks for them every half minute, also while the keyring
// is locked.
func (ds *Devices) tellOdd(udid russet.UDID, odd error) {
	if odd == nil {
		ds.odd.Delete(udid)
		return
	}
	if before, _ := ds.odd.Swap(udid, odd.Error()); before != odd.Error() {
		ds.log.Warn("a pair record cannot be used", "udid", udid, "error", odd)
	}
}

// pairRecord is the one a device was met with or, when it was not, the
// likeliest.
func (ds *Devices) pairRecord(ctx context.Context, s Sighting) (*lockdown.PairRecord, error) {
	if s.record != nil {
		return s.record, nil
	}
	list, err := ds.pairRecords(ctx, s.UDID)
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// refused reports whether a device said in so many words that it does not know
// a pairing. What hangs up on a network may have any reason.
func refused(err error) bool {
	return errors.Is(err, lockdown.InvalidHostID) || errors.Is(err, lockdown.InvalidPairRecord)
}

// forgotten reports whether a device refused a pairing as one it does not know.
func forgotten(err error) bool {
	return errors.Is(err, lockdown.ErrUntrusted) || errors.Is(err, lockdown.ErrImpostor) || errors.Is(err, lockdown.InvalidPairRecord)
}
