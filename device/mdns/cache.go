package mdns

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/dns/dnsmessage"
)

// maxInstances bounds how many names are remembered, of all interfaces.
const maxInstances = 256

// A cache is what was heard and is still true. It knows no sockets and no
// clock.
type cache struct {
	service   string // "_apple-mobdev2._tcp.local."
	instances map[key]*instance
}

// A key is an interface and a name in lower case.
type key struct{ iface, name string }

func newCache(service string) *cache {
	return &cache{service: service, instances: map[key]*instance{}}
}

// apply takes in what was heard on an interface. direct says that it answers a
// question of ours, straight to our port.
func (c *cache) apply(iface string, source netip.Addr, records []record, direct bool, now time.Time) {
	for _, r := range records {
		if r.kind == dnsmessage.TypePTR && equal(r.name, c.service) {
			c.pointer(iface, source, r, direct, now)
		}
	}
	addresses := map[string][]record{}
	for _, r := range records {
		switch r.kind {
		case dnsmessage.TypeSRV, dnsmessage.TypeTXT:
			if i := c.instances[key{iface, lower(r.name)}]; i != nil {
				i.describe(r, direct, now)
			}
		case dnsmessage.TypeA, dnsmessage.TypeAAAA:
			if host := lower(r.name); usable(r.address) && len(addresses[host]) < 2*maxAddrs {
				addresses[host] = append(addresses[host], r)
			}
		}
	}
	if len(addresses) == 0 {
		return
	}
	for _, i := range c.instances {
		if i.iface == iface && i.host != "" {
			i.resolve(addresses[lower(i.host)], direct, now)
		}
	}
}

// pointer takes in a PTR record: there is such a name.
func (c *cache) pointer(iface string, source netip.Addr, r record, direct bool, now time.Time) {
	at := key{iface, lower(r.target)}
	i := c.instances[at]
	if i == nil {
		if r.ttl == 0 || c.label(r.target) == "" {
			return
		}
		if len(c.instances) >= maxInstances {
			c.evict()
		}
		i = &instance{iface: iface, name: r.target, source: source, since: now, grown: now}
		c.instances[at] = i
	}
	i.ptr.renew(now, r.ttl, direct)
}

// label is the first label of a name of the service; "" if it is none or
// nothing a person could have named a device.
func (c *cache) label(name string) string {
	n := len(name) - len(c.service) - 1
	if n < 1 || name[n] != '.' || !equal(name[n+1:], c.service) {
		return ""
	}
	if label := name[:n]; printable(label) && !strings.Contains(label, ".") {
		return label
	}
	return ""
}

// printable says whether a name can be shown to a person as it is.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// evict makes room. Who told us most has to give, and the newest first: a single
// machine that invents names pushes out neither the others' nor what was there
// before.
func (c *cache) evict() {
	count := map[netip.Addr]int{}
	for _, i := range c.instances {
		count[i.source]++
	}
	worst := slices.MaxFunc(slices.Collect(maps.Values(c.instances)), func(a, b *instance) int {
		return cmp.Or(cmp.Compare(count[a.source], count[b.source]), a.since.Compare(b.since))
	})
	delete(c.instances, key{worst.iface, lower(worst.name)})
}

// expire forgets what is no longer true. A name whose machine or address ran
// out is gone as a whole: nobody answered when asked for them again, and the
// device announces all of it when it comes back.
func (c *cache) expire(now time.Time) {
	maps.DeleteFunc(c.instances, func(_ key, i *instance) bool {
		if !i.until().After(now) {
			return true
		}
		i.addrs = slices.DeleteFunc(i.addrs, func(a address) bool { return !a.lease.until.After(now) })
		if !i.txt.until.IsZero() && !i.txt.until.After(now) {
			i.text, i.txt = nil, lease{}
		}
		return false
	})
}

// doubt shortens the life of everything on an interface ("" is all of them)
// that is not heard again: the network may be another one by now.
func (c *cache) doubt(iface string, now time.Time) {
	for _, i := range c.instances {
		if iface == "" || i.iface == iface {
			i.leases(c.service, func(l *lease, _ question) { l.doubt(now) })
		}
	}
}

// drop forgets an interface.
func (c *cache) drop(iface string) {
	maps.DeleteFunc(c.instances, func(k key, _ *instance) bool { return k.iface == iface })
}

// adverts are those complete, sorted.
func (c *cache) adverts() []Advert {
	var all []Advert
	for _, i := range c.instances {
		if !i.complete() {
			continue
		}
		a := Advert{
			Instance: c.label(i.name), Host: strings.TrimSuffix(i.host, "."), Port: i.port,
			Text: slices.Clone(i.text), Interface: i.iface, Expires: i.until(),
		}
		for _, addr := range i.addrs {
			a.Addrs = append(a.Addrs, addr.addr)
		}
		slices.SortFunc(a.Addrs, func(x, y netip.Addr) int { return nearest(x, y, i.source) })
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Advert) int {
		return cmp.Or(cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.Interface, b.Interface))
	})
	return all
}
