package reach

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"russet"
	"russet/device/lockdown"
	"russet/device/mdns"
)

// tags are the TXT strings of a phone that trusts a host.
func tags(hostID string) []string {
	key, err := hkdf.Key(sha512.New, []byte(hostID), nil, "", 32)
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("id"))
	return []string{"identifier=id", "authTag#0=AAAAAAAAAAA=", "authTag#1=" + base64.StdEncoding.EncodeToString(mac.Sum(nil)[:8])}
}

func advert(instance, address string, text ...string) mdns.Advert {
	return mdns.Advert{Instance: instance, Addrs: []netip.Addr{netip.MustParseAddr(address)}, Text: text}
}

func wantedFor(udid russet.UDID, hostID, mac string) *wanted {
	return &wanted{udid: udid, records: []*lockdown.PairRecord{{HostID: hostID, WiFiMACAddress: mac}}}
}

func TestWhoseAdvert(t *testing.T) {
	anna := wantedFor("A", "HOST-A", "AA:BB:CC:00:00:01")
	anna.seen = Seen{Service: "12:34:56:78:9a:bc@fe80::2-supportsRP-24._apple-mobdev2._tcp.local.", Found: "odd@name"}
	anna.fixed = []string{"10.9.9.9"}
	ben := wantedFor("B", "HOST-B", "a8:bb:cc:00:00:02")
	all := []*wanted{anna, ben}
	for _, c := range []struct {
		advert mdns.Advert
		who    *wanted
		clue   clue
	}{
		{advert("2a:00:00:00:00:01@fe80::1", "10.0.0.1", tags("HOST-B")...), ben, byTag},
		// The tag says more than the MAC address, which anybody can copy.
		{advert("aa:bb:cc:00:00:01@fe80::1", "10.0.0.1", tags("HOST-B")...), ben, byTag},
		{advert("aa:bb:cc:00:00:01@fe80::1-supportsRP-24", "10.0.0.1"), anna, byMAC},
		{advert("12:34:56:78:9A:bc@fe80::2-supportsRP-24", "10.0.0.1"), anna, byName},
		{advert("ODD@name", "10.0.0.1"), anna, byName},
		{advert("2a:00:00:00:00:01@fe80::1", "10.9.9.9"), anna, byFixed},
		{advert("2a:00:00:00:00:01@fe80::1", "10.0.0.1"), nil, byNothing},
		{advert("who knows", "10.0.0.1"), nil, byNothing},
		// It names whom it trusts, and we are not among them.
		{advert("2a:00:00:00:00:01@fe80::1", "10.0.0.1", tags("HOST-C")...), nil, byTags},
		// A maker gave out this address, and it is none of theirs.
		{advert("a8:00:00:00:00:01@fe80::1", "10.0.0.1"), nil, noClue},
	} {
		if who, clue := whose(all, c.advert); who != c.who || clue != c.clue {
			t.Errorf("%s %v: %v %d", c.advert.Instance, c.advert.Text, who, clue)
		}
	}
	// One whose Wi-Fi address is not known can be anybody.
	all = append(all, wantedFor("C", "HOST-D", ""))
	if who, clue := whose(all, advert("a8:00:00:00:00:01@fe80::1", "10.0.0.1")); who != nil || clue != byNothing {
		t.Error(who, clue)
	}
}

func anybody(string, clue) bool { return true }

// TestLeadsAreBounded: a thousand announcements are a handful of knocks.
func TestLeadsAreBounded(t *testing.T) {
	anna, ben := wantedFor("A", "HOST-A", "aa:bb:cc:00:00:01"), wantedFor("B", "HOST-B", "")
	anna.fixed, anna.seen.Address = []string{"phone.example.net"}, "10.0.0.7"
	var adverts []mdns.Advert
	for i := range 1000 {
		ip := fmt.Sprintf("10.1.%d.%d", i/250, i%250+1)
		adverts = append(adverts,
			advert(fmt.Sprintf("stranger %d", i), ip),
			advert(fmt.Sprintf("aa:bb:cc:00:00:01@%d", i), strings.Replace(ip, "10.1.", "10.2.", 1)),
			advert(fmt.Sprintf("tagged %d", i), strings.Replace(ip, "10.1.", "10.3.", 1), tags("HOST-B")...))
	}
	list := leads([]*wanted{anna, ben}, []*wanted{anna, ben}, adverts, anybody)
	if len(list) != 2*ownLeads+strangers {
		t.Errorf("%d leads", len(list))
	}
	annas := slices.DeleteFunc(slices.Clone(list), func(l lead) bool { return len(l.who) != 1 || l.who[0] != anna })
	if len(annas) != ownLeads || annas[0].host != "phone.example.net" || annas[1].host != "10.0.0.7" || annas[2].clue != byMAC {
		t.Errorf("%+v", annas)
	}
	// Ben is here already: his adverts are still his, and nobody is tried on them.
	for _, l := range leads([]*wanted{anna}, []*wanted{anna, ben}, adverts, anybody) {
		if strings.HasPrefix(l.host, "10.3.") || slices.Contains(l.who, ben) {
			t.Fatalf("%+v", l)
		}
	}
}

func TestAddressesOfAnAdvert(t *testing.T) {
	a := mdns.Advert{Addrs: []netip.Addr{
		netip.MustParseAddr("192.168.1.20"), netip.MustParseAddr("192.168.1.21"),
		netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("fe80::1%eth0"),
	}}
	if got := addressesOf(a, perAdvert); !slices.Equal(got, []string{"192.168.1.20", "2001:db8::1"}) {
		t.Error(got)
	}
	// Of a device of ours the others are tried, too.
	if got := addressesOf(a, ownLeads); !slices.Equal(got, []string{"192.168.1.20", "2001:db8::1", "192.168.1.21", "fe80::1%eth0"}) {
		t.Error(got)
	}
	anna := wantedFor("A", "HOST-A", "aa:bb:cc:00:00:01")
	a.Instance = "aa:bb:cc:00:00:01@fe80::1"
	if got := leads([]*wanted{anna}, []*wanted{anna}, []mdns.Advert{a}, anybody); len(got) != len(a.Addrs) {
		t.Errorf("%+v", got)
	}
	a.Addrs = a.Addrs[3:]
	if got := addressesOf(a, perAdvert); !slices.Equal(got, []string{"fe80::1%eth0"}) {
		t.Error(got)
	}
}
