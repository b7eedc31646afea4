package service_test

import (
	"context"
	"crypto/rsa"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/schedule"
	"russet/internal/service"
	"russet/vphone"
	"russet/vphone/agent"
	"russet/vphone/content"
	"russet/vphone/disk"
)

// phoneKey is the key of all phones here: making one takes longer than a backup.
var phoneKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return vphone.NewKey() })

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clock is a clock on the wall that is set, and that nobody reads twice at the
// same moment.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Nanosecond)
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

// lab is a home with a service, a usbmuxd with phones, and people who are told.
type lab struct {
	testing.TB
	dir     string // of the home
	socket  string
	mux     *vphone.Mux
	clock   *clock
	phones  []*vphone.Phone
	host    *host.Host
	service *service.Service
	release func()
	cut     func() // ends what is under way, as a signal does

	// Of a service with faces.
	log  journal
	stop func()
	over chan error

	patience time.Duration // 0 is the usual

	drill func(context.Context, russet.Backup) (host.DrillPhone, func() error, error) // nil is drillPhone

	mu   sync.Mutex
	told []notify.Message
	tell func(notify.Message) error // what becomes of a message; nil is delivered
}

// morning is when everything begins: a Monday, nine o'clock.
var morning = time.Date(2026, time.March, 9, 9, 0, 0, 0, time.UTC)

func newLab(t testing.TB) *lab {
	t.Helper()
	l := &lab{TB: t, dir: t.TempDir(), clock: &clock{t: morning}}
	short, err := os.MkdirTemp("", "russet")
	must(t, err)
	l.socket = filepath.Join(short, "mux")
	l.mux, err = vphone.NewMux("", nil)
	must(t, err)
	listener, err := net.Listen("unix", l.socket)
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- l.mux.Serve(ctx, listener) }()
	t.Cleanup(func() {
		l.end()
		stop()
		must(t, <-served)
		for _, p := range l.phones {
			must(t, p.Close())
		}
		must(t, os.RemoveAll(short))
	})
	return l
}

// start begins a service in a new process, as it were.
func (l *lab) start() {
	l.Helper()
	l.host = host.Open(host.Options{Home: home.Place{Dir: l.dir, Data: l.dir, Moved: true}, Mux: "UNIX:" + l.socket, Now: l.clock.now})
	l.service = service.New(service.Options{Host: l.host, Now: l.clock.now, Location: time.UTC, Notify: l.notify, AtOnce: 2, Drill: l.drills})
	ctx, stop := context.WithCancel(context.Background())
	l.host.Follow(ctx)
	base, cut := context.WithCancel(context.Background())
	release, err := l.service.Take(base)
	must(l, err)
	l.cut = cut
	l.release = func() {
		release()
		cut()
		stop()
	}
}

// end ends the service.
func (l *lab) end() {
	l.Helper()
	if l.host == nil {
		return
	}
	l.release()
	must(l, l.host.Close())
	l.host = nil
}

func (l *lab) drills(ctx context.Context, b russet.Backup) (host.DrillPhone, func() error, error) {
	if l.drill != nil {
		return l.drill(ctx, b)
	}
	return drillPhone(ctx, b)
}

func (l *lab) notify(_ context.Context, m notify.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tell != nil {
		if err := l.tell(m); err != nil {
			return err
		}
	}
	l.told = append(l.told, m)
	return nil
}

// heard takes the messages of some kinds.
func (l *lab) heard(kinds ...notify.Kind) []notify.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []notify.Message
	for _, m := range l.told {
		for _, k := range kinds {
			if m.Kind == k {
				all = append(all, m)
			}
		}
	}
	l.told = nil
	return all
}

// phone makes a phone that is paired with the home.
func (l *lab) phone(name string, o vphone.Options) *vphone.Phone {
	l.Helper()
	key, err := phoneKey()
	must(l, err)
	d := disk.NewMemory()
	must(l, content.MakeOn(l.Context(), d, content.Options{Profile: "big", Files: 20, Size: 200_000, Seed: uint64(len(l.phones) + 1)}))
	o.Identity, o.Disk, o.Key = vphone.NewIdentity(uint64(len(l.phones)+1)), d, key
	o.Identity.Name = name
	p, err := vphone.New(o)
	must(l, err)
	p.Faults().Update(func(c *agent.Config) { c.Rounds = [2]int{100, 10} })
	l.phones = append(l.phones, p)
	l.setClocks()
	l.mux.Add(p)
	_, _, err = l.host.Pair(l.Context(), p.UDID(), func(russet.Device) {})
	must(l, err)
	return p
}

// setClocks sets the clocks of the phones.
func (l *lab) setClocks() {
	ahead := time.Until(l.clock.now())
	for _, p := range l.phones {
		p.Faults().Update(func(c *agent.Config) { c.ClockAhead = ahead })
	}
}

// step lets time pass, and the service look.
func (l *lab) step(d time.Duration) {
	l.Helper()
	l.clock.set(l.clock.now().Add(d))
	l.setClocks()
	l.service.Step(l.Context())
	l.service.Wait()
}

// backups counts the backups of a phone in a store.
func (l *lab) backups(store string, p *vphone.Phone) int {
	l.Helper()
	list, err := l.host.Backups(l.Context(), store, russet.UDID(p.UDID()), false)
	must(l, err)
	return len(list)
}

func (l *lab) status(p *vphone.Phone) service.DeviceStatus {
	l.Helper()
	st, err := l.service.Status(l.Context())
	must(l, err)
	for _, d := range st.Devices {
		if d.UDID == russet.UDID(p.UDID()) {
			return d
		}
	}
	l.Fatalf("%q is not in %+v", p.UDID(), st)
	return service.DeviceStatus{}
}

// bothStores makes two stores the ones of every device.
func (l *lab) bothStores(first, second string) error {
	_, err := l.host.ChangeSchedule(l.Context(), "", func(s *schedule.Settings) { s.Stores = &[]string{first, second} })
	return err
}
