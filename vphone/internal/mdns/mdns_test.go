package mdns

import (
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func advert() Advert {
	return Advert{
		Instance: "a4:01:02:03:04:05@fe80::a601:2ff:fe03:405-supportsRP-24",
		Service:  "_apple-mobdev2._tcp", Host: "Virtual-iPhone-030405", Port: 62078,
		Text:  []string{"identifier=X", "authTag=AAECAwQFBgc="},
		Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("fe80::7%eth0"), netip.MustParseAddr("192.0.2.8")},
	}
}

func testZone(t *testing.T) zone {
	t.Helper()
	z, err := advert().zone()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func question(name string, kind dnsmessage.Type) dnsmessage.Question {
	return dnsmessage.Question{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}
}

const instanceName = "a4:01:02:03:04:05@fe80::a601:2ff:fe03:405-supportsRP-24._apple-mobdev2._tcp.local."

func TestAsked(t *testing.T) {
	z := testZone(t)
	for _, c := range []struct {
		name string
		kind dnsmessage.Type
		want records
	}{
		{"_apple-mobdev2._tcp.local.", dnsmessage.TypePTR, pointer},
		{"_Apple-MobDev2._TCP.Local.", dnsmessage.TypePTR, pointer},
		{"_apple-mobdev2._tcp.local.", dnsmessage.TypeALL, pointer},
		{"_apple-mobdev2._tcp.local.", dnsmessage.TypeSRV, none},
		{"_services._dns-sd._udp.local.", dnsmessage.TypePTR, enumeration},
		{"_remotepairing._tcp.local.", dnsmessage.TypePTR, none},
		{instanceName, dnsmessage.TypeSRV, service},
		{instanceName, dnsmessage.TypeTXT, text},
		{instanceName, dnsmessage.TypeALL, service | text},
		{"Virtual-iPhone-030405.local.", dnsmessage.TypeA, address4},
		{"virtual-iphone-030405.local.", dnsmessage.TypeAAAA, address6},
		{"virtual-iphone-030405.local.", dnsmessage.TypeALL, addresses},
		{"other.local.", dnsmessage.TypeA, none},
	} {
		if got := z.asked(question(c.name, c.kind)); got != c.want {
			t.Errorf("%s %v: %b, want %b", c.name, c.kind, got, c.want)
		}
	}
	chaos := question("_apple-mobdev2._tcp.local.", dnsmessage.TypePTR)
	if chaos.Class = dnsmessage.ClassCHAOS; z.asked(chaos) != none {
		t.Error("another class was answered")
	}
	a := advert()
	a.Addrs = a.Addrs[:1]
	z, err := a.zone()
	if err != nil || z.asked(question("virtual-iphone-030405.local.", dnsmessage.TypeAAAA)) != none {
		t.Errorf("an address that is not there was answered; %v", err)
	}
}

func TestKnownAnswers(t *testing.T) {
	z := testZone(t)
	aged := func(set records, ttl uint32) []dnsmessage.Resource {
		all := z.resources(set)
		for i := range all {
			all[i].Header.TTL = ttl
		}
		return all
	}
	other := aged(pointer, ttlLong)
	other[0].Body = &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName("other._apple-mobdev2._tcp.local.")}
	for _, c := range []struct {
		name  string
		known []dnsmessage.Resource
		want  records
	}{
		{"nothing", nil, announced},
		{"fresh pointer", aged(pointer, ttlLong), announced &^ pointer},
		{"pointer at half time", aged(pointer, ttlLong/2), announced &^ pointer},
		{"stale pointer", aged(pointer, ttlLong/2-1), announced},
		{"another phone's pointer", other, announced},
		{"one of two addresses", aged(address4, ttlShort)[:1], announced},
		{"both addresses", aged(address4, ttlShort), announced &^ address4},
		{"everything", aged(announced, ttlLong), none},
	} {
		if got := z.unknown(announced, c.known); got != c.want {
			t.Errorf("%s: %b, want %b", c.name, got, c.want)
		}
	}
}

// unpack reads an answer; the section's records by type.
func unpack(t *testing.T, data []byte, err error) dnsmessage.Message {
	t.Helper()
	var m dnsmessage.Message
	if err == nil {
		err = m.Unpack(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !m.Response || !m.Authoritative {
		t.Errorf("header %v", m.Header)
	}
	return m
}

func types(list []dnsmessage.Resource) []dnsmessage.Type {
	var all []dnsmessage.Type
	for _, r := range list {
		all = append(all, r.Header.Type)
	}
	return all
}

func TestPackets(t *testing.T) {
	z := testZone(t)
	data, err := z.multicast(pointer, pointer.alongside().alongside())
	m := unpack(t, data, err)
	want := []dnsmessage.Type{dnsmessage.TypeSRV, dnsmessage.TypeTXT, dnsmessage.TypeA, dnsmessage.TypeA, dnsmessage.TypeAAAA}
	if !slices.Equal(types(m.Answers), []dnsmessage.Type{dnsmessage.TypePTR}) || !slices.Equal(types(m.Additionals), want) {
		t.Errorf("answers %v, additionals %v", types(m.Answers), types(m.Additionals))
	}
	if m.Answers[0].Header.Class != dnsmessage.ClassINET || m.Additionals[0].Header.Class != dnsmessage.ClassINET|cacheFlush {
		t.Errorf("classes %v", m)
	}
	ttls := map[dnsmessage.Type]uint32{
		dnsmessage.TypePTR: 4500, dnsmessage.TypeTXT: 4500, dnsmessage.TypeSRV: 120, dnsmessage.TypeA: 120, dnsmessage.TypeAAAA: 120,
	}
	for _, r := range append(m.Answers, m.Additionals...) {
		if r.Header.TTL != ttls[r.Header.Type] {
			t.Errorf("%v lives %d s", r.Header.Type, r.Header.TTL)
		}
	}
	data, err = z.goodbye()
	for _, r := range unpack(t, data, err).Answers {
		if r.Header.TTL != 0 {
			t.Errorf("goodbye leaves %v for %d s", r.Header.Type, r.Header.TTL)
		}
	}
	q := query{id: 77, questions: []dnsmessage.Question{question("_apple-mobdev2._tcp.local.", dnsmessage.TypePTR)}}
	data, err = z.legacy(q, pointer, announced)
	m = unpack(t, data, err)
	if m.ID != 77 || len(m.Questions) != 1 || len(m.Answers) != 1 || len(m.Additionals) != 5 {
		t.Errorf("legacy answer %v", m)
	}
	for _, r := range append(m.Answers, m.Additionals...) {
		if r.Header.TTL > 10 || r.Header.Class != dnsmessage.ClassINET {
			t.Errorf("legacy record %v", r.Header)
		}
	}
}

// TXT records have a string even when there is nothing to say.
func TestNoText(t *testing.T) {
	a := advert()
	a.Text = nil
	z, err := a.zone()
	if err != nil {
		t.Fatal(err)
	}
	data, err := z.multicast(text, none)
	body, ok := unpack(t, data, err).Answers[0].Body.(*dnsmessage.TXTResource)
	if !ok || !slices.Equal(body.TXT, []string{""}) {
		t.Errorf("TXT %v", body)
	}
	a.Instance = string(make([]byte, 300))
	if _, err := a.zone(); err == nil {
		t.Error("a name of 300 bytes was taken")
	}
}

// Others' services have dots in their names; a query with one of them as a
// known answer still is a query.
func TestForeignNames(t *testing.T) {
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 5},
		Questions: []dnsmessage.Question{question("_apple-mobdev2._tcp.local.", dnsmessage.TypePTR)},
		Answers:   testZone(t).resources(pointer),
	}
	data, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	// The answer's name is a pointer to the question's, followed by type PTR,
	// class, time, length: make it a name of its own with a dot in a label.
	foreign := append([]byte{4, 'a', '.', 'b', 'c', 0}, data[12+len("_apple-mobdev2._tcp.local.")+1+4+2:]...)
	second := slices.Clone(data[12+len("_apple-mobdev2._tcp.local.")+1+4:])
	packet := append(slices.Clone(data[:12+len("_apple-mobdev2._tcp.local.")+1+4]), append(foreign, second...)...)
	packet[7] = 2 // answers
	q, ok := parseQuery(packet)
	if !ok || q.id != 5 || len(q.questions) != 1 || len(q.known) != 1 {
		t.Errorf("understood %+v, %v", q, ok)
	}
	m.Response = true
	if data, err = m.Pack(); err != nil {
		t.Fatal(err)
	}
	if _, ok := parseQuery(data); ok {
		t.Error("an answer was taken for a query")
	}
}

func FuzzParseQuery(f *testing.F) {
	z, err := advert().zone()
	if err != nil {
		f.Fatal(err)
	}
	m := dnsmessage.Message{
		Questions: []dnsmessage.Question{question("_apple-mobdev2._tcp.local.", dnsmessage.TypePTR), question(instanceName, dnsmessage.TypeALL)},
		Answers:   z.resources(announced),
	}
	data, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:40])
	f.Fuzz(func(t *testing.T, data []byte) {
		q, ok := parseQuery(data)
		if !ok {
			return
		}
		var asked records
		for _, question := range q.questions {
			asked |= z.asked(question)
		}
		answers := z.unknown(asked, q.known)
		if answers&^asked != 0 {
			t.Errorf("asked %b, answers %b", asked, answers)
		}
		if answers == none || len(q.questions) > 100 {
			return
		}
		if _, err := z.legacy(q, answers, answers.alongside()); err != nil {
			t.Error(err)
		}
	})
}
