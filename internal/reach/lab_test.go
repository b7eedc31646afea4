package reach_test

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"russet"
	"russet/internal/home"
	"russet/internal/phonetest"
	"russet/internal/reach"
	"russet/vphone"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lab is phones, a usbmuxd, and computers that reach for them.
type lab struct {
	*phonetest.Lab
	t *testing.T
}

func newLab(t *testing.T) *lab {
	t.Helper()
	return &lab{phonetest.New(t), t}
}

func (l *lab) phone(seed uint64, name string) *vphone.Phone {
	l.t.Helper()
	return l.Phone(vphone.Options{Identity: phonetest.Named(seed, name)})
}

// computer is what one computer knows of phones, with the addresses that its
// people gave.
type computer struct {
	*reach.Devices
	given map[russet.UDID][]string
}

// computer has a home of its own.
func (l *lab) computer(mux string) *computer { return l.computerIn(l.t.TempDir(), mux) }

// computerIn has a home that may be another's, too.
func (l *lab) computerIn(dir, mux string) *computer {
	l.t.Helper()
	h := home.At(home.Place{Dir: dir, Data: dir, Moved: true})
	l.t.Cleanup(func() { must(l.t, h.Close()) })
	c := &computer{given: map[russet.UDID][]string{}}
	c.Devices = reach.New(reach.Options{
		Home: h, Mux: mux, Now: time.Now, Rate: rate.NewLimiter(rate.Inf, 1<<20),
		Given: func() (map[russet.UDID][]string, error) { return c.given, nil },
	})
	return c
}

// give has a computer look for a phone at addresses, in place of others.
func (c *computer) give(p *vphone.Phone, addresses ...string) {
	c.given[russet.UDID(p.UDID())] = addresses
}

// pair makes a phone trust a computer, with Wi-Fi access on.
func (l *lab) pair(c *computer, p *vphone.Phone) {
	l.t.Helper()
	_, _, err := c.Pair(l.t.Context(), p.UDID(), func(russet.Device) {})
	must(l.t, err)
	must(l.t, p.SetWifi(true))
}

// only is the one device a computer sees.
func (l *lab) only(c *computer) russet.Device {
	l.t.Helper()
	devices, err := c.List(l.t.Context())
	must(l.t, err)
	if len(devices) != 1 {
		l.t.Fatalf("it sees %d devices: %+v", len(devices), devices)
	}
	return devices[0]
}

func wantKind(t *testing.T, err error, kind russet.Kind, what string) {
	t.Helper()
	if russet.KindOf(err) != kind {
		t.Fatalf("%s: %v (kind %d), not of kind %d", what, err, russet.KindOf(err), kind)
	}
}

func describe(d russet.Device) string {
	return fmt.Sprintf("%s %s %s paired %v problem %q", d.Name, d.Connection, d.Address, d.Paired, d.Problem)
}
