package mdns_test

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/ipv4"

	"russet/device/mdns"
)

// TestFlood: somebody on the network invents phones as fast as a socket takes
// them. The browser finds the real one all the same, and remembers no more than
// it may.
func TestFlood(t *testing.T) {
	computer, phone := lan(t)
	phone.address(t, "wifi", "192.168.77.66/24")
	respond(t, phone, "192.168.77.20")
	var conn *net.UDPConn
	var liar *ipv4.PacketConn
	phone.do(func() {
		var err error
		if conn, err = net.ListenUDP("udp4", group); err != nil {
			t.Error(err)
			return
		}
		liar = ipv4.NewPacketConn(conn)
		wifi, err := net.InterfaceByName("wifi")
		if err == nil {
			err = liar.SetMulticastInterface(wifi)
		}
		if err != nil {
			t.Error(err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	packets := invented(2000)
	stop, flooding := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				flooding <- n
				return
			default:
				_, _ = liar.WriteTo(packets[n%len(packets)], &ipv4.ControlMessage{Src: net.IPv4(192, 168, 77, 66)}, group)
				n++
			}
		}
	}()
	defer func() { _ = conn.Close() }()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b, _ := browse(t, computer)
	isIt := func(a mdns.Advert) bool { return a.Instance == label }
	real := func() bool {
		for _, a := range b.Adverts() {
			if isIt(a) {
				return true
			}
		}
		return false
	}
	took := eventually(t, 10*time.Second, "the real phone is found", real)
	deadline := time.Now().Add(4 * time.Second)
	most, gone := 0, 0
	for time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
		most = max(most, len(b.Adverts()))
		if !real() {
			gone++
		}
	}
	close(stop)
	sent := <-flooding
	// While packets are read, what was made since the collection counts as well:
	// half a gigabyte of it a second. It is measured once the flood has run dry,
	// which takes a busy computer a while.
	grown, kept := int64(0), 0
	for range 20 {
		time.Sleep(200 * time.Millisecond)
		kept = len(b.Adverts())
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown = int64(after.HeapAlloc) - int64(before.HeapAlloc); grown <= 16<<20 {
			break
		}
	}
	t.Logf("found after %v; %d packets, %d adverts at most, %d KiB more memory", took, sent, most, grown>>10)
	if most > 256 || most < 100 || kept < 100 || gone > 0 || grown > 16<<20 {
		t.Errorf("%d adverts, the real one missing %d times, %d bytes", most, gone, grown)
	}
}

// invented are packets that announce so many phones, each with more text and
// addresses than a phone has.
func invented(n int) (packets [][]byte) {
	name := dnsmessage.MustNewName
	for i := range n {
		instance := name(fmt.Sprintf("02:00:00:00:%02x:%02x@fe80::1.%s", i>>8, i&0xff, service))
		machine := name(fmt.Sprintf("invented-%d.local.", i))
		header := func(n dnsmessage.Name) dnsmessage.ResourceHeader {
			return dnsmessage.ResourceHeader{Name: n, Class: dnsmessage.ClassINET, TTL: 1 << 30}
		}
		m := dnsmessage.Message{Header: dnsmessage.Header{Response: true}}
		m.Answers = []dnsmessage.Resource{
			{Header: header(name(service)), Body: &dnsmessage.PTRResource{PTR: instance}},
			{Header: header(instance), Body: &dnsmessage.SRVResource{Target: machine}},
			{Header: header(instance), Body: &dnsmessage.TXTResource{TXT: slicesOf(100, strings.Repeat("x", 50))}},
		}
		for j := range 100 {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header(machine), Body: &dnsmessage.AResource{A: [4]byte{10, 1, 1, byte(j + 1)}}})
		}
		packets = append(packets, pack(m))
	}
	return packets
}

func slicesOf(n int, s string) (all []string) {
	for range n {
		all = append(all, s)
	}
	return all
}
