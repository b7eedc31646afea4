package reach

import (
	"context"
	"fmt"
	"slices"

	"russet"
	"russet/device"
	"russet/device/lockdown"
)

// Sighting is a device as it was just seen, and the way to it.
type Sighting struct {
	russet.Device
	way device.Dialer
	// record is what a session was opened with; nil while there was none.
	record  *lockdown.PairRecord
	service string // its name in mDNS, as it said in the session; may be ""
	err     error  // why there was no session
	unread  bool   // because its pair record cannot be read
}

func devicesOf(seen []Sighting) []russet.Device {
	devices := make([]russet.Device, len(seen))
	for i, s := range seen {
		devices[i] = s.Device
	}
	return devices
}

// List lists the devices that are on the cable or on the network, each once
// (the cable wins), and says of each whether it could be backed up now. On the
// network only those are found with which there is a pairing. It never makes
// the Trust dialog appear. No usbmuxd is an error only if there is nothing else.
func (ds *Devices) List(ctx context.Context) ([]russet.Device, error) {
	seen, err := ds.look(ctx, quest{})
	return devicesOf(seen), err
}

// OnCable is List without the network, for those who want names and not ways.
func (ds *Devices) OnCable(ctx context.Context) ([]russet.Device, error) {
	seen, err := ds.look(ctx, quest{here: true})
	return devicesOf(seen), err
}

// look is survey for those who want devices and not the reasons why there are
// none.
func (ds *Devices) look(ctx context.Context, q quest) ([]Sighting, error) {
	sv := ds.survey(ctx, q)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if sv.mux != nil {
		if len(sv.seen) == 0 && len(sv.wanted) == 0 {
			return nil, ds.muxError(sv.mux)
		}
		ds.log.Debug("usbmuxd does not answer", "error", sv.mux)
	}
	return sv.seen, nil
}

// Find picks the connected device that a person means by word, as FindDevice
// does.
func (ds *Devices) Find(ctx context.Context, word string) (Sighting, error) {
	seen, err := ds.look(ctx, quest{word: word})
	if err != nil {
		return Sighting{}, err
	}
	d, err := FindDevice(devicesOf(seen), word)
	if russet.KindOf(err) == russet.NotConnected {
		return Sighting{}, ds.away(word, len(seen) == 0, err)
	}
	if err != nil {
		return Sighting{}, err
	}
	i := slices.IndexFunc(seen, func(s Sighting) bool { return s.UDID == d.UDID })
	return seen[i], nil
}

// away explains that a device is not here: one that was here before has a
// name.
func (ds *Devices) away(word string, nothing bool, unknown error) error {
	before, err := ds.Remembered()
	if err != nil {
		ds.log.Warn("what was connected before is not known", "error", err)
	}
	known := make([]russet.Device, len(before))
	for i, s := range before {
		known[i] = s.Device
	}
	d, err := FindDevice(known, word)
	switch {
	case err == nil:
		return &russet.Error{
			Kind: russet.NotConnected, What: fmt.Sprintf("%q is neither on the cable nor on the network", d.Name),
			Hint: `plug it in and unlock it, or bring it into this computer's network; if it is not seen, "russet doctor" says why`,
		}
	case nothing:
		return nothingConnected()
	default:
		return unknown
	}
}

// Connected picks devices that are connected: those a person named or, for no
// words, all that trust this computer. Those that do not are left out.
func (ds *Devices) Connected(ctx context.Context, words []string) (chosen, left []russet.Device, err error) {
	if len(words) > 0 {
		for _, word := range words {
			s, err := ds.Find(ctx, word)
			if err != nil {
				return nil, nil, err
			}
			chosen = append(chosen, s.Device)
		}
		return Distinct(chosen), nil, nil
	}
	seen, err := ds.look(ctx, quest{})
	if err != nil {
		return nil, nil, err
	}
	if len(seen) == 0 {
		return nil, nil, nothingConnected()
	}
	for _, s := range seen {
		if s.Paired {
			chosen = append(chosen, s.Device)
		} else {
			left = append(left, s.Device)
		}
	}
	if len(chosen) == 0 {
		return nil, left, ds.Unusable(seen[0], "look for a phone")
	}
	return chosen, left, nil
}
