package mdns

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	fullService = Service + ".local."
	phoneLabel  = "aa:bb:cc:dd:ee:ff@fe80::a8bb:ccff:fedd:eeff-supportsRP-24"
	phoneName   = phoneLabel + "." + fullService
	phoneHost   = "Annas-iPhone.local."
)

var (
	start  = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	sender = netip.MustParseAddr("192.168.1.20")
)

func ptr(target string, ttl time.Duration) record {
	return record{name: fullService, kind: dnsmessage.TypePTR, ttl: ttl, target: target}
}

func srv(name, host string, ttl time.Duration) record {
	return record{name: name, kind: dnsmessage.TypeSRV, ttl: ttl, flush: true, target: host, port: 32498}
}

func txt(name string, ttl time.Duration, text ...string) record {
	return record{name: name, kind: dnsmessage.TypeTXT, ttl: ttl, flush: true, text: text}
}

func addr(host, a string, ttl time.Duration) record {
	r := record{name: host, kind: dnsmessage.TypeA, ttl: ttl, flush: true, address: netip.MustParseAddr(a)}
	if r.address.Is6() {
		r.kind = dnsmessage.TypeAAAA
	}
	return r
}

// phone is what an iPhone announces, with Apple's times to live.
func phone(addrs ...string) []record {
	records := []record{
		ptr(phoneName, 75*time.Minute), srv(phoneName, phoneHost, 2*time.Minute),
		txt(phoneName, 75*time.Minute, "identifier=x", "authTag=AAAAAAAAAAA="),
	}
	for _, a := range addrs {
		records = append(records, addr(phoneHost, a, 2*time.Minute))
	}
	return records
}

func TestWhatIsHeard(t *testing.T) {
	c := newCache(fullService)
	c.apply("eth0", sender, phone("fe80::1", "fd00::7", "2001:db8::7", "169.254.3.4", "192.168.1.20", "127.0.0.1", "::", "ff02::1", "255.255.255.255"), false, start)
	want := []Advert{{
		Instance: phoneLabel, Host: "Annas-iPhone.local", Port: 32498,
		Addrs: []netip.Addr{
			netip.MustParseAddr("192.168.1.20"), netip.MustParseAddr("169.254.3.4"), netip.MustParseAddr("2001:db8::7"),
			netip.MustParseAddr("fd00::7"), netip.MustParseAddr("fe80::1%eth0"),
		},
		Text: []string{"identifier=x", "authTag=AAAAAAAAAAA="}, Interface: "eth0", Expires: start.Add(2 * time.Minute),
	}}
	if got := c.adverts(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	// Of each family that is first from which it was heard.
	for source, first := range map[string]string{"192.168.1.20": "192.168.1.20", "169.254.3.4": "169.254.3.4", "fe80::1%eth0": "192.168.1.20"} {
		c := newCache(fullService)
		c.apply("eth0", netip.MustParseAddr(source), phone("10.0.0.1", "192.168.1.20", "169.254.3.4", "fe80::1", "fd00::7"), false, start)
		got := c.adverts()[0].Addrs
		if source == "fe80::1%eth0" {
			first, got = source, got[3:]
		}
		if got[0].String() != first {
			t.Errorf("heard from %s: %v", source, got)
		}
	}
	// The same phone on another interface, in letters of another size.
	again := phone("192.168.1.20")
	for i := range again {
		again[i].name = strings.ToUpper(again[i].name)
	}
	c.apply("wlan0", sender, again, false, start)
	if got := c.adverts(); len(got) != 2 || got[1].Interface != "wlan0" || len(got[1].Addrs) != 1 {
		t.Errorf("on two interfaces: %+v", got)
	}
	c.drop("eth0")
	if got := c.adverts(); len(got) != 1 || got[0].Interface != "wlan0" {
		t.Errorf("an interface gone: %+v", got)
	}
}

// TestPartsInAnyOrder: records come in several packets, and what is missing is
// asked for.
func TestPartsInAnyOrder(t *testing.T) {
	c := newCache(fullService)
	all := phone("192.168.1.20")
	c.apply("eth0", sender, all[:1], false, start)
	if n := len(c.adverts()); n != 0 {
		t.Fatalf("%d adverts of a name alone", n)
	}
	if qs := c.questions("eth0", start); qs != nil {
		t.Errorf("asked %v before the rest could come", qs)
	}
	now := start.Add(moment)
	want := []question{{phoneName, dnsmessage.TypeSRV}, {phoneName, dnsmessage.TypeTXT}}
	if qs := c.questions("eth0", now); !reflect.DeepEqual(qs, want) {
		t.Errorf("asked %v", qs)
	}
	c.apply("eth0", sender, all[1:3], false, now)
	want = []question{{phoneHost, dnsmessage.TypeA}, {phoneHost, dnsmessage.TypeAAAA}}
	if qs := c.questions("eth0", now.Add(time.Second)); !reflect.DeepEqual(qs, want) {
		t.Errorf("asked %v", qs)
	}
	c.apply("eth1", sender, all[3:], false, now) // another wire
	if n := len(c.adverts()); n != 0 {
		t.Fatal("an address of another network was taken")
	}
	c.apply("eth0", sender, all[3:], false, now)
	if n := len(c.adverts()); n != 1 {
		t.Errorf("%d adverts", n)
	}
}

// TestOnePartAtATime: a responder that tells only what it is asked for is known
// well before somebody who waits for it gives up.
func TestOnePartAtATime(t *testing.T) {
	r := newRun(New(Options{}), func() {})
	defer r.air.close()
	r.lastAsk = start // for the service
	answers := map[dnsmessage.Type]record{
		dnsmessage.TypeSRV: srv(phoneName, phoneHost, 2*time.Minute),
		dnsmessage.TypeTXT: txt(phoneName, 75*time.Minute, "identifier=x"),
		dnsmessage.TypeA:   addr(phoneHost, "192.168.1.20", 2*time.Minute),
	}
	r.cache.apply("eth0", sender, []record{ptr(phoneName, 75*time.Minute)}, false, start)
	asked := 0
	for now := start; len(r.cache.adverts()) == 0; now = now.Add(10 * time.Millisecond) {
		if now.Sub(start) > time.Second {
			t.Fatal("not known after a second")
		}
		if !r.mayAsk(now) {
			continue
		}
		qs := r.cache.questions("eth0", now)
		if len(qs) > 0 {
			r.lastAsk, asked = now, asked+1
		}
		for _, q := range qs {
			if a, ok := answers[q.kind]; ok {
				r.cache.apply("eth0", sender, []record{a}, false, now)
			}
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

// TestNeverComplete: a name nobody tells more about is forgotten.
func TestNeverComplete(t *testing.T) {
	c := newCache(fullService)
	c.apply("eth0", sender, phone()[:2], false, start)
	asked, now := 0, start
	for {
		at, ok := c.next()
		if !ok {
			break
		}
		now = at
		c.expire(now)
		if c.questions("eth0", now) != nil {
			asked++
		}
	}
	if took := now.Sub(start); took != patience || asked < 3 || asked > maxTries {
		t.Errorf("asked %d times in %v", asked, took)
	}
}

func TestFarewell(t *testing.T) {
	for _, c := range []struct {
		name string
		bye  record
		left int // adverts a moment later
	}{
		{"of the name", ptr(phoneName, 0), 0},
		{"of the machine", srv(phoneName, phoneHost, 0), 0},
		{"of one address of two", addr(phoneHost, "192.168.1.20", 0), 1},
		{"of another name", ptr("x."+fullService, 0), 1},
	} {
		cache := newCache(fullService)
		cache.apply("eth0", sender, phone("192.168.1.20", "fe80::1"), false, start)
		cache.apply("eth0", sender, []record{c.bye}, false, start.Add(time.Minute))
		if qs := cache.questions("eth0", start.Add(time.Minute)); qs != nil {
			t.Errorf("%s: asked %v", c.name, qs)
		}
		cache.expire(start.Add(time.Minute + farewell))
		if got := cache.adverts(); len(got) != c.left {
			t.Errorf("farewell %s leaves %+v", c.name, got)
		}
	}
	// A phone that comes straight back has never been away.
	cache := newCache(fullService)
	cache.apply("eth0", sender, phone("192.168.1.20"), false, start)
	cache.apply("eth0", sender, []record{ptr(phoneName, 0)}, false, start.Add(time.Minute))
	cache.apply("eth0", sender, phone("192.168.1.20"), false, start.Add(time.Minute+farewell/2))
	cache.expire(start.Add(2 * time.Minute))
	if len(cache.adverts()) != 1 {
		t.Error("a phone that came straight back is gone")
	}
}

// TestRoaming: a new address takes the place of the old one, of its family.
func TestRoaming(t *testing.T) {
	c := newCache(fullService)
	c.apply("eth0", sender, phone("192.168.1.20", "fe80::1"), false, start)
	now := start.Add(time.Minute)
	c.apply("eth0", sender, []record{addr(phoneHost, "192.168.1.99", 2*time.Minute)}, false, now)
	c.expire(now.Add(farewell))
	want := []netip.Addr{netip.MustParseAddr("192.168.1.99"), netip.MustParseAddr("fe80::1%eth0")}
	if got := c.adverts(); len(got) != 1 || !reflect.DeepEqual(got[0].Addrs, want) {
		t.Errorf("got %+v", got)
	}
	// Another machine's addresses are not kept for this one.
	c.apply("eth0", sender, []record{srv(phoneName, "Other.local.", 2*time.Minute)}, false, now)
	if got := c.adverts(); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}

// TestADayOfAPhone: a phone that answers stays, and is asked about once a
// minute at most; one that went without a word is gone after two minutes.
func TestADayOfAPhone(t *testing.T) {
	for _, direct := range []bool{false, true} {
		c := newCache(fullService)
		c.apply("eth0", sender, phone("192.168.1.20", "fe80::1"), direct, start)
		asked, now := 0, start
		for now.Sub(start) < 24*time.Hour {
			at, ok := c.next()
			if !ok {
				t.Fatalf("direct %v: lost after %v", direct, now.Sub(start))
			}
			if now = at; direct && now.Sub(start) > time.Duration(asked+1)*lastWait {
				now = start.Add(time.Duration(asked+1) * lastWait) // the question for the service
			}
			c.expire(now)
			qs := c.questions("eth0", now)
			if qs == nil && !direct {
				continue
			}
			asked++
			answer := phone("192.168.1.20", "fe80::1")
			if direct {
				for i := range answer {
					answer[i].ttl = min(answer[i].ttl, 10*time.Second) // RFC 6762, 6.7
				}
			}
			c.apply("eth0", sender, answer, direct, now)
		}
		if len(c.adverts()) != 1 || asked > 24*60*60/50 {
			t.Errorf("direct %v: %d adverts, asked %d times", direct, len(c.adverts()), asked)
		}
		var questions []question
		went := now
		for {
			at, ok := c.next()
			if !ok {
				break
			}
			now = at
			c.expire(now)
			questions = append(questions, c.questions("eth0", now)...)
		}
		if gone := now.Sub(went); gone > 2*time.Minute || gone < time.Minute || len(questions) < 4 {
			t.Errorf("direct %v: gone after %v and %d questions", direct, gone, len(questions))
		}
	}
}

// TestDoubt: what is not heard again on another network is gone soon.
func TestDoubt(t *testing.T) {
	c := newCache(fullService)
	c.apply("eth0", sender, phone("192.168.1.20"), false, start)
	c.apply("eth1", sender, phone("192.168.1.20"), false, start)
	c.doubt("eth0", start)
	if qs := c.questions("eth0", start.Add(time.Second)); len(qs) == 0 {
		t.Error("nothing was asked")
	}
	if qs := c.questions("eth1", start.Add(time.Second)); len(qs) != 0 {
		t.Errorf("asked %v on the other interface", qs)
	}
	c.expire(start.Add(doubtful))
	if got := c.adverts(); len(got) != 1 || got[0].Interface != "eth1" {
		t.Errorf("got %+v", got)
	}
}

func TestKnownAnswers(t *testing.T) {
	c := newCache(fullService)
	c.apply("eth0", sender, phone("192.168.1.20"), false, start)
	if got := c.known("eth0", start.Add(time.Minute)); len(got) != 1 || got[0].instance != phoneName || got[0].ttl != 74*time.Minute {
		t.Errorf("got %v", got)
	}
	if got := c.known("eth0", start.Add(40*time.Minute)); got != nil {
		t.Errorf("past the half: %v", got)
	}
	if got := c.known("eth1", start); got != nil {
		t.Errorf("on another interface: %v", got)
	}
}

// TestCrowd: one machine that invents names fills the list and does not push
// out others.
func TestCrowd(t *testing.T) {
	c := newCache(fullService)
	c.apply("eth0", sender, phone("192.168.1.20"), false, start)
	liar := netip.MustParseAddr("192.168.1.66")
	for i := range 2_000 {
		name := fmt.Sprintf("liar%05d.%s", i, fullService)
		records := []record{ptr(name, maxTTL), srv(name, fmt.Sprintf("h%d.local.", i), maxTTL), txt(name, maxTTL, "x")}
		for n := range 100 {
			records = append(records, addr(fmt.Sprintf("h%d.local.", i), fmt.Sprintf("10.0.0.%d", n+1), maxTTL))
		}
		c.apply("eth0", liar, records, false, start)
	}
	got := c.adverts()
	if len(got) > maxInstances || len(c.instances) > maxInstances || got[0].Instance != phoneLabel {
		t.Errorf("%d adverts of %d, the first %+v", len(got), len(c.instances), got[0])
	}
	for _, a := range got {
		if len(a.Addrs) > maxAddrs {
			t.Fatalf("%d addresses", len(a.Addrs))
		}
	}
	if qs := c.questions("eth0", start.Add(72*time.Minute)); len(qs) > maxQuestions {
		t.Errorf("%d questions at once", len(qs))
	}
}

func TestStrangeNames(t *testing.T) {
	c := newCache(fullService)
	for _, name := range []string{
		"." + fullService, fullService, "a.b." + fullService, "a\nb." + fullService, "\xff." + fullService,
		"x._airplay._tcp.local.", "x", "", "a\x1b[31m." + fullService,
	} {
		c.apply("eth0", sender, []record{ptr(name, time.Hour), srv(name, phoneHost, time.Hour), addr(phoneHost, "10.0.0.1", time.Hour)}, false, start)
		if len(c.instances) != 0 {
			t.Errorf("%q was taken", name)
		}
	}
}

func TestMAC(t *testing.T) {
	for name, want := range map[string]string{
		phoneLabel:                     "aa:bb:cc:dd:ee:ff",
		"AA:BB:CC:DD:EE:0F@fe80::1":    "aa:bb:cc:dd:ee:0f",
		"aa:bb:cc:dd:ee:ff":            "",
		"Anna@home":                    "",
		"@":                            "",
		"aa:bb:cc:dd:ee:gg@fe80::1":    "",
		"0123456789abcdef0@fe80::1":    "",
		"aa:bb:cc:dd:ee:ff:00:11@fe80": "",
	} {
		if got := (Advert{Instance: name}).MAC(); got != want {
			t.Errorf("%q has %q", name, got)
		}
	}
}
