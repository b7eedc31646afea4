package mdns_test

import (
	"net"
	"net/netip"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/ipv4"
)

const (
	label   = "aa:bb:cc:dd:ee:ff@fe80::a8bb:ccff:fedd:eeff-supportsRP-24"
	service = "_apple-mobdev2._tcp.local."
	machine = "Annas-iPhone.local."
)

var group = &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}

// A responder announces an iPhone from a node, over IPv4: not the virtual
// iPhone's, so that two read the standard.
type responder struct {
	conn *net.UDPConn

	mu     sync.Mutex
	ttl    uint32 // of SRV and addresses
	addrs  []netip.Addr
	mute   bool // does not answer
	direct bool // answers only questions from other ports, straight to them
	asked  int  // questions from port 5353
	from   int  // questions from other ports
}

func respond(t *testing.T, n *node, addrs ...string) *responder {
	t.Helper()
	r := &responder{ttl: 120}
	for _, a := range addrs {
		r.addrs = append(r.addrs, netip.MustParseAddr(a))
	}
	n.do(func() {
		var err error
		if r.conn, err = net.ListenUDP("udp4", group); err != nil {
			t.Error(err)
			return
		}
		wifi, err := net.InterfaceByName("wifi")
		if err != nil {
			t.Error(err)
			return
		}
		p := ipv4.NewPacketConn(r.conn)
		if err := p.JoinGroup(wifi, group); err != nil {
			t.Error(err)
		}
		if err := p.SetMulticastInterface(wifi); err != nil {
			t.Error(err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	t.Cleanup(func() { _ = r.conn.Close() })
	go r.serve()
	return r
}

func (r *responder) set(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

func (r *responder) questions() (shared, direct int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked, r.from
}

func (r *responder) serve() {
	buf := make([]byte, 9000)
	for {
		n, from, err := r.conn.ReadFromUDP(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:n]) != nil || m.Response {
			continue
		}
		r.mu.Lock()
		shared := from.Port == group.Port
		if shared {
			r.asked++
		} else {
			r.from++
		}
		quiet := r.mute || shared && r.direct
		r.mu.Unlock()
		switch {
		case quiet:
		case shared:
			r.announce()
		default: // RFC 6762, 6.7
			_, _ = r.conn.WriteToUDP(pack(r.message(m.ID, m.Questions, 10, 0)), from)
		}
	}
}

// announce tells everybody.
func (r *responder) announce() { r.say(r.message(0, nil, 1<<31, 1<<15)) }

// leave takes everything back.
func (r *responder) leave() { r.say(r.message(0, nil, 0, 1<<15)) }

func (r *responder) say(m dnsmessage.Message) { _, _ = r.conn.WriteToUDP(pack(m), group) }

func pack(m dnsmessage.Message) []byte {
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

// message is all that is announced, living no longer than most.
func (r *responder) message(id uint16, questions []dnsmessage.Question, most uint32, flush dnsmessage.Class) dnsmessage.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := dnsmessage.MustNewName
	header := func(n string, ttl uint32, flush dnsmessage.Class) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: name(n), Class: dnsmessage.ClassINET | flush, TTL: min(ttl, most)}
	}
	instance := label + "." + service
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: id, Response: true, Authoritative: true}, Questions: questions}
	m.Answers = []dnsmessage.Resource{{Header: header(service, 4500, 0), Body: &dnsmessage.PTRResource{PTR: name(instance)}}}
	m.Additionals = []dnsmessage.Resource{
		{Header: header(instance, r.ttl, flush), Body: &dnsmessage.SRVResource{Port: 32498, Target: name(machine)}},
		{Header: header(instance, 4500, flush), Body: &dnsmessage.TXTResource{TXT: []string{"identifier=x", "authTag=AAAAAAAAAAA="}}},
	}
	for _, a := range r.addrs {
		var body dnsmessage.ResourceBody = &dnsmessage.AAAAResource{AAAA: a.As16()}
		if a.Is4() {
			body = &dnsmessage.AResource{A: a.As4()}
		}
		m.Additionals = append(m.Additionals, dnsmessage.Resource{Header: header(machine, r.ttl, flush), Body: body})
	}
	return m
}
