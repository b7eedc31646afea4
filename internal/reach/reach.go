// Package reach knows the ways to phones: it finds them on the cable and on the
// network, pairs with them, opens sessions with them, and remembers where and how
// each was last met.
//
// On the network an address only says where to knock. A device is the one meant
// if it has the key that it had when it was paired, and says its identifier inside
// the session.
//
// What it keeps lies in the home: pair records and their predecessors (sealed),
// seen.json, refused.json and the lock of each device. What a person chose for a
// device is its caller's.
package reach

import (
	"cmp"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"russet"
	"russet/device/mdns"
	"russet/device/usbmux"
	"russet/internal/home"
)

// Options says what Devices work with.
type Options struct {
	Home *home.Home
	// Mux is the address of usbmuxd as USBMUXD_SOCKET_ADDRESS gives it; ""
	// means the system's usual one.
	Mux string
	// Given lists the devices of which a person said something, with the
	// addresses where they may be found beside what they announce.
	Given func() (map[russet.UDID][]string, error)
	Now   func() time.Time
	// Rate is how many bytes a second may come from and go to all devices
	// together.
	Rate *rate.Limiter
	Log  *slog.Logger // nil means silence
}

// Devices is the devices that this computer reaches or has met. It may be used
// by several goroutines; several processes may share its home.
type Devices struct {
	*shared
	mux   string
	looks bool // only looks: whom it meets is not written down
}

// shared is what all views of Devices have in common.
type shared struct {
	home  *home.Home
	given func() (map[russet.UDID][]string, error)
	now   func() time.Time
	rate  *rate.Limiter
	log   *slog.Logger

	working atWork                       // devices with which a run is under way
	memory  memory                       // of sessions with devices
	misses  misses                       // addresses where no device was
	odd     sync.Map                     // what was told of a device's pair records, by UDID
	narrow  sync.Map                     // addresses that only small packets seem to reach, and when that seemed so
	browser atomic.Pointer[mdns.Browser] // of Follow; nil if nobody follows
}

// New makes Devices. It touches nothing yet.
func New(o Options) *Devices {
	return &Devices{mux: o.Mux, shared: &shared{
		home: o.Home, given: o.Given, now: o.Now, rate: o.Rate, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
	}}
}

func (ds *Devices) usbmux() *usbmux.Client { return &usbmux.Client{Addr: ds.mux, Label: "russet"} }
