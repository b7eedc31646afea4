package host

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"russet"
)

// maxAddresses bounds those of one device.
const maxAddresses = 8

// hostName is a name as the DNS has them, or one of a VPN.
var hostName = regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?$`)

// checkAddress refuses what cannot be the address of a device: an IP address,
// a link-local one with its zone, or a name; never with a port, for that is
// always the same.
func checkAddress(address string) error {
	refuse := func(what, hint string) error {
		return &russet.Error{Kind: russet.Usage, What: fmt.Sprintf("%q %s", address, what), Hint: hint}
	}
	ip, err := netip.ParseAddr(address)
	switch {
	case err == nil && (ip.IsUnspecified() || ip.IsMulticast()):
		return refuse("is no single device's address", "for example 192.168.1.20")
	case err == nil && ip.IsLinkLocalUnicast() && ip.Is6() && ip.Zone() == "":
		return refuse("needs the interface it is on", "for example "+address+"%eth0")
	case err == nil:
		return nil
	}
	if _, err := netip.ParseAddrPort(address); err == nil {
		return refuse("has a port", "name the address alone: the port of a phone is always 62078")
	}
	if len(address) > 253 || !hostName.MatchString(address) {
		return refuse("is neither an IP address nor a host name", "for example 192.168.1.20 or phone.example.net")
	}
	return nil
}

// AddAddress has a device looked for at an address beside what it announces:
// behind a VPN, in another subnet, where multicast does not reach. All of its
// addresses are returned.
func (h *Host) AddAddress(ctx context.Context, word, address string) (DeviceSettings, error) {
	if err := checkAddress(address); err != nil {
		return DeviceSettings{}, err
	}
	return h.changeDevice(ctx, word, func(d *DeviceSettings) error {
		if slices.Contains(d.Addresses, address) {
			return nil
		}
		if len(d.Addresses) >= maxAddresses {
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

// changeDevice changes what is set for the device that word means.
func (h *Host) changeDevice(ctx context.Context, word string, change func(*DeviceSettings) error) (DeviceSettings, error) {
	known, err := h.KnownDevices(ctx)
	if err != nil {
		return DeviceSettings{}, err
	}
	device, err := FindDevice(known, word)
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
