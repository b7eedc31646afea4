package doctor

import (
	"strconv"
	"time"

	"russet"
)

func absentCases() []Case {
	return []Case{
		{"away", false, russet.NotConnected, "{phone} is not here; it was last seen on {met}", "plug it in, or bring it into this network and wake it"},
		{
			"away-asleep", false, russet.NotConnected, "{phone} was here {ago} ago and is not heard now: it sleeps, has left, or was restarted and not unlocked since",
			"wake it and unlock it; on power it wakes up by itself now and then",
		},
		{
			"away-wifi-off", false, russet.NotConnected, "{phone} is not on the cable, and does not let itself be reached over Wi-Fi",
			"plug it in once and type: russet devices wifi {udid} on",
		},
		{"away-deaf", false, russet.NotConnected, "{phone} is not on the cable, and could not be heard on the network", "plug it in, or do what is said of the network above"},
		{
			"away-network", false, russet.NotConnected, "{phone} was last reached at {address}, which is in none of this computer's networks",
			"let both be in one network; across networks and VPNs give its address there: russet devices add-address {udid} HOST",
		},
		{
			"away-unreachable", false, russet.NotConnected, "{phone} announces itself at {address}, but does not answer there: {why}",
			"unlock it once; if that does not help, a firewall, a guest network or \"client isolation\" keeps the two apart: put both into one network, or allow TCP port 62078",
		},
		{
			"address-no-name", false, russet.NotConnected, "{phone} is to be found at {address}, a name that nobody knows here",
			"see that the VPN is up on this computer; if the name is wrong: russet devices remove-address {udid} {address}",
		},
		{
			"address-silent", false, russet.NotConnected, "{phone} is to be found at {address}, where nothing answers",
			"wake it and see that its VPN is up; if it has another address now: russet devices add-address {udid} HOST",
		},
		{
			"address-refused", false, russet.NotConnected, "{phone} is to be found at {address}, where something answers that is no phone{off}",
			"see whether that is its address (Settings > Wi-Fi > (i) on the phone); if not: russet devices add-address {udid} HOST",
		},
		{
			"address-other", false, russet.NotConnected, "{phone} is to be found at {address}, where a phone answers that does not know this computer",
			"if it is another phone: russet devices remove-address {udid} {address}; if it is this one, plug it in and type: russet pair {udid}",
		},
		{"trust-ending", false, 0, "{phone} was not seen for {days} days; after 30 it may forget this computer", "plug it in, or let it join this network, within {left}"},
		{
			"trust-ended", false, russet.NotTrusted, "{phone} was not seen for {days} days, and after 30 it may have forgotten this computer",
			"plug it in and unlock it; if it asks for trust: russet pair {udid}; one that is gone for good is forgotten with: russet unpair {udid}",
		},
	}
}

// examineAway says of each phone that is not here what keeps it away. deaf is
// why none could be heard.
func examineAway(r Readings, away []Phone, deaf Code) []Finding {
	var all []Finding
	for _, p := range away {
		all = append(all, about(p, r.whyAway(p, deaf)...)...)
	}
	return all
}

func (r Readings) whyAway(p Phone, deaf Code) []Finding {
	gone := r.Now.Sub(p.Met)
	words := []string{"phone", p.quoted(), "udid", string(p.UDID), "ago", ago(gone), "met", when(p.Met)}
	all := []Finding{r.oneWhy(p, deaf, gone, words)}
	if r.ill() {
		return all
	}
	switch {
	case gone >= trustEnds:
		// It may be back in the network and silent because of that: this says more.
		all[0] = say("trust-ended", append(words, "days", strconv.Itoa(days(gone)))...)
	case gone >= trustWorry:
		all = append(all, say("trust-ending", append(words, "days", strconv.Itoa(days(gone)), "left", ago(trustEnds-gone))...))
	}
	return all
}

// asleepWithin is after how long without contact a phone is away rather than
// asleep.
const asleepWithin = 24 * time.Hour

func (r Readings) oneWhy(p Phone, deaf Code, gone time.Duration, words []string) Finding {
	for _, a := range p.Announced {
		if a.State != AddressAnswers && a.State != AddressUntried {
			return say("away-unreachable", append(words, "address", a.Host, "why", a.Why)...)
		}
	}
	for _, a := range p.Addresses {
		if a.Fixed && a.State != AddressUntried && a.State != AddressAnswers {
			return r.addressFinding(p, a, words)
		}
	}
	switch {
	case !p.WiFi:
		return say("away-wifi-off", words...)
	case deaf != walled && !r.nearby(p):
		return say("away-network", append(words, "address", p.Address)...)
	case deaf != "":
		return say("away-deaf", words...)
	case gone < asleepWithin && !r.ill():
		return say("away-asleep", words...)
	default:
		return say("away", words...)
	}
}

func (r Readings) addressFinding(p Phone, a Address, words []string) Finding {
	off := ""
	if !p.WiFi {
		off = ": its Wi-Fi access is off"
	}
	words = append(words, "address", a.Host, "off", off)
	switch a.State {
	case AddressNoName:
		return say("address-no-name", words...)
	case AddressRefused:
		return say("address-refused", words...)
	case AddressOther:
		return say("address-other", words...)
	default:
		return say("address-silent", words...)
	}
}
