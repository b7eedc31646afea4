package host

import (
	"context"
	"fmt"
	"slices"

	"russet"
	"russet/device"
	"russet/device/lockdown"
	"russet/device/usbmux"
)

// sighting is a device and the way to it.
type sighting struct {
	russet.Device
	way device.Dialer
	// record is what a session was opened with; nil while there was none.
	record  *lockdown.PairRecord
	service string // its name in mDNS, as it said in the session; may be ""
	err     error  // why there was no session
	unread  bool   // because its pair record cannot be read
}

func devicesOf(seen []sighting) []russet.Device {
	devices := make([]russet.Device, len(seen))
	for i, s := range seen {
		devices[i] = s.Device
	}
	return devices
}

// Devices lists the devices that are on the cable or on the network, each once
// (the cable wins), and says of each whether it could be backed up now. On the
// network only those are found with which there is a pairing. It never makes
// the Trust dialog appear. No usbmuxd is an error only if there is nothing else.
func (h *Host) Devices(ctx context.Context) ([]russet.Device, error) {
	return h.connected(ctx)
}

func (h *Host) connected(ctx context.Context) ([]russet.Device, error) {
	seen, err := h.look(ctx, quest{})
	return devicesOf(seen), err
}

// look is survey for those who want devices and not the reasons why there are
// none.
func (h *Host) look(ctx context.Context, q quest) ([]sighting, error) {
	sv := h.survey(ctx, q)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if sv.mux != nil {
		if len(sv.seen) == 0 && len(sv.wanted) == 0 {
			return nil, h.muxError(sv.mux)
		}
		h.log.Debug("usbmuxd does not answer", "error", sv.mux)
	}
	return sv.seen, nil
}

func (h *Host) usbmux() *usbmux.Client { return &usbmux.Client{Addr: h.mux, Label: "russet"} }

// find picks a connected device.
func (h *Host) find(ctx context.Context, word string) (sighting, error) {
	seen, err := h.look(ctx, quest{word: word})
	if err != nil {
		return sighting{}, err
	}
	d, err := FindDevice(devicesOf(seen), word)
	if russet.KindOf(err) == russet.NotConnected {
		return sighting{}, h.away(word, len(seen) == 0, err)
	}
	if err != nil {
		return sighting{}, err
	}
	i := slices.IndexFunc(seen, func(s sighting) bool { return s.UDID == d.UDID })
	return seen[i], nil
}

// away explains that a device is not here: one that was here before has a
// name.
func (h *Host) away(word string, nothing bool, unknown error) error {
	before, err := h.Remembered()
	if err != nil {
		h.log.Warn("what was connected before is not known", "error", err)
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
func (h *Host) Connected(ctx context.Context, words []string) (chosen, left []russet.Device, err error) {
	if len(words) > 0 {
		for _, word := range words {
			s, err := h.find(ctx, word)
			if err != nil {
				return nil, nil, err
			}
			chosen = append(chosen, s.Device)
		}
		return distinct(chosen), nil, nil
	}
	seen, err := h.look(ctx, quest{})
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
		return nil, left, h.unusable(seen[0], "look for a phone")
	}
	return chosen, left, nil
}
