package content

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Options say what a phone holds. The same options make the same phone, byte
// for byte, on every machine.
type Options struct {
	Profile string `json:"profile"` // one of Profiles; "" is "tiny"
	Seed    uint64 `json:"seed"`
	// Files (regular ones) and Size (bytes of content) replace the profile's;
	// a phone never has fewer than its profile's databases and photos need.
	Files        int    `json:"files,omitempty"`
	Size         int64  `json:"size,omitempty"`
	MessageBytes int64  `json:"messageBytes,omitempty"` // least size of the message database
	DeviceName   string `json:"deviceName,omitempty"`
}

// plan is what a profile comes to.
type plan struct {
	name      string
	files     int
	size      int64
	bare      bool  // nothing but files: no databases, photos, applications
	onTheFly  bool  // files is the number of rows, made up as they are read
	largest   int64 // of the files that fill up
	people    int
	apps      int
	messages  int
	photos    int
	videos    int
	photoSize int
	videoSize int
	samples   int // health measurements
}

var plans = []plan{
	{name: "tiny", files: 200, size: 5 << 20, largest: 80_000, people: 20, apps: 6, messages: 150, photos: 12, videos: 1, photoSize: 90_000, videoSize: 250_000, samples: 200},
	{name: "small", files: 15_000, size: 3e9, largest: 2e6, people: 120, apps: 40, messages: 8000, photos: 600, videos: 8, photoSize: 2e6, videoSize: 40e6, samples: 10_000},
	{name: "typical", files: 130_000, size: 35e9, largest: 8e6, people: 400, apps: 150, messages: 60_000, photos: 9000, videos: 120, photoSize: 2.3e6, videoSize: 50e6, samples: 80_000},
	{name: "big", files: 200, size: 2 << 30, largest: 20e6, bare: true},
	{name: "small-files", files: 30_000, size: 131e6, largest: 12_000, bare: true},
	{name: "million", files: 1_000_000, size: 4 << 30, onTheFly: true},
}

// Profiles lists the names that Options.Profile may have:
//
//	tiny         200 files, 5 MB, everything a phone has in small
//	small        15,000 files, 3 GB
//	typical      130,000 files, 35 GB
//	big          200 random files, 2 GiB, for measuring throughput
//	small-files  30,000 plists, JSON files and thumbnails, 131 MB
//	million      1,000,000 rows made up as they are read, 4 GiB
//
// Gigabytes of photos are kept as descriptions and take no room.
func Profiles() []string {
	names := make([]string, len(plans))
	for i, p := range plans {
		names[i] = p.name
	}
	return names
}

func (o Options) plan() (plan, error) {
	name := cmp.Or(o.Profile, "tiny")
	i := slices.IndexFunc(plans, func(p plan) bool { return p.name == name })
	if i < 0 {
		return plan{}, fmt.Errorf("no kind of phone is called %q; there are %q", name, Profiles())
	}
	p := plans[i]
	p.files, p.size = cmp.Or(o.Files, p.files), cmp.Or(o.Size, p.size)
	if p.files < 0 || p.size < 0 || o.MessageBytes < 0 {
		return plan{}, fmt.Errorf("a phone cannot hold %d files of %d bytes", p.files, p.size)
	}
	return p, nil
}

// deviceName is what the phone calls itself.
func (o Options) deviceName() string { return cmp.Or(o.DeviceName, "Virtual iPhone") }

// dayZero is the morning on which every phone is made.
var dayZero = time.Date(2026, time.March, 2, 7, 0, 0, 0, time.UTC)

// beginning is when the owners of phones began to collect things.
var beginning = dayZero.AddDate(-3, 0, 0)

// Day is the morning of the n-th day of a phone's life; 0 is when it is made.
func Day(n int) time.Time { return dayZero.AddDate(0, 0, n) }
