// Package mdns announces one phone on one network by multicast DNS (RFC 6762
// and 6763): it says that it is there, answers who asks, and says goodbye.
//
// It never asks anything itself, and does not probe: the names of phones hold
// their MAC addresses.
package mdns

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// An Advert is what is announced: a service instance with its host.
type Advert struct {
	Instance string // the instance's label, 63 bytes at most and without dots: "aa:bb:cc:dd:ee:ff@fe80::1"
	Service  string // "_apple-mobdev2._tcp"
	Host     string // the host's label: "Virtual-iPhone-ddeeff"
	Port     uint16
	Text     []string // 255 bytes each at most
	Addrs    []netip.Addr
}

// Times to live in seconds, as RFC 6762 section 10 has them: those with a host
// name in them live shorter.
const (
	ttlLong  = 4500
	ttlShort = 120
	// ttlLegacy is the most that a resolver without a cache of ours is told.
	ttlLegacy = 10
)

// cacheFlush in a record's class says that there are no others of its name and
// type; in a question's class the same bit asks for a unicast answer.
const cacheFlush, wantsUnicast = 1 << 15, 1 << 15

// records are sets of the records an advert consists of.
type records uint8

const (
	pointer     records = 1 << iota // PTR of the service to the instance
	enumeration                     // PTR of _services._dns-sd._udp to the service
	service                         // SRV
	text                            // TXT
	address4                        // A
	address6                        // AAAA

	none      records = 0
	addresses         = address4 | address6
	announced         = pointer | service | text | addresses
)

// shared are the records that others on the network have under the same name.
const shared = pointer | enumeration

func (r records) list() []records {
	var all []records
	for one := pointer; one <= address6; one <<= 1 {
		if r&one != 0 {
			all = append(all, one)
		}
	}
	return all
}

// alongside adds what whoever asked will ask for next.
func (r records) alongside() records {
	if r&pointer != 0 {
		r |= service | text
	}
	if r&service != 0 {
		r |= addresses
	}
	return r
}

// A zone is an advert in DNS's terms.
type zone struct {
	enumeration, service, instance, host dnsmessage.Name
	port                                 uint16
	text                                 []string
	addrs                                []netip.Addr
}

func (a Advert) zone() (z zone, err error) {
	for _, name := range []struct {
		to   *dnsmessage.Name
		text string
	}{
		{&z.enumeration, "_services._dns-sd._udp.local."},
		{&z.service, a.Service + ".local."},
		{&z.instance, a.Instance + "." + a.Service + ".local."},
		{&z.host, a.Host + ".local."},
	} {
		if *name.to, err = dnsmessage.NewName(name.text); err != nil {
			return zone{}, err
		}
	}
	z.port, z.addrs = a.Port, slices.Clone(a.Addrs)
	// There is always a string in a TXT record, if only an empty one.
	if z.text = slices.Clone(a.Text); len(z.text) == 0 {
		z.text = []string{""}
	}
	return z, nil
}

// resources are the records of a set as they are multicast.
func (z zone) resources(set records) []dnsmessage.Resource {
	var all []dnsmessage.Resource
	add := func(one records, name dnsmessage.Name, t dnsmessage.Type, ttl uint32, body dnsmessage.ResourceBody) {
		h := dnsmessage.ResourceHeader{Name: name, Type: t, Class: dnsmessage.ClassINET, TTL: ttl}
		if one&shared == 0 {
			h.Class |= cacheFlush
		}
		all = append(all, dnsmessage.Resource{Header: h, Body: body})
	}
	for _, one := range set.list() {
		switch one {
		case pointer:
			add(one, z.service, dnsmessage.TypePTR, ttlLong, &dnsmessage.PTRResource{PTR: z.instance})
		case enumeration:
			add(one, z.enumeration, dnsmessage.TypePTR, ttlLong, &dnsmessage.PTRResource{PTR: z.service})
		case service:
			add(one, z.instance, dnsmessage.TypeSRV, ttlShort, &dnsmessage.SRVResource{Port: z.port, Target: z.host})
		case text:
			add(one, z.instance, dnsmessage.TypeTXT, ttlLong, &dnsmessage.TXTResource{TXT: z.text})
		}
		for _, addr := range z.addrs {
			switch {
			case one == address4 && addr.Is4():
				add(one, z.host, dnsmessage.TypeA, ttlShort, &dnsmessage.AResource{A: addr.As4()})
			case one == address6 && addr.Is6():
				add(one, z.host, dnsmessage.TypeAAAA, ttlShort, &dnsmessage.AAAAResource{AAAA: addr.As16()})
			}
		}
	}
	return all
}

// asked is what a question asks of this zone.
func (z zone) asked(q dnsmessage.Question) records {
	if class := q.Class &^ wantsUnicast; class != dnsmessage.ClassINET && class != dnsmessage.ClassANY {
		return none
	}
	var here records
	for _, name := range []struct {
		is   dnsmessage.Name
		have records
	}{
		{z.enumeration, enumeration},
		{z.service, pointer},
		{z.instance, service | text},
		{z.host, addresses},
	} {
		if sameName(q.Name, name.is) {
			here |= name.have
		}
	}
	if !slices.ContainsFunc(z.addrs, netip.Addr.Is4) {
		here &^= address4
	}
	if !slices.ContainsFunc(z.addrs, netip.Addr.Is6) {
		here &^= address6
	}
	switch q.Type {
	case dnsmessage.TypeALL:
		return here
	case dnsmessage.TypePTR:
		return here & shared
	case dnsmessage.TypeSRV:
		return here & service
	case dnsmessage.TypeTXT:
		return here & text
	case dnsmessage.TypeA:
		return here & address4
	case dnsmessage.TypeAAAA:
		return here & address6
	}
	return none
}

// unknown leaves out the records that the asker has already, and will have for
// half of their time yet.
func (z zone) unknown(set records, known []dnsmessage.Resource) records {
	if len(known) == 0 {
		return set
	}
	for _, one := range set.list() {
		missing := slices.ContainsFunc(z.resources(one), func(r dnsmessage.Resource) bool {
			return !slices.ContainsFunc(known, func(k dnsmessage.Resource) bool { return sameRecord(k, r) && k.Header.TTL >= r.Header.TTL/2 })
		})
		if !missing {
			set &^= one
		}
	}
	return set
}

func sameName(a, b dnsmessage.Name) bool { return strings.EqualFold(a.String(), b.String()) }

func sameRecord(a, b dnsmessage.Resource) bool {
	if a.Header.Type != b.Header.Type || !sameName(a.Header.Name, b.Header.Name) {
		return false
	}
	switch a := a.Body.(type) {
	case *dnsmessage.PTRResource:
		b, ok := b.Body.(*dnsmessage.PTRResource)
		return ok && sameName(a.PTR, b.PTR)
	case *dnsmessage.SRVResource:
		b, ok := b.Body.(*dnsmessage.SRVResource)
		return ok && a.Port == b.Port && sameName(a.Target, b.Target)
	case *dnsmessage.TXTResource:
		b, ok := b.Body.(*dnsmessage.TXTResource)
		return ok && slices.Equal(a.TXT, b.TXT)
	case *dnsmessage.AResource:
		b, ok := b.Body.(*dnsmessage.AResource)
		return ok && a.A == b.A
	case *dnsmessage.AAAAResource:
		b, ok := b.Body.(*dnsmessage.AAAAResource)
		return ok && a.AAAA == b.AAAA
	}
	return false
}
