package host

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

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
}

// Devices lists the devices that usbmuxd sees, each once, and says of each
// whether it could be backed up now. It never makes the Trust dialog appear.
func (h *Host) Devices(ctx context.Context) ([]russet.Device, error) {
	return h.connected(ctx)
}

func (h *Host) connected(ctx context.Context) ([]russet.Device, error) {
	seen, err := h.look(ctx)
	devices := []russet.Device{}
	for _, s := range seen {
		devices = append(devices, s.Device)
	}
	return devices, err
}

// look asks usbmuxd for devices and each of them who it is.
func (h *Host) look(ctx context.Context) ([]sighting, error) {
	links, err := h.usbmux().Devices(ctx)
	if err != nil {
		return nil, h.muxError(err)
	}
	links = slices.DeleteFunc(links, func(l *usbmux.Device) bool { return !russet.UDID(l.UDID).Valid() })
	// The cable before the network, and only once.
	slices.SortStableFunc(links, func(a, b *usbmux.Device) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.UDID, b.UDID))
	})
	var once []*usbmux.Device
	for _, l := range links {
		if !slices.ContainsFunc(once, func(o *usbmux.Device) bool { return o.UDID == l.UDID }) {
			once = append(once, l)
		}
	}
	seen := make([]sighting, len(once))
	var all sync.WaitGroup
	for i, l := range once {
		all.Go(func() { seen[i] = h.probe(ctx, russet.UDID(l.UDID), strings.ToLower(l.Connection), l) })
	}
	all.Wait()
	return seen, ctx.Err()
}

func rank(d *usbmux.Device) int {
	if d.Connection == usbmux.USB {
		return 0
	}
	return 1
}

func (h *Host) usbmux() *usbmux.Client { return &usbmux.Client{Addr: h.mux, Label: "russet"} }

// find picks a connected device.
func (h *Host) find(ctx context.Context, word string) (sighting, error) {
	seen, err := h.look(ctx)
	if err != nil {
		return sighting{}, err
	}
	if len(seen) == 0 {
		return sighting{}, nothingConnected()
	}
	devices := make([]russet.Device, len(seen))
	for i, s := range seen {
		devices[i] = s.Device
	}
	d, err := FindDevice(devices, word)
	if err != nil {
		return sighting{}, err
	}
	i := slices.IndexFunc(seen, func(s sighting) bool { return s.UDID == d.UDID })
	return seen[i], nil
}

// Connected picks devices that are connected: those a person named or, for no
// words, all that trust this computer. Those that do not are left out.
func (h *Host) Connected(ctx context.Context, words []string) (chosen, left []russet.Device, err error) {
	devices, err := h.connected(ctx)
	if err != nil {
		return nil, nil, err
	}
	if len(devices) == 0 {
		return nil, nil, nothingConnected()
	}
	for _, word := range words {
		d, err := FindDevice(devices, word)
		if err != nil {
			return nil, nil, err
		}
		chosen = append(chosen, d)
	}
	if len(words) > 0 {
		return distinct(chosen), nil, nil
	}
	for _, d := range devices {
		if d.Paired {
			chosen = append(chosen, d)
		} else {
			left = append(left, d)
		}
	}
	if len(chosen) == 0 {
		return nil, left, unusable(left[0], "look for a phone")
	}
	return chosen, left, nil
}
