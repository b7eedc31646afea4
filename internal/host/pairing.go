package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
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
func (h *Host) Pair(ctx context.Context, word string, waiting func(russet.Device)) (d russet.Device, already bool, err error) {
	s, err := h.toPair(ctx, word)
	if err != nil {
		return russet.Device{}, false, err
	}
	doing := fmt.Sprintf("pair with %q", s.Name)
	if s.Paired {
		if err := h.refreshPairRecord(ctx, s); err != nil {
			return s.Device, true, err
		}
		return s.Device, true, nil
	}
	opts := lockdown.PairOptions{Waiting: func() { waiting(s.Device) }}
	if opts.SystemBUID, err = h.usbmux().ReadBUID(ctx); err != nil {
		return s.Device, false, h.deviceError(err, s.Device, doing)
	}
	trusting, cancel := context.WithTimeout(ctx, trustLimit)
	defer cancel()
	record, err := device.Pair(trusting, s.way, opts, h.deviceOptions(s.Connection))
	h.noteTrust(s.UDID, err)
	if err != nil {
		return s.Device, false, h.pairError(err, s.Device, doing)
	}
	if err := h.keepPairRecord(ctx, s, record); err != nil {
		return s.Device, false, err
	}
	s = h.probe(ctx, s.UDID, s.Connection, s.way)
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
func (h *Host) toPair(ctx context.Context, word string) (sighting, error) {
	if word == "" {
		if seen, err := h.look(ctx, quest{here: true}); err == nil && len(seen) > 0 {
			strange := slices.DeleteFunc(slices.Clone(seen), func(s sighting) bool { return s.Paired })
			if len(strange) > 0 {
				seen = strange
			}
			return theOnly(seen)
		}
	}
	return h.theOne(ctx, word)
}

// theOne is the connected device that word names or, for "", the only one.
func (h *Host) theOne(ctx context.Context, word string) (sighting, error) {
	if word != "" {
		return h.find(ctx, word)
	}
	seen, err := h.look(ctx, quest{})
	if err != nil {
		return sighting{}, err
	}
	return theOnly(seen)
}

func theOnly(seen []sighting) (sighting, error) {
	switch len(seen) {
	case 0:
		return sighting{}, nothingConnected()
	case 1:
		return seen[0], nil
	default:
		return sighting{}, ambiguous("device", "the phone", deviceLines(devicesOf(seen)))
	}
}

func (h *Host) pairError(err error, d russet.Device, doing string) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &russet.Error{
			Kind: russet.NotTrusted, Doing: doing, What: "nobody answered the question on the phone for " + trustLimit.String(),
			Hint: "unlock it, tap Trust, type its passcode, and repeat the command", Err: err,
		}
	}
	return h.deviceError(err, d, doing)
}

// keepPairRecord gives a record to usbmuxd, which other programs ask, and keeps
// a sealed copy.
func (h *Host) keepPairRecord(ctx context.Context, s sighting, record *lockdown.PairRecord) error {
	data, err := record.Marshal()
	if err != nil {
		return fmt.Errorf("write the pair record: %w", err)
	}
	if err := h.usbmux().SavePairRecord(ctx, attached(s), data); err != nil {
		return &russet.Error{
			Kind: russet.Failed, Doing: fmt.Sprintf("keep the pairing of %q", s.Name), What: err.Error(),
			Hint: "the folder where usbmuxd keeps pairings may be read-only (usually /var/lib/lockdown)", Err: err,
		}
	}
	return h.keepSecretPairRecord(s.UDID, data)
}

// attached is the device as usbmuxd knows it; one it has not on its list, it
// knows by the UDID alone.
func attached(s sighting) *usbmux.Device {
	if d, ok := s.way.(*usbmux.Device); ok {
		return d
	}
	return &usbmux.Device{UDID: string(s.UDID)}
}

// refreshPairRecord makes our copy and that of usbmuxd the one that works.
func (h *Host) refreshPairRecord(ctx context.Context, s sighting) error {
	works, err := h.pairRecord(ctx, s)
	if err != nil {
		return h.deviceError(err, s.Device, "read the pair record")
	}
	data, err := h.usbmux().ReadPairRecord(ctx, string(s.UDID))
	if err == nil {
		if have, err := lockdown.ParsePairRecord(data); err == nil && have.HostID == works.HostID {
			return h.keepSecretPairRecord(s.UDID, data)
		}
	}
	switch {
	case errors.Is(err, usbmux.ErrNoDaemon):
		return nil // ours is all there is
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return h.keepPairRecord(ctx, s, works)
	default:
		return h.deviceError(err, s.Device, "read the pair record")
	}
}

// Unpair makes a device and this computer forget each other. It works without
// the device too: then only the computer forgets. told says that the device
// was told.
func (h *Host) Unpair(ctx context.Context, word string) (d russet.Device, told bool, err error) {
	s, err := h.find(ctx, word)
	if russet.KindOf(err) == russet.NotConnected {
		return h.forget(ctx, word, err)
	}
	if err != nil {
		return russet.Device{}, false, err
	}
	doing := fmt.Sprintf("unpair %q", s.Name)
	record, err := h.pairRecord(ctx, s)
	if errors.Is(err, fs.ErrNotExist) {
		return s.Device, false, &russet.Error{Kind: russet.NotTrusted, Doing: doing, What: "it is not paired with this computer"}
	}
	if err == nil {
		err = device.Unpair(ctx, s.way, record, h.deviceOptions(s.Connection))
	}
	if err != nil {
		h.log.Debug("the device was not told", "error", err)
	}
	return s.Device, err == nil, h.dropPairRecords(ctx, s.UDID)
}

// forget drops the records of a device that is not here.
func (h *Host) forget(ctx context.Context, word string, notHere error) (russet.Device, bool, error) {
	known, err := h.KnownDevices(ctx)
	if err != nil {
		return russet.Device{}, false, err
	}
	d, err := FindDevice(known, word)
	if err != nil {
		return russet.Device{}, false, notHere
	}
	return d, false, h.dropPairRecords(ctx, d.UDID)
}

func (h *Host) dropPairRecords(ctx context.Context, udid russet.UDID) error {
	err := h.usbmux().DeletePairRecord(ctx, string(udid))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	case errors.Is(err, usbmux.ErrNoDaemon) && slices.Contains(h.keptPairings(), udid):
		err = nil // ours was the only one
	case err != nil:
		err = h.muxError(err)
	}
	return errors.Join(err, h.dropSecretPairRecord(udid), h.forgetSeen(ctx, udid))
}
