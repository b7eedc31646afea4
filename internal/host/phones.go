package host

import (
	"context"
	"slices"

	"russet"
	"russet/internal/reach"
)

// Devices lists the devices that are on the cable or on the network, each once
// (the cable wins), and says of each whether it could be backed up now. On the
// network only those are found with which there is a pairing. It never makes
// the Trust dialog appear. No usbmuxd is an error only if there is nothing else.
func (h *Host) Devices(ctx context.Context) ([]russet.Device, error) { return h.devices.List(ctx) }

// Connected picks devices that are connected: those a person named or, for no
// words, all that trust this computer. Those that do not are left out.
func (h *Host) Connected(ctx context.Context, words []string) (chosen, left []russet.Device, err error) {
	return h.devices.Connected(ctx, words)
}

// Remembered lists every device that russet ever had a session with, by name.
func (h *Host) Remembered() ([]reach.Seen, error) { return h.devices.Remembered() }

// Follow keeps an eye on the cable and on the network until ctx ends, and says
// when something came or went; see reach.Devices.Follow.
func (h *Host) Follow(ctx context.Context) <-chan struct{} { return h.devices.Follow(ctx) }

// Pair makes this computer known to a device. waiting is called when the phone
// shows its Trust dialog. A device that is paired already is left as it is,
// with already true.
func (h *Host) Pair(ctx context.Context, word string, waiting func(russet.Device)) (d russet.Device, already bool, err error) {
	return h.devices.Pair(ctx, word, waiting)
}

// Unpair makes a device and this computer forget each other. It works without
// the device too: then only the computer forgets. told says that the device
// was told.
func (h *Host) Unpair(ctx context.Context, word string) (d russet.Device, told bool, err error) {
	s, err := h.devices.Find(ctx, word)
	if russet.KindOf(err) == russet.NotConnected {
		return h.forget(ctx, word, err)
	}
	if err != nil {
		return russet.Device{}, false, err
	}
	told, err = h.devices.Unpair(ctx, s)
	return s.Device, told, err
}

// forget drops the records of a device that is not here.
func (h *Host) forget(ctx context.Context, word string, notHere error) (russet.Device, bool, error) {
	known, err := h.KnownDevices(ctx)
	if err != nil {
		return russet.Device{}, false, err
	}
	d, err := reach.FindDevice(known, word)
	if err != nil {
		return russet.Device{}, false, notHere
	}
	return d, false, h.devices.Forget(ctx, d.UDID)
}

// SetWiFi switches a device's Wi-Fi access on or off: whether computers that it
// trusts find it on the network. verified says that the device confirmed it.
func (h *Host) SetWiFi(ctx context.Context, word string, on bool) (d russet.Device, verified bool, err error) {
	return h.devices.SetWiFi(ctx, word, on)
}

// ChooseWiFi notes that a person wants a device's Wi-Fi access on or off, so
// that nothing changes it by itself.
func (h *Host) ChooseWiFi(ctx context.Context, d russet.Device, on bool) error {
	_, err := h.setDevice(ctx, d, func(s *DeviceSettings) error {
		s.WiFi = &on
		return nil
	})
	return err
}

// CheckExport says whether a pairing can be exported to a file, before anybody
// is asked for a password.
func (h *Host) CheckExport(ctx context.Context, word, file string) (russet.Device, error) {
	d, err := h.known(ctx, word)
	if err == nil {
		err = h.devices.CheckExport(ctx, d, file)
	}
	return d, err
}

// ExportPairing writes the pairing of a known device, connected or not, into a
// new file that only the password opens, for another computer: whoever opens it
// has all that this computer may have of the phone.
func (h *Host) ExportPairing(ctx context.Context, word, file, password string) (reach.PairingMove, error) {
	d, err := h.known(ctx, word)
	if err != nil {
		return reach.PairingMove{}, err
	}
	return h.devices.Export(ctx, d, file, password)
}

// ImportPairing takes over a pairing that another computer exported, with the
// addresses that were given there. The phone need not be here, and is not asked.
func (h *Host) ImportPairing(ctx context.Context, file, password string) (reach.PairingMove, error) {
	m, addresses, err := h.devices.Import(ctx, file, password)
	if err != nil || len(addresses) == 0 {
		return m, err
	}
	_, err = h.setDevice(ctx, m.Device, func(s *DeviceSettings) error {
		for _, a := range addresses {
			if len(s.Addresses) < reach.MaxAddresses && !slices.Contains(s.Addresses, a) {
				s.Addresses = append(s.Addresses, a)
			}
		}
		return nil
	})
	return m, err
}
