package reach

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"russet"
	"russet/device/lockdown"
	"russet/device/mdns"
	"russet/device/usbmux"
)

// wanted is a device that may be on the network, and what it is known by.
type wanted struct {
	udid    russet.UDID
	records []*lockdown.PairRecord // usbmuxd's first; never empty
	seen    Seen
	fixed   []string       // addresses a person gave
	mux     *usbmux.Device // as usbmuxd has it on the network; nil if it has not
}

// clue is why something may be a device, the strongest first.
type clue int

const (
	byTag     clue = iota // it announces a tag made with a HostID of ours, or usbmuxd says so
	byFixed               // a person gave the address
	byLast                // it was there the last time
	byName                // it announces itself by a name that is this device's
	byMAC                 // it announces the Wi-Fi address in the pair record
	byWord                // it announces tags, none of them ours, and says without a session that it is this device
	byNothing             // it may be anybody's
	byTags                // it announces tags, none of them ours: it is only asked who it is
	noClue                // it is somebody else's
)

// Everybody on a network can announce anything. These bound how many doors one
// search knocks at.
const (
	ownLeads  = 8  // for one device
	strangers = 16 // addresses of nobody we know
	perAdvert = 2  // addresses of one of them
	perDoor   = 8  // devices a stranger may turn out to be
)

// How long the first answer from an address may take. A phone that dozes needs
// some seconds to wake up; an address that is only a guess is not worth them.
// TCP knocks at once, after 1 s, 3 s and 7 s: each of these gives one of them
// time.
const (
	dozing   = 8 * time.Second
	expected = 5 * time.Second
	guessed  = 3500 * time.Millisecond
)

// lead is an address where a device may be.
type lead struct {
	host     string
	instance string // of the advert; "" if there is none
	clue     clue
	tagged   bool // byNothing, but it announces tags and does not say who it is
	patience time.Duration
	who      []*wanted // whom it may be
}

// leads lists where to look for those that are missing: the devices' own leads
// in the order of their strength, then strangers, as far as they may be tried.
// all are the devices whose adverts can be told, also those that need not be
// looked for.
func leads(missing, all []*wanted, adverts []mdns.Advert, mayTry func(stranger string, c clue) bool) []lead {
	own := map[*wanted][]lead{}
	for _, w := range missing {
		own[w] = w.addresses()
	}
	var others, tagged []lead
	for _, a := range adverts {
		who, c := whose(all, a)
		most := ownLeads
		if who == nil {
			most = perAdvert
		}
		for _, host := range addressesOf(a, most) {
			l := lead{host: host, instance: a.Instance, clue: c, patience: dozing, who: []*wanted{who}}
			switch {
			case who == nil && c == byNothing && len(others) < strangers && mayTry(host, c):
				l.patience, l.who = guessed, missing[:min(len(missing), perDoor)]
				others = append(others, l)
			case who == nil && c == byTags && len(tagged) < strangers && mayTry(host, c):
				l.patience, l.who = guessed, missing
				tagged = append(tagged, l)
			case who != nil && slices.Contains(missing, who):
				own[who] = append(own[who], l)
			}
		}
	}
	var list []lead
	for _, w := range missing {
		slices.SortStableFunc(own[w], func(a, b lead) int { return cmp.Compare(a.clue, b.clue) })
		list = append(list, distinctLeads(own[w], ownLeads)...)
	}
	slices.SortStableFunc(list, func(a, b lead) int { return cmp.Compare(a.clue, b.clue) })
	return append(append(list, others...), tagged[:min(len(tagged), strangers-len(others))]...)
}

// addresses are the leads that need no advert.
func (w *wanted) addresses() []lead {
	var list []lead
	if w.mux != nil && w.mux.Addr.IsValid() {
		list = append(list, lead{host: w.mux.Addr.String(), clue: byTag, patience: expected, who: []*wanted{w}})
	}
	for _, host := range w.fixed {
		list = append(list, lead{host: host, clue: byFixed, patience: expected, who: []*wanted{w}})
	}
	if w.seen.Address != "" {
		list = append(list, lead{host: w.seen.Address, clue: byLast, patience: guessed, who: []*wanted{w}})
	}
	return list
}

// distinctLeads keeps the first lead to each address, and the first most of
// them. That an address is announced says more of it than that it is known.
func distinctLeads(list []lead, most int) []lead {
	var once []lead
	for _, l := range list {
		i := slices.IndexFunc(once, func(o lead) bool { return o.host == l.host })
		switch {
		case i >= 0:
			once[i].instance = cmp.Or(once[i].instance, l.instance)
			once[i].patience = max(once[i].patience, l.patience)
		case len(once) < most:
			once = append(once, l)
		}
	}
	return once
}

// whose tells whose advert this is by the strongest clue, or that it may be
// anybody's (nil and byNothing), anybody's who does not trust us (nil and byTags)
// or must be somebody else's (nil and noClue).
func whose(all []*wanted, a mdns.Advert) (*wanted, clue) {
	var who *wanted
	best := byNothing
	for _, w := range all {
		if c := w.recognises(a); c < best {
			who, best = w, c
		}
	}
	if best == byNothing {
		best = foreign(all, a)
	}
	return who, best
}

// recognises tells why an advert may be this device's.
func (w *wanted) recognises(a mdns.Advert) clue {
	switch {
	case slices.ContainsFunc(w.records, func(r *lockdown.PairRecord) bool { return r.Advertised(a.Text) }):
		return byTag
	case slices.ContainsFunc(a.Addrs, func(ip netip.Addr) bool { return slices.Contains(w.fixed, ip.String()) }):
		return byFixed
	case sameInstance(a.Instance, w.seen.Found), sameInstance(a.Instance, w.seen.Service):
		return byName
	case slices.ContainsFunc(w.records, func(r *lockdown.PairRecord) bool { return sameMAC(a.MAC(), r.WiFiMACAddress) }):
		return byMAC
	default:
		return byNothing
	}
}

// sameInstance compares a name in mDNS with one that may have the service
// behind it.
func sameInstance(instance, known string) bool {
	known, _, _ = strings.Cut(known, "._apple-mobdev2.")
	return known != "" && strings.EqualFold(instance, known)
}

func sameMAC(a, b string) bool {
	x, err := net.ParseMAC(b)
	return err == nil && a != "" && strings.EqualFold(a, x.String())
}

// foreign sorts an advert that nothing recognises. One that names the hosts it
// trusts does not trust us, or not any more; one that has a Wi-Fi address that is
// not made up, when those of all of ours are known, is somebody else's. Neither
// is told who we are.
func foreign(all []*wanted, a mdns.Advert) clue {
	for _, t := range a.Text {
		if strings.HasPrefix(strings.ToLower(t), "authtag") {
			return byTags
		}
	}
	mac, err := net.ParseMAC(a.MAC())
	const local = 2 // the bit of addresses that no maker gave out
	if err != nil || mac[0]&local != 0 {
		return byNothing
	}
	if slices.ContainsFunc(all, func(w *wanted) bool {
		return !slices.ContainsFunc(w.records, func(r *lockdown.PairRecord) bool { return r.WiFiMACAddress != "" })
	}) {
		return byNothing
	}
	return noClue
}

// addressesOf are the most addresses of an advert that are worth a try: the best
// of each family, then the others, for an address may lead nowhere from here.
func addressesOf(a mdns.Advert, most int) []string {
	var best, others []string
	for n, ip := range a.Addrs {
		v4 := ip.Unmap().Is4()
		if n == slices.IndexFunc(a.Addrs, func(o netip.Addr) bool { return o.Unmap().Is4() == v4 }) {
			best = append(best, ip.String())
		} else {
			others = append(others, ip.String())
		}
	}
	list := append(best, others...)
	return list[:min(len(list), most)]
}
