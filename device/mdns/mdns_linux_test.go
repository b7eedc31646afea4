package mdns_test

import (
	"context"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"russet/device/mdns"
)

// browse runs a browser in a node until the test ends, and counts the changes.
func browse(t *testing.T, n *node) (b *mdns.Browser, changes *atomic.Int32) {
	t.Helper()
	b, changes = mdns.New(mdns.Options{}), new(atomic.Int32)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	err := n.enter(func() {
		defer close(done)
		if err := b.Run(ctx, func() { changes.Add(1) }); err != context.Canceled {
			t.Errorf("Run ended with %v", err)
		}
	})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); <-done })
	return b, changes
}

// lan is a host and a phone on one wire, with addresses.
func lan(t *testing.T) (computer, phone *node) {
	t.Helper()
	t.Parallel()
	computer, phone = host(t), host(t)
	wire(t, computer, phone)
	computer.address(t, "lan", "192.168.77.1/24")
	phone.address(t, "wifi", "192.168.77.20/24")
	return computer, phone
}

func found(b *mdns.Browser) func() bool { return func() bool { return len(b.Adverts()) == 1 } }
func lost(b *mdns.Browser) func() bool  { return func() bool { return len(b.Adverts()) == 0 } }

func addrs(list ...string) (all []netip.Addr) {
	for _, a := range list {
		all = append(all, netip.MustParseAddr(a))
	}
	return all
}

func TestPhoneOnTheNetwork(t *testing.T) {
	computer, phone := lan(t)
	b, changes := browse(t, computer)
	eventually(t, 8*time.Second, "the browser starts", func() bool { return len(b.State().Interfaces) > 0 })
	if s := b.State(); !s.Shared || s.Problem != "" || !s.Heard.IsZero() || !slices.Equal(s.Interfaces, []string{"lan"}) {
		t.Errorf("alone: %+v", s)
	}
	// It comes, and is heard when it announces itself.
	r := respond(t, phone, "192.168.77.20", "fe80::a8bb:ccff:fedd:eeff")
	r.set(func() { r.mute = true })
	r.announce()
	took := eventually(t, 8*time.Second, "the announcement is heard", found(b))
	t.Logf("announced and found after %v", took)
	a := b.Adverts()[0]
	if a.Instance != label || a.MAC() != "aa:bb:cc:dd:ee:ff" || a.Host != "Annas-iPhone.local" || a.Port != 32498 || a.Interface != "lan" ||
		!slices.Equal(a.Addrs, addrs("192.168.77.20", "fe80::a8bb:ccff:fedd:eeff%lan")) || !slices.Equal(a.Text, []string{"identifier=x", "authTag=AAAAAAAAAAA="}) {
		t.Errorf("heard %+v", a)
	}
	if left := time.Until(a.Expires); left < 110*time.Second || left > 120*time.Second {
		t.Errorf("expires in %v", left)
	}
	if s := b.State(); s.Heard.IsZero() {
		t.Errorf("heard somebody: %+v", s)
	}
	// It gets another address.
	time.Sleep(1100 * time.Millisecond) // what is younger stays (RFC 6762, 10.2)
	r.set(func() { r.addrs = addrs("192.168.77.21", "fe80::a8bb:ccff:fedd:eeff") })
	r.announce()
	eventually(t, 8*time.Second, "the new address alone", func() bool {
		all := b.Adverts()
		return len(all) == 1 && slices.Equal(all[0].Addrs, addrs("192.168.77.21", "fe80::a8bb:ccff:fedd:eeff%lan"))
	})
	// It says farewell, and comes back.
	r.leave()
	eventually(t, 8*time.Second, "the farewell", lost(b))
	r.announce()
	eventually(t, 8*time.Second, "it is back", found(b))
	// It goes without a word.
	r.set(func() { r.ttl = 5 })
	r.announce()
	time.Sleep(time.Second)
	if len(b.Adverts()) != 1 {
		t.Error("gone before its time")
	}
	eventually(t, 8*time.Second, "its time runs out", lost(b))
	if n := changes.Load(); n < 6 || n > 12 {
		t.Errorf("%d changes", n)
	}
}

// TestAsked: a phone that is there and says nothing is found by asking, either
// way of answering.
func TestAsked(t *testing.T) {
	for name, direct := range map[string]bool{"answers everybody": false, "answers us alone": true} {
		t.Run(name, func(t *testing.T) {
			computer, phone := lan(t)
			r := respond(t, phone, "192.168.77.20")
			r.set(func() { r.direct = direct })
			b, _ := browse(t, computer)
			t.Logf("asked and found after %v", eventually(t, 8*time.Second, "it is found", found(b)))
			// An advert by such an answer lasts until the next questions.
			if left := time.Until(b.Adverts()[0].Expires); left < 110*time.Second {
				t.Errorf("expires in %v", left)
			}
			r.set(func() { r.asked, r.from = 0, 0 })
			b.Ask()
			eventually(t, 8*time.Second, "it is asked again at once", func() bool { _, n := r.questions(); return n > 0 })
		})
	}
}

// TestPortTaken: another program has port 5353 for itself.
func TestPortTaken(t *testing.T) {
	computer, phone := lan(t)
	var greedy *net.UDPConn
	computer.do(func() {
		var err error
		if greedy, err = net.ListenUDP("udp4", &net.UDPAddr{Port: 5353}); err != nil {
			t.Error(err)
		}
	})
	var greedy6 *net.UDPConn
	computer.do(func() {
		var err error
		if greedy6, err = net.ListenUDP("udp6", &net.UDPAddr{Port: 5353}); err != nil {
			t.Error(err)
		}
	})
	defer func() { _, _ = greedy.Close(), greedy6.Close() }()
	respond(t, phone, "192.168.77.20")
	b, _ := browse(t, computer)
	eventually(t, 8*time.Second, "it is found", found(b))
	if s := b.State(); s.Shared || s.Problem != "" {
		t.Errorf("%+v", s)
	}
}

// TestNetworkThatComesLater: a computer that has no network when the browser
// starts, and another one later.
func TestNetworkThatComesLater(t *testing.T) {
	t.Parallel()
	computer, phone := host(t), host(t)
	b, _ := browse(t, computer)
	eventually(t, 8*time.Second, "it says so", func() bool { return b.State().Problem != "" })
	t.Logf("without a network: %q", b.State().Problem)
	wire(t, computer, phone)
	computer.address(t, "lan", "192.168.77.1/24")
	phone.address(t, "wifi", "192.168.77.20/24")
	r := respond(t, phone, "192.168.77.20")
	b.Ask() // spares the wait for the next look
	eventually(t, 8*time.Second, "it is found", found(b))
	if s := b.State(); s.Problem != "" {
		t.Errorf("%+v", s)
	}
	// The network is another one, and the phone is not on it.
	r.set(func() { r.mute = true })
	computer.command(t, "ip", "addr", "flush", "dev", "lan")
	computer.address(t, "lan", "10.9.9.9/24")
	b.Ask()
	t.Logf("gone %v after the network changed", eventually(t, 12*time.Second, "it is gone", lost(b)))
	r.set(func() { r.mute = false })
	r.announce()
	eventually(t, 8*time.Second, "it is heard there", found(b))
	// The interface disappears.
	computer.command(t, "ip", "link", "del", "lan")
	b.Ask()
	eventually(t, 8*time.Second, "it is gone with the interface", lost(b))
	if s := b.State(); s.Interfaces != nil || s.Problem == "" {
		t.Errorf("%+v", s)
	}
}

func TestNoSecondRun(t *testing.T) {
	computer := host(t)
	b, _ := browse(t, computer)
	eventually(t, 8*time.Second, "it runs", func() bool { return !reflect.DeepEqual(b.State(), mdns.State{}) })
	if err := b.Run(t.Context(), nil); err == nil {
		t.Error("it ran twice at once")
	}
}
