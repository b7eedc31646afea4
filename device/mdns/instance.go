package mdns

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// maxAddrs bounds the addresses of one of them. A phone has about five.
	maxAddrs = 16
	// patience is how long a name may take to become complete: its responder
	// answers within a second.
	patience = 30 * time.Second
	// farewell is how long a record lives that was taken back; the device may
	// just have put another in its place (RFC 6762, 10.1 and 10.2).
	farewell = time.Second
	// shortest is how long a record lives that was sent to our own port. Such
	// answers are cut to ten seconds (6.7), for those who never ask again.
	shortest = 2 * time.Minute
	// doubtful is how long what may be of another network lives.
	doubtful = 10 * time.Second
	// questionsPerLease is how often a record is asked for before it is given up.
	questionsPerLease = 4
)

// A lease is how long something is true.
type lease struct {
	born, until time.Time
	asked       int // how often it was asked for again
}

// renew takes over what was just said; ttl 0 ends it soon.
func (l *lease) renew(now time.Time, ttl time.Duration, direct bool) {
	if ttl == 0 {
		l.end(now)
		return
	}
	if direct {
		ttl = max(ttl, shortest, l.until.Sub(now))
	}
	*l = lease{born: now, until: now.Add(ttl)}
}

// cut shortens it.
func (l *lease) cut(until time.Time) {
	if l.until.After(until) {
		l.until = until
	}
}

// end lets it run out: the device itself said so, and need not be asked.
func (l *lease) end(now time.Time) {
	l.cut(now.Add(farewell))
	l.asked = questionsPerLease
}

// doubt lets it run out soon and has it asked for at once.
func (l *lease) doubt(now time.Time) {
	l.cut(now.Add(doubtful))
	l.born = now.Add(-10 * doubtful)
}

// again is when to ask for it again: at 80, 85, 90 and 95 % of its time
// (RFC 6762, 5.2). The zero time is never.
func (l *lease) again() time.Time {
	if l.asked >= questionsPerLease || l.until.IsZero() {
		return time.Time{}
	}
	return l.born.Add(l.until.Sub(l.born) * time.Duration(80+5*l.asked) / 100)
}

// An address of a machine.
type address struct {
	addr  netip.Addr
	lease lease
}

// An instance is what is known of one name on one interface.
type instance struct {
	iface  string
	name   string     // as the device wrote it, with the service
	source netip.Addr // who told us of it
	since  time.Time

	ptr, srv, txt lease
	host          string // "" until there was an SRV record
	port          uint16
	text          []string
	addrs         []address

	grown time.Time // when more of it became known, so that other parts are missing
	tries int       // how often what is missing was asked for
	tried time.Time // when
}

// complete says whether somebody can connect to it.
func (i *instance) complete() bool { return i.host != "" && len(i.addrs) > 0 }

// until is when it is gone.
func (i *instance) until() time.Time {
	t := i.ptr.until
	if i.host != "" && i.srv.until.Before(t) {
		t = i.srv.until
	}
	if !i.complete() {
		if limit := i.since.Add(patience); limit.Before(t) {
			t = limit
		}
		return t
	}
	last := slices.MaxFunc(i.addrs, func(a, b address) int { return a.lease.until.Compare(b.lease.until) })
	if last.lease.until.Before(t) {
		t = last.lease.until
	}
	return t
}

// leases visits everything that is known of it, with the question that would
// renew it.
func (i *instance) leases(service string, visit func(l *lease, q question)) {
	visit(&i.ptr, question{service, dnsmessage.TypePTR})
	if i.host != "" {
		visit(&i.srv, question{i.name, dnsmessage.TypeSRV})
	}
	if !i.txt.until.IsZero() {
		visit(&i.txt, question{i.name, dnsmessage.TypeTXT})
	}
	for n := range i.addrs {
		kind := dnsmessage.TypeAAAA
		if i.addrs[n].addr.Is4() {
			kind = dnsmessage.TypeA
		}
		visit(&i.addrs[n].lease, question{i.host, kind})
	}
}

// describe takes in an SRV or TXT record.
func (i *instance) describe(r record, direct bool, now time.Time) {
	switch {
	case r.kind == dnsmessage.TypeTXT:
		i.txt.renew(now, r.ttl, direct)
		if r.ttl > 0 {
			i.text = r.text
		}
	case r.ttl == 0:
		if i.host != "" {
			i.srv.renew(now, 0, direct)
		}
	case printable(r.target):
		if !equal(i.host, r.target) {
			i.addrs = nil // another machine
		}
		if i.host == "" {
			i.grown, i.tries = now, 0 // now its addresses are missing
		}
		i.host, i.port = r.target, r.port
		i.srv.renew(now, r.ttl, direct)
	}
}

// resolve takes in address records of its machine. Those that are not repeated
// where the device says that it told all are gone in a moment.
func (i *instance) resolve(records []record, direct bool, now time.Time) {
	for _, r := range records {
		if r.flush {
			for n := range i.addrs {
				old := &i.addrs[n]
				if old.addr.Is4() == r.address.Is4() && now.Sub(old.lease.born) > farewell {
					old.lease.end(now)
				}
			}
		}
		i.address(r, direct, now)
	}
}

func (i *instance) address(r record, direct bool, now time.Time) {
	addr := r.address
	if addr.Is6() && addr.IsLinkLocalUnicast() {
		addr = addr.WithZone(i.iface)
	}
	at := slices.IndexFunc(i.addrs, func(a address) bool { return a.addr == addr })
	if at < 0 {
		if r.ttl == 0 || len(i.addrs) >= maxAddrs {
			return
		}
		i.addrs, at = append(i.addrs, address{addr: addr}), len(i.addrs)
	}
	i.addrs[at].lease.renew(now, r.ttl, direct)
}

// nearest orders addresses by how likely they work: within IPv4 and within IPv6
// the one is first from which the device was heard.
func nearest(a, b, source netip.Addr) int {
	source = source.WithZone("")
	rank := func(a netip.Addr) int {
		switch {
		case a.WithZone("") == source && a.Is4():
			return -1
		case a.WithZone("") == source:
			return 2
		case a.Is4() && !a.IsLinkLocalUnicast():
			return 0
		case a.Is4():
			return 1
		case !a.IsLinkLocalUnicast():
			return 3
		default:
			return 4
		}
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), a.Compare(b))
}
