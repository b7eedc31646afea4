package mdns

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// FuzzPacket has strangers' packets heard. What comes of them can be shown and
// asked for, and is bounded.
func FuzzPacket(f *testing.F) {
	name := dnsmessage.MustNewName
	header := func(n string, class dnsmessage.Class) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: name(n), Class: class, TTL: 120}
	}
	whole := dnsmessage.Message{
		Header: dnsmessage.Header{Response: true},
		Answers: []dnsmessage.Resource{
			{Header: header(fullService, 1), Body: &dnsmessage.PTRResource{PTR: name(phoneName)}},
			{Header: header(phoneName, 1|topBit), Body: &dnsmessage.SRVResource{Target: name(phoneHost), Port: 1}},
		},
		Additionals: []dnsmessage.Resource{
			{Header: header(phoneName, 1|topBit), Body: &dnsmessage.TXTResource{TXT: []string{"identifier=x", ""}}},
			{Header: header(phoneHost, 1|topBit), Body: &dnsmessage.AResource{A: [4]byte{10, 0, 0, 1}}},
			{Header: header(phoneHost, 1|topBit), Body: &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr("fe80::1").As16()}},
		},
	}
	msg, err := whole.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(msg, msg, true)
	f.Add(msg[:len(msg)-20], msg, false)
	f.Add([]byte{}, []byte{0, 0, 0x84, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0xc0, 12}, false)
	f.Fuzz(func(t *testing.T, first, second []byte, direct bool) {
		c := newCache(fullService)
		now := start
		for _, data := range [][]byte{first, second} {
			p, _ := parse(data) // what came before an error counts
			if len(p.records) > 2*maxRecords {
				t.Fatalf("%d records", len(p.records))
			}
			c.apply("eth0", sender, p.records, direct, now)
			for _, a := range c.adverts() {
				if !printable(a.Instance) || a.Instance == "" || !printable(a.Host) || len(a.Addrs) == 0 || len(a.Addrs) > maxAddrs ||
					len(a.Text) > maxText || a.Expires.Before(now) || a.Expires.After(now.Add(maxTTL)) {
					t.Errorf("an advert %+v", a)
				}
			}
			now = now.Add(2 * time.Second)
			c.expire(now)
			qs := c.questions("eth0", now)
			if msg, err := query(1, qs, c.service, c.known("eth0", now)); err != nil || len(msg) > maxQuery {
				t.Errorf("%d questions make %d bytes, %v", len(qs), len(msg), err)
			}
		}
		for range 1000 {
			at, ok := c.next()
			if !ok {
				return
			}
			if at.Before(now) {
				at = now
			}
			now = at
			c.expire(now)
			c.questions("eth0", now)
		}
		t.Error("it never comes to rest")
	})
}
