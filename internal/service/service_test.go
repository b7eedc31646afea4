package service_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/schedule"
	"russet/internal/service"
	"russet/vphone"
)

func TestDaily(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	if n := l.backups("main", p); n != 1 {
		t.Fatalf("%d backups: %+v", n, l.status(p).Decision)
	}
	if m := l.heard(notify.Done); len(m) != 1 {
		t.Errorf("told %d times", len(m))
	}
	before := l.status(p)
	if before.Decision.Due || before.Last == nil || before.Stores[0].Backup == nil {
		t.Errorf("status: %+v", before)
	}
	l.step(time.Hour)
	if last := l.status(p).Last; last.ID != before.Last.ID {
		t.Error("it ran again at once")
	}
	l.step(24 * time.Hour)
	if last := l.status(p).Last; last.ID == before.Last.ID || last.Outcome != "done" {
		t.Errorf("the next day: %+v, %+v", last, l.status(p).Decision)
	}
}

// TestStatusAlone: without a service a look tells the same, and changes nothing.
func TestStatusAlone(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	with := l.status(p)
	l.end()
	files := map[string]string{}
	read := func(check bool) {
		t.Helper()
		list, err := os.ReadDir(filepath.Join(l.dir, "automation"))
		must(t, err)
		for _, e := range list {
			data, err := os.ReadFile(filepath.Join(l.dir, "automation", e.Name()))
			must(t, err)
			if check && files[e.Name()] != string(data) {
				t.Errorf("%s has changed", e.Name())
			}
			files[e.Name()] = string(data)
		}
	}
	read(false)
	l.clock.set(l.clock.now().Add(10 * time.Hour))
	must(t, p.SetIOS("26.6"))
	h := host.Open(host.Options{Home: home.Place{Dir: l.dir, Data: l.dir, Moved: true}, Mux: "UNIX:" + l.socket, Now: l.clock.now})
	s := service.New(service.Options{Host: h, Now: l.clock.now, Location: time.UTC})
	st, err := s.Status(t.Context())
	must(t, err)
	if d := st.Devices[0]; st.Serving || d.IOS != "26.6" || d.Decision.Due || d.Decision.DueSince.Sub(with.Decision.DueSince).Abs() > time.Second || d.Last.ID != with.Last.ID {
		t.Errorf("status: %+v", st)
	}
	must(t, h.Close())
	read(true)
}

// TestNeverHere: a phone that is known, as one whose pairing was imported is, and
// that the service never met, is listed.
func TestNeverHere(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	p.Unplug()
	l.step(time.Hour)
	if d := l.status(p); d.Present || d.Name != "Anna's iPhone" || !d.Decision.Due || d.Decision.Missing[0].Code != schedule.Away {
		t.Errorf("%+v", d)
	}
	if _, _, err := l.host.Unpair(t.Context(), p.UDID()); err != nil {
		t.Fatal(err)
	}
	l.step(time.Hour)
	if st, err := l.service.Status(t.Context()); err != nil || len(st.Devices) != 0 {
		t.Errorf("unpaired: %+v, %v", st.Devices, err)
	}
}
