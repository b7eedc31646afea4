package mdns

import (
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/ipv4"
)

// loopback is an interface that every computer has.
func loopback(t *testing.T) *net.Interface {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, ifi := range all {
		if ifi.Flags&net.FlagLoopback != 0 && ifi.Flags&net.FlagUp != 0 {
			return &ifi
		}
	}
	t.Skip("no loopback interface")
	return nil
}

// A listener hears what is multicast about the advert of this test.
type listener struct {
	t      *testing.T
	socket *socket
	heard  chan dnsmessage.Message
}

func listenTo(t *testing.T, ifi *net.Interface, instance string) *listener {
	t.Helper()
	s, err := listen4(ifi, nil)
	if err != nil {
		t.Skipf("no multicast here: %v", err)
	}
	packets, done := make(chan packet), make(chan struct{})
	l := &listener{t: t, socket: s, heard: make(chan dnsmessage.Message, 100)}
	go s.read(packets, done)
	go func() {
		for {
			select {
			case p := <-packets:
				var m dnsmessage.Message
				if m.Unpack(p.data) == nil && m.Response && len(m.Answers) > 0 && mentions(m, instance) {
					l.heard <- m
				}
			case <-done:
				return
			}
		}
	}()
	t.Cleanup(func() { close(done); s.close() })
	return l
}

func mentions(m dnsmessage.Message, instance string) bool {
	return slices.ContainsFunc(m.Answers, func(r dnsmessage.Resource) bool {
		ptr, ok := r.Body.(*dnsmessage.PTRResource)
		return ok && ptr.PTR.String() == instance
	})
}

func (l *listener) next(within time.Duration) dnsmessage.Message {
	l.t.Helper()
	select {
	case m := <-l.heard:
		return m
	case <-time.After(within):
		l.t.Fatalf("nothing heard in %v", within)
		return dnsmessage.Message{}
	}
}

// quiet wants nothing for a while. Loopback interfaces may deliver twice what
// was sent once: those are the same message at once.
func (l *listener) quiet(after, d time.Duration) {
	l.t.Helper()
	end := time.After(after)
	for settling := true; settling; {
		select {
		case <-l.heard:
		case <-end:
			settling = false
		}
	}
	select {
	case m := <-l.heard:
		l.t.Fatalf("heard %v", m)
	case <-time.After(d):
	}
}

func (l *listener) ask(known []dnsmessage.Resource) {
	l.t.Helper()
	m := dnsmessage.Message{Questions: []dnsmessage.Question{question("_apple-mobdev2._tcp.local.", dnsmessage.TypePTR)}, Answers: known}
	data, err := m.Pack()
	if err == nil {
		err = l.socket.write(data, l.socket.group)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

func TestOnTheWire(t *testing.T) {
	ifi := loopback(t)
	a := advert()
	a.Instance, a.Addrs = "a4:01:02:03:04:99@fe80::99", []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	z, err := a.zone()
	if err != nil {
		t.Fatal(err)
	}
	l := listenTo(t, ifi, z.instance.String())
	r, err := Start(a, ifi, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	first := l.next(2 * time.Second)
	if got := types(first.Answers); !slices.Equal(got, []dnsmessage.Type{dnsmessage.TypePTR, dnsmessage.TypeSRV, dnsmessage.TypeTXT, dnsmessage.TypeA}) {
		t.Errorf("announced %v", got)
	}
	for m := l.next(2 * time.Second); time.Since(start) < 900*time.Millisecond; m = l.next(2 * time.Second) {
		if len(m.Answers) == 0 {
			t.Error("an empty announcement")
		}
	}
	l.quiet(200*time.Millisecond, 1200*time.Millisecond)
	l.ask(nil)
	if m := l.next(2 * time.Second); len(m.Answers) != 1 || len(m.Additionals) != 3 {
		t.Errorf("answer %v", m)
	}
	l.quiet(200*time.Millisecond, 0)
	l.ask(z.resources(pointer))
	l.quiet(0, 300*time.Millisecond)
	legacyAnswer(t, ifi, z.instance.String())
	r.Silence(true)
	l.ask(nil)
	l.quiet(0, 300*time.Millisecond)
	r.Silence(false)
	l.next(2 * time.Second)
	a.Instance = "a4:01:02:03:04:98@fe80::98"
	if err := r.Update(a); err != nil {
		t.Fatal(err)
	}
	for m := l.next(2 * time.Second); m.Answers[0].Header.TTL != 0; {
		m = l.next(2 * time.Second)
	}
	second := listenTo(t, ifi, a.Instance+"."+a.Service+".local.")
	r.Close()
	for m := second.next(2 * time.Second); m.Answers[0].Header.TTL != 0; {
		m = second.next(2 * time.Second)
	}
	r.Close() // twice is no harm
	if err := r.Update(a); err != nil {
		t.Error(err)
	}
}

// legacyAnswer asks from a port of its own and wants the answer there.
func legacyAnswer(t *testing.T, ifi *net.Interface, instance string) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := ipv4.NewPacketConn(conn).SetMulticastInterface(ifi); err != nil {
		t.Fatal(err)
	}
	q := dnsmessage.Message{Questions: []dnsmessage.Question{question("_apple-mobdev2._tcp.local.", dnsmessage.TypePTR)}}
	q.ID = 4711
	data, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.WriteToUDP(data, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: port}); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, maxPacket)
	for {
		n, err := conn.Read(b)
		if err != nil {
			t.Fatalf("no unicast answer: %v", err)
		}
		var m dnsmessage.Message
		if m.Unpack(b[:n]) != nil || len(m.Answers) == 0 || !mentions(m, instance) {
			continue
		}
		if m.ID != 4711 || len(m.Questions) != 1 || m.Answers[0].Header.TTL > 10 {
			t.Errorf("legacy answer %v", m)
		}
		return
	}
}
