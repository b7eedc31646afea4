package reach

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"russet"
	"russet/device"
	"russet/device/lockdown"
	"russet/device/usbmux"
)

// trustLimit is how long a person gets to find the phone and tap Trust.
const trustLimit = 5 * time.Minute

// Pair makes this computer known to a device. waiting is called when the phone
// shows its Trust dialog. A device that is paired already is left as it is,
// with already true.
func (ds *Devices) Pair(ctx context.Context, word string, waiting func(russet.Device)) (d russet.Device, already bool, err error) {
	s, err := ds.toPair(ctx, word)
	if err != nil {
		return russet.Device{}, false, err
	}
	doing := fmt.Sprintf("pair with %q", s.Name)
	if s.Paired {
		if err := ds.refreshPairRecord(ctx, s); err != nil {
			return s.Device, true, err
		}
		return s.Device, true, nil
	}
	opts := lockdown.PairOptions{Waiting: func() { waiting(s.Device) }}
	if opts.SystemBUID, err = ds.usbmux().ReadBUID(ctx); err != nil {
		return s.Device, false, ds.deviceError(err, s.Device, doing)
	}
	trusting, cancel := context.WithTimeout(ctx, trustLimit)
	defer cancel()
	record, err := device.Pair(trusting, s.way, opts, ds.deviceOptions(s.Connection))
	ds.noteTrust(s.UDID, err)
	if err != nil {
		return s.Device, false, ds.pairError(err, s.Device, doing)
	}
	if err := ds.keepPairRecord(ctx, s, record); err != nil {
		return s.Device, false, err
	}
	s = ds.probe(ctx, s.UDID, s.Connection, s.way)
	if !s.Paired {
		return s.Device, false, &russet.Error{
			Kind: russet.NotTrusted, Doing: doing, What: "the phone agreed, but now it does not know this computer: " + s.Problem,
			Hint: "unplug it, plug it in again and repeat the command",
		}
	}
	return s.Device, false, nil
}

// toPair picks the device to pair: the named one or, for "", the only one on
// the cable that is not paired, or the only one. One on the network is paired
// already, or cannot be.
func (ds *Devices) toPair(ctx context.Context, word string) (Sighting, error) {
	if word == "" {
		if seen, err := ds.look(ctx, quest{here: true}); err == nil && len(seen) > 0 {
			strange := slices.DeleteFunc(slices.Clone(seen), func(s Sighting) bool { return s.Paired })
			if len(strange) > 0 {
				seen = strange
			}
			return theOnly(seen)
		}
	}
	return ds.Pick(ctx, word)
}

// Pick is the connected device that word names or, for "", the only one.
func (ds *Devices) Pick(ctx context.Context, word string) (Sighting, error) {
	if word != "" {
		return ds.Find(ctx, word)
	}
	seen, err := ds.look(ctx, quest{})
	if err != nil {
		return Sighting{}, err
	}
	return theOnly(seen)
}

func theOnly(seen []Sighting) (Sighting, error) {
	switch len(seen) {
	case 0:
		return Sighting{}, nothingConnected()
	case 1:
		return seen[0], nil
	default:
		return Sighting{}, &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("%d phones are connected, and it is not clear which is meant", len(seen)),
			Hint: "say which: " + strings.Join(Lines(devicesOf(seen)), "; "),
		}
	}
}

func (ds *Devices) pairError(err error, d russet.Device, doing string) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &russet.Error{
			Kind: russet.NotTrusted, Doing: doing, What: "nobody answered the question on the phone for " + trustLimit.String(),
			Hint: "unlock it, tap Trust, type its passcode, and repeat the command", Err: err,
		}
	}
	return ds.deviceError(err, d, doing)
}

// keepPairRecord gives a record to usbmuxd, which other programs ask, and keeps
// a sealed copy.
func (ds *Devices) keepPairRecord(ctx context.Context, s Sighting, record *lockdown.PairRecord) error {
	data, err := record.Marshal()
	if err != nil {
		return fmt.Errorf("write the pair record: %w", err)
	}
	if err := ds.usbmux().SavePairRecord(ctx, attached(s), data); err != nil {
		return &russet.Error{
			Kind: russet.Failed, Doing: fmt.Sprintf("keep the pairing of %q", s.Name), What: err.Error(),
			Hint: "the folder where usbmuxd keeps pairings may be read-only (usually /var/lib/lockdown)", Err: err,
		}
	}
	return ds.keepSecretPairRecord(s.UDID, data)
}

// attached is the device as usbmuxd knows it; one it has not on its list, it
// knows by the UDID alone.
func attached(s Sighting) *usbmux.Device {
	if d, ok := s.way.(*usbmux.Device); ok {
		return d
	}
	return &usbmux.Device{UDID: string(s.UDID)}
}

// refreshPairRecord makes our copy and that of usbmuxd the one that works.
func (ds *Devices) refreshPairRecord(ctx context.Context, s Sighting) error {
	works, err := ds.pairRecord(ctx, s)
	if err != nil {
		return ds.deviceError(err, s.Device, "read the pair record")
	}
	data, err := ds.usbmux().ReadPairRecord(ctx, string(s.UDID))
	if err == nil {
		if have, err := lockdown.ParsePairRecord(data); err == nil && have.HostID == works.HostID {
			return ds.keepSecretPairRecord(s.UDID, data)
		}
	}
	switch {
	case errors.Is(err, usbmux.ErrNoDaemon):
		return nil // ours is all there is
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return ds.keepPairRecord(ctx, s, works)
	default:
		return ds.deviceError(err, s.Device, "read the pair record")
	}
}

// Unpair makes a device and this computer forget each other. told says that the
// device was told; if it could not be, the computer forgets all the same.
func (ds *Devices) Unpair(ctx context.Context, s Sighting) (told bool, err error) {
	doing := fmt.Sprintf("unpair %q", s.Name)
	record, err := ds.pairRecord(ctx, s)
	if errors.Is(err, fs.ErrNotExist) {
		return false, &russet.Error{Kind: russet.NotTrusted, Doing: doing, What: "it is not paired with this computer"}
	}
	if err == nil {
		err = device.Unpair(ctx, s.way, record, ds.deviceOptions(s.Connection))
	}
	if err != nil {
		ds.log.Debug("the device was not told", "error", err)
	}
	return err == nil, ds.Forget(ctx, s.UDID)
}

// Forget drops the pair records of a device, and what is remembered of it: the
// computer's half of Unpair.
func (ds *Devices) Forget(ctx context.Context, udid russet.UDID) error {
	err := ds.usbmux().DeletePairRecord(ctx, string(udid))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	case errors.Is(err, usbmux.ErrNoDaemon) && slices.Contains(ds.keptPairings(), udid):
		err = nil // ours was the only one
	case err != nil:
		err = ds.muxError(err)
	}
	return errors.Join(err, ds.dropSecretPairRecord(udid), ds.forgetSeen(ctx, udid))
}
