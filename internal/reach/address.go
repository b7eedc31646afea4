package reach

import (
	"fmt"
	"net/netip"
	"regexp"

	"russet"
)

// MaxAddresses bounds those of one device.
const MaxAddresses = 8

// hostName is a name as the DNS has them, or one of a VPN.
var hostName = regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?$`)

// CheckAddress refuses what cannot be the address of a device: an IP address,
// a link-local one with its zone, or a name; never with a port, for that is
// always the same.
func CheckAddress(address string) error {
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
