// Package mdns finds iPhones and iPads on the local network: it keeps a list of
// what is announced as _apple-mobdev2._tcp by multicast DNS (RFC 6762, 6763).
//
//	browser := mdns.New(mdns.Options{})
//	go browser.Run(ctx, func() { … browser.Adverts() … })
//
// A device announces itself only while EnableWifiConnections is on, it is awake
// or on power, and it is on the same network. What is announced says where to
// knock; who opens is known inside a session only.
//
// The browser works beside a responder such as avahi or mDNSResponder and
// without one. It listens on port 5353 together with others, for announcements
// and farewells, and asks from there and, on each interface, from a port of its
// own: the answers to those come straight back to it, also where multicast does
// not reach this host. Everybody on the network can send to it; what it
// remembers and how much it reads in a second are bounded.
package mdns

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Service is how devices announce lockdownd.
const Service = "_apple-mobdev2._tcp"

// Advert is one announcement, complete enough to connect to. A device on two
// networks of this host is announced twice.
type Advert struct {
	// Instance is the name: "aa:bb:cc:dd:ee:ff@fe80::a8bb:ccff:fedd:eeff-supportsRP-24".
	Instance string
	// Host is the name of the machine, "Annas-iPhone.local".
	Host string
	// Port is the one announced; lockdownd listens on 62078 whatever this says.
	Port uint16
	// Addrs are never empty: IPv4 first, link-local ones last and with their zone,
	// but of each family that first from which the device was heard.
	Addrs []netip.Addr
	// Text are the TXT strings, "identifier=…", "authTag#0=…".
	Text []string
	// Interface is the name of this host's interface the advert was heard on.
	Interface string
	// Expires is when the advert is gone unless it is heard again.
	Expires time.Time
}

// MAC is the Wi-Fi address in the name, in lower case, or "" when the name has
// another shape. It is a random one on most networks.
func (a Advert) MAC() string {
	before, _, ok := strings.Cut(a.Instance, "@")
	if !ok || len(before) != len("aa:bb:cc:dd:ee:ff") {
		return ""
	}
	mac, err := net.ParseMAC(before)
	if err != nil || len(mac) != 6 {
		return ""
	}
	return mac.String()
}

// same compares what a caller acts upon.
func (a Advert) same(b Advert) bool {
	return a.Instance == b.Instance && a.Interface == b.Interface && a.Host == b.Host && a.Port == b.Port &&
		slices.Equal(a.Addrs, b.Addrs) && slices.Equal(a.Text, b.Text)
}

// Options are for [New]; the zero value will do.
type Options struct {
	Log     *slog.Logger // nil is silence
	Service string       // "" is [Service]
}

// State is what a person wants to know who sees no device.
type State struct {
	// Interfaces are the names of those the browser asks on.
	Interfaces []string
	// Shared says that the browser listens on port 5353. Without it devices are
	// found by asking, and missed when they go.
	Shared bool
	// Problem is what keeps the browser from hearing anything, or "".
	Problem string
	// Heard is when another machine last said anything by multicast DNS, zero if
	// none did. On a network with phones or computers some do every few minutes;
	// silence means that multicast does not get here.
	Heard time.Time
}

// Browser keeps the list. Its methods are safe for concurrent use.
type Browser struct {
	log     *slog.Logger
	service string
	ask     chan struct{}

	mu      sync.Mutex
	running bool
	adverts []Advert
	state   State
}

// New makes a browser, which does nothing before [Browser.Run].
func New(o Options) *Browser {
	return &Browser{
		log:     cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
		service: cmp.Or(strings.Trim(o.Service, "."), Service) + ".local.",
		ask:     make(chan struct{}, 1),
	}
}

// Adverts are those valid now, sorted by name and interface. The caller may
// keep them, but not change what is in them.
func (b *Browser) Adverts() []Advert {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.adverts)
}

// Ask has the network asked again at once, and looks for new interfaces: for
// somebody who waits, or after a sleep that the browser itself may not have
// noticed yet.
func (b *Browser) Ask() {
	select {
	case b.ask <- struct{}{}:
	default: // it will
	}
}

// State is how the browser itself is.
func (b *Browser) State() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.state
	s.Interfaces = slices.Clone(s.Interfaces)
	return s
}

// errRunning is a second Run at once.
var errRunning = errors.New("the mDNS browser runs already")

// Run browses until ctx ends and returns its cause. After every change of the
// adverts it calls changed, which may be nil and must return soon. A network
// that is missing or broken is no error: it is tried again, and [State] tells.
func (b *Browser) Run(ctx context.Context, changed func()) error {
	b.mu.Lock()
	if b.running {
		b.mu.Unlock()
		return errRunning
	}
	b.running = true
	b.mu.Unlock()
	if changed == nil {
		changed = func() {}
	}
	run := newRun(b, changed)
	run.loop(ctx)
	run.air.close()
	b.mu.Lock()
	b.running, b.adverts, b.state = false, nil, State{}
	b.mu.Unlock()
	return context.Cause(ctx)
}
