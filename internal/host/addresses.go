package host

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"russet"
	"russet/internal/reach"
)

// AddAddress has a device looked for at an address beside what it announces:
// behind a VPN, in another subnet, where multicast does not reach. All of its
// addresses are returned.
func (h *Host) AddAddress(ctx context.Context, word, address string) (DeviceSettings, error) {
	if err := reach.CheckAddress(address); err != nil {
		return DeviceSettings{}, err
	}
	return h.changeDevice(ctx, word, func(d *DeviceSettings) error {
		if slices.Contains(d.Addresses, address) {
			return nil
		}
		if len(d.Addresses) >= reach.MaxAddresses {
			return &russet.Error{
				Kind: russet.Usage, What: fmt.Sprintf("%q has %d addresses already", d.Name, len(d.Addresses)),
				Hint: "remove one first: " + strings.Join(d.Addresses, ", "),
			}
		}
		d.Addresses = append(d.Addresses, address)
		return nil
	})
}

// RemoveAddress takes an address away again.
func (h *Host) RemoveAddress(ctx context.Context, word, address string) (DeviceSettings, error) {
	return h.changeDevice(ctx, word, func(d *DeviceSettings) error {
		i := slices.Index(d.Addresses, address)
		if i < 0 {
			e := &russet.Error{Kind: russet.Usage, What: fmt.Sprintf("%q has no address %q", d.Name, address)}
			if len(d.Addresses) > 0 {
				e.Hint = "it has: " + strings.Join(d.Addresses, ", ")
			}
			return e
		}
		d.Addresses = slices.Delete(d.Addresses, i, i+1)
		return nil
	})
}

// DeviceSettings is what a person said of a device; of most, nothing.
func (h *Host) DeviceSettings(udid russet.UDID) (DeviceSettings, error) {
	s, err := h.readSettings()
	if err != nil {
		return DeviceSettings{}, err
	}
	i := slices.IndexFunc(s.Devices, func(d DeviceSettings) bool { return d.UDID == udid })
	if i < 0 {
		return DeviceSettings{UDID: udid}, nil
	}
	return s.Devices[i], nil
}

// given lists what a person said of the addresses of devices.
func (h *Host) given() (map[russet.UDID][]string, error) {
	s, err := h.readSettings()
	if err != nil {
		return nil, err
	}
	given := map[russet.UDID][]string{}
	for _, d := range s.Devices {
		given[d.UDID] = d.Addresses
	}
	return given, nil
}

// changeDevice changes what is set for the device that word means.
func (h *Host) changeDevice(ctx context.Context, word string, change func(*DeviceSettings) error) (DeviceSettings, error) {
	device, err := h.known(ctx, word)
	if err != nil {
		return DeviceSettings{}, err
	}
	return h.setDevice(ctx, device, change)
}

func (h *Host) setDevice(ctx context.Context, device russet.Device, change func(*DeviceSettings) error) (d DeviceSettings, err error) {
	err = h.changeSettings(ctx, func(s *settings) error {
		i := slices.IndexFunc(s.Devices, func(d DeviceSettings) bool { return d.UDID == device.UDID })
		if i < 0 {
			i, s.Devices = len(s.Devices), append(s.Devices, DeviceSettings{UDID: device.UDID})
		}
		s.Devices[i].Name = device.Name
		if err := change(&s.Devices[i]); err != nil {
			return err
		}
		d = s.Devices[i]
		return nil
	})
	return d, err
}
