package service_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/retention"
	"russet/internal/schedule"
	"russet/internal/secrets"
	"russet/internal/vault/backend"
	"russet/vphone"
	"russet/vphone/agent"
	"russet/vphone/disk"
)

// monthStep is how often the service looks in the month.
const monthStep = 30 * time.Minute

// world is everything but the service.
type world struct {
	testing.TB
	plan   plan
	seed   uint64
	rng    *rand.Rand
	zone   *time.Location
	start  time.Time // Monday, noon
	now    time.Time
	home   string
	socket string
	nas    string // where the folder store is when it is not away
	phones []*citizen
	child  *child
	trace  []*step
	seen   map[russet.BackupID]russet.Backup // every version that was ever listed
	nasDay map[string][]time.Time            // newest backups in the folder at each noon, by name
}

// step is what happened in one step.
type step struct {
	at      time.Time
	kill    bool
	midRun  bool
	nas     bool // the folder store was there
	phones  map[string]condition
	sheets  map[string]int // shown in it
	session map[string]bool
}

// day is the day of the month, from noon to noon; 0 is the first.
func (w *world) day(t time.Time) int {
	y, m, d := w.start.Date()
	n := 0
	for !t.Before(time.Date(y, m, d+n+1, 12, 0, 0, 0, w.zone)) {
		n++
	}
	return n
}

func newWorld(t testing.TB, p plan, seed uint64) *world {
	zone, err := time.LoadLocation("Europe/Berlin")
	must(t, err)
	w := &world{
		TB: t, plan: p, seed: seed, rng: rand.New(rand.NewPCG(seed, 30)), zone: zone, home: t.TempDir(),
		start: time.Date(2026, time.March, 9, 12, 0, 0, 0, zone), seen: map[russet.BackupID]russet.Backup{}, nasDay: map[string][]time.Time{},
	}
	w.now, w.nas = w.start, filepath.Join(w.home, "nas")
	short, err := os.MkdirTemp("", "russet")
	must(t, err)
	w.socket = filepath.Join(short, "mux")
	mux, err := vphone.NewMux("", nil)
	must(t, err)
	listener, err := net.Listen("unix", w.socket)
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- mux.Serve(ctx, listener) }()
	w.phones = w.citizens()
	var owners sync.WaitGroup
	t.Cleanup(func() {
		if w.child != nil {
			w.child.kill()
		}
		stop()
		owners.Wait()
		must(t, <-served)
		for _, c := range w.phones {
			must(t, c.phone.Close())
		}
		must(t, os.RemoveAll(short))
	})
	for i, c := range w.phones {
		c.make(t, uint64(i+1))
		owners.Go(func() { c.own(ctx) })
		mux.Add(c.phone)
	}
	w.settle()
	return w
}

// settle adds the stores and pairs the phones: what a person does first.
func (w *world) settle() {
	w.set(w.start)
	h := w.open()
	defer func() { must(w, h.Close()) }()
	ctx := w.Context()
	_, err := h.AddStore(ctx, "nas", "folder:"+w.nas)
	must(w, err)
	_, err = h.AddVault(ctx, host.VaultAddition{
		Name: "vault", URL: "vault:" + filepath.Join(w.home, "vault"),
		Credentials: func(context.Context, backend.Location) (backend.Credentials, error) {
			return backend.Credentials{}, nil
		},
		NewPassword: func(context.Context) (secrets.Secret, error) { return "correct horse battery", nil },
	})
	must(w, err)
	_, err = h.ChangePolicy(ctx, host.Scope{}, func(retention.Policy) (retention.Policy, error) { return retention.KeepAll(), nil })
	must(w, err)
	_, err = h.ChangeSchedule(ctx, "", func(s *schedule.Settings) { s.Stores = &[]string{"nas", "vault"} })
	must(w, err)
	for _, c := range w.phones {
		_, _, err := h.Pair(ctx, c.phone.UDID(), func(russet.Device) {})
		must(w, err)
	}
}

// open is a host of the parent, to look at things.
func (w *world) open() *host.Host {
	return host.Open(host.Options{
		Home: home.Place{Dir: w.home, Data: w.home, Moved: true}, Mux: "UNIX:" + w.socket, Now: func() time.Time { return w.now },
	})
}

// set makes the world what it is at a time.
func (w *world) set(t time.Time) {
	w.now = t
	for _, c := range w.phones {
		is := c.habits(t)
		c.answers.Store(is.answers)
		c.phone.SetPower(70, is.power)
		if c.asks && !is.answers && !w.setup(t) {
			c.phone.Lock()
		} else {
			c.phone.Unlock()
		}
		if is.here {
			c.phone.Plug()
		} else {
			c.phone.Unplug()
		}
		c.phone.Faults().Update(func(f *agent.Config) { f.ClockAhead = time.Until(t) })
	}
}

// dawn is noon: a day has been lived on each phone, and things happen.
func (w *world) dawn(d int) {
	for i, c := range w.phones {
		for n := range 3 {
			data := bytes.Repeat([]byte(fmt.Sprintf("%s, day %d, file %d\n", c.name, d, n)), 500+w.rng.IntN(500))
			e := &disk.Entry{
				Domain: "HomeDomain", Path: fmt.Sprintf("Library/diary-%d.txt", (d*3+n)%20), Kind: disk.File, Mode: 0o100644, UID: 501, GID: 501,
				Size: int64(len(data)), ModTime: w.now, ChangeTime: w.now, Birth: w.now, Inode: uint64(1_000_000 + d*10 + n), Class: 3,
			}
			must(w, c.phone.Disk().Put(e, bytes.NewReader(data)))
		}
		if i == 0 && d == min(16, w.plan.days-1) {
			must(w, c.phone.SetIOS("26.6"))
		}
	}
	away := w.nas + " away"
	if _, err := os.Stat(w.nas); err == nil && w.nasAway(d) {
		must(w, os.Rename(w.nas, away))
	} else if err != nil && !w.nasAway(d) {
		must(w, os.Rename(away, w.nas))
	}
}

// observe notes what the stores hold.
func (w *world) observe() {
	h := w.open()
	defer func() { must(w, h.Close()) }()
	list, err := h.Backups(w.Context(), "vault", "", false)
	must(w, err)
	for _, b := range list {
		w.seen[b.ID] = b
	}
	newest := map[string]time.Time{}
	if list, err = h.Backups(w.Context(), "nas", "", false); err == nil {
		for _, b := range list {
			newest[b.Name] = b.Time
		}
	}
	for _, c := range w.phones {
		w.nasDay[c.name] = append(w.nasDay[c.name], newest[c.name])
	}
}
