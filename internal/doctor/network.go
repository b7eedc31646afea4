package doctor

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"russet"
)

// Network is what was heard on the network in the moment it was listened.
type Network struct {
	Listened bool
	// Interfaces are those the questions went out on.
	Interfaces []string
	Shared     bool   // the port of mDNS could be had beside others
	Trouble    string // why it could not be listened
	Heard      bool   // any mDNS packet of somebody else
	Strangers  int    // phones that are announced and match no pairing
}

// Address is one place where a device was looked for.
type Address struct {
	Host  string // as a person gave it, or an IP address
	Fixed bool   // a person gave it
	State AddressState
	Why   string
}

// AddressState is what was found at an address.
type AddressState string

// The states.
const (
	AddressUntried AddressState = ""
	AddressAnswers AddressState = "answers"
	AddressNoName  AddressState = "no-name" // the name is not known
	AddressNoRoute AddressState = "no-route"
	AddressSilent  AddressState = "silent"  // nothing comes back
	AddressRefused AddressState = "refused" // somebody is there, and no phone
	AddressOther   AddressState = "other"   // another phone
)

// The times after which a phone may forget a computer (protocol.md 5.3: trust
// may expire after 30 days without contact).
const (
	trustWorry = 25 * 24 * time.Hour
	trustEnds  = 30 * 24 * time.Hour
)

func networkCases() []Case {
	return []Case{
		{"network", true, 0, "the network carries announcements: other devices are heard on {interfaces}", ""},
		{
			"network-none", false, russet.NotConnected, "this computer is in no network in which phones could announce themselves",
			"connect it to the network of the phones",
		},
		{
			"network-port", false, russet.NotConnected, "another program keeps UDP port 5353 to itself, and without it no phone could be heard",
			"let it share the port, or end it (sudo ss -ulpn 'sport = :5353' names it); or give the phone's address: russet devices add-address DEVICE HOST",
		},
		{
			"network-trouble", false, russet.NotConnected, "phones cannot be listened for: {why}",
			"give the phone's address: russet devices add-address DEVICE HOST",
		},
		{
			"network-container", false, russet.NotConnected, "this container has a network of its own, into which phones cannot announce themselves",
			"run it with --network host; or give the phone's address: russet devices add-address DEVICE HOST",
		},
		{
			"network-silent", false, russet.NotConnected, "nothing at all announces itself on {interfaces}: multicast is blocked, or nobody is there",
			"allow UDP port 5353 in this computer's firewall, and multicast (IGMP snooping, \"client isolation\") in the router; or give the phone's address: russet devices add-address DEVICE HOST",
		},
		{
			"network-private", false, russet.NotConnected, "nothing at all announces itself on {interfaces}: macOS probably keeps russet from the local network",
			"allow russet (or your terminal) in System Settings > Privacy & Security > Local Network",
		},
		{
			"network-firewall", false, russet.NotConnected, "nothing at all announces itself on {interfaces}: Windows' firewall probably keeps it from russet",
			"allow russet in the firewall for private networks, and mark this network as private",
		},
		{
			"network-strangers", false, 0, "phones on this network that do not know this computer: {count}",
			"plug the one that is meant in once, and type: russet pair",
		},
	}
}

func examineNetwork(r Readings) []Finding {
	away := r.away()
	deaf := r.deafness()
	// Where no phone could announce itself, the network is not to blame.
	expected := slices.ContainsFunc(away, func(p Phone) bool { return p.WiFi && (deaf == walled || r.nearby(p)) })
	if !expected || !r.Network.Listened {
		return examineAway(r, away, "")
	}
	code := cmp.Or(deaf, "network")
	all := []Finding{say(code, "interfaces", list(r.Network.Interfaces), "why", r.Network.Trouble)}
	if r.Network.Strangers > 0 {
		all = append(all, say("network-strangers", "count", strconv.Itoa(r.Network.Strangers)))
	}
	return append(all, examineAway(r, away, deaf)...)
}

// walled is a network behind a bridge, from which addresses outside are
// reached, and into which nothing announces itself.
const walled Code = "network-container"

// deafness is why no phone can be heard, as a code; "" if one could.
func (r Readings) deafness() Code {
	n := r.Network
	container := r.Computer.Container != "" && r.Computer.bridged()
	switch {
	case n.Heard:
		return ""
	case len(n.Interfaces) == 0 && len(r.Computer.Interfaces) == 0:
		return "network-none"
	case !n.Shared:
		return "network-port"
	case n.Trouble != "":
		return "network-trouble"
	case container:
		return walled
	case r.Computer.System == "darwin":
		return "network-private"
	case r.Computer.System == "windows":
		return "network-firewall"
	default:
		return "network-silent"
	}
}

// bridged reports whether all ways out of a container lead through a pair of
// virtual interfaces.
func (c Computer) bridged() bool {
	real := slices.DeleteFunc(slices.Clone(c.Interfaces), func(i Interface) bool { return i.Virtual })
	return len(c.Interfaces) > 0 && len(real) == 0
}

// nearby reports whether a phone was last in one of the computer's networks,
// as far as that is known. A computer without any network knows nothing.
func (r Readings) nearby(p Phone) bool {
	return p.Address == "" || len(r.Computer.Interfaces) == 0 || r.Computer.within(p.Address)
}

// within reports whether an address is in one of the computer's networks.
func (c Computer) within(host string) bool {
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil || addr.IsLinkLocalUnicast() {
		return true // a name can be anywhere
	}
	return slices.ContainsFunc(c.Interfaces, func(i Interface) bool {
		return slices.ContainsFunc(i.Prefixes, func(p netip.Prefix) bool { return p.Masked().Contains(addr) })
	})
}
