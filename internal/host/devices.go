package host

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"russet"
	"russet/device"
	"russet/device/lockdown"
	"russet/device/usbmux"
	"russet/mobilesync"
)

// probeLimit bounds how long one device may take to say who it is.
const probeLimit = 20 * time.Second

// sighting is a device and the way to it.
type sighting struct {
	russet.Device
	link *usbmux.Device
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
		all.Go(func() { seen[i] = h.probe(ctx, l) })
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

// probe asks one device who it is, in a session if there is a pair record.
func (h *Host) probe(ctx context.Context, link *usbmux.Device) sighting {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	s := sighting{link: link, Device: russet.Device{
		UDID: russet.UDID(link.UDID), Connection: strings.ToLower(link.Connection),
	}}
	record, err := h.pairRecord(ctx, link)
	if err == nil {
		err = h.probeInSession(ctx, &s, record)
	}
	if err != nil {
		h.log.Debug("device without a session", "udid", link.UDID, "error", err)
		s.Problem = problem(err)
		if info, err := device.Identify(ctx, link, h.deviceOptions()); err == nil {
			s.fill(info)
		}
	}
	s.Name = cmp.Or(s.Name, string(s.UDID))
	return s
}

func (h *Host) probeInSession(ctx context.Context, s *sighting, record *lockdown.PairRecord) error {
	dev, err := device.Connect(ctx, s.link, record, h.deviceOptions())
	if err != nil {
		return err
	}
	defer h.goodbye(dev)
	s.fill(dev.Info())
	s.Paired = true
	s.Encrypted, err = willEncrypt(ctx, dev)
	return err
}

// willEncrypt asks whether a backup password is set. A device that never had
// one has no such value.
func willEncrypt(ctx context.Context, dev *device.Device) (bool, error) {
	v, err := dev.Value(ctx, "com.apple.mobile.backup", "WillEncrypt")
	if errors.Is(err, lockdown.MissingValue) {
		return false, nil
	}
	on, _ := v.(bool)
	return on, err
}

func (s *sighting) fill(info device.Info) {
	s.Name, s.Class, s.ProductType = info.Name, info.Class, info.ProductType
	s.Product = mobilesync.ProductName(info.ProductType)
	s.IOS, s.Build, s.Locked = info.ProductVersion, info.BuildVersion, info.Locked
}

func (h *Host) deviceOptions() device.Options { return device.Options{Log: h.log} }

// pairRecord finds what this computer and the device agreed upon: usbmuxd has
// it or, when it lost it, we.
func (h *Host) pairRecord(ctx context.Context, link *usbmux.Device) (*lockdown.PairRecord, error) {
	data, err := link.PairRecord(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = h.keptPairRecord(russet.UDID(link.UDID))
	}
	if err != nil {
		return nil, err
	}
	return lockdown.ParsePairRecord(data)
}

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

// session opens a session with a device that was seen.
func (h *Host) session(ctx context.Context, s sighting, doing string) (*device.Device, error) {
	record, err := h.pairRecord(ctx, s.link)
	if err != nil {
		return nil, h.deviceError(err, s.Device, doing)
	}
	dev, err := device.Connect(ctx, s.link, record, h.deviceOptions())
	if err != nil {
		return nil, h.deviceError(err, s.Device, doing)
	}
	return dev, nil
}

// goodbye ends a session. A device that has gone by then is no error.
func (h *Host) goodbye(dev *device.Device) {
	if err := dev.Close(); err != nil {
		h.log.Debug("the end of a session", "error", err)
	}
}
