package mdns

import (
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"
)

// TestReadsNoMore: however much arrives, a socket reads so many packets in a
// second, and goes on afterwards.
func TestReadsNoMore(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSocket(conn, families[0])
	if err != nil {
		t.Fatal(err)
	}
	var read atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.read(func([]byte, int, netip.AddrPort) { read.Add(1) })
	}()
	sender, err := net.DialUDP("udp4", nil, conn.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sender.Close() }()
	begin := time.Now()
	for time.Since(begin) < 2500*time.Millisecond {
		for range 100 {
			_, _ = sender.Write([]byte("x"))
		}
		time.Sleep(time.Millisecond)
	}
	if n := read.Load(); n < 2*perSecond || n > 3*perSecond {
		t.Errorf("%d packets in 2.5 s", n)
	}
	_ = conn.Close()
	<-done
	if !s.dead.Load() {
		t.Error("a closed socket counts as open")
	}
}
