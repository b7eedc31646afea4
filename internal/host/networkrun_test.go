package host_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/phonetest"
)

// TestRunOverTheNetwork: the heartbeat is held for as long as the run takes,
// and the run says how it went.
func TestRunOverTheNetwork(t *testing.T) {
	t.Parallel()
	l := newNetlab(t)
	p := l.phone(1, "Anna")
	h := l.computer(l.Addr())
	l.pair(h, p)
	l.Join(p)
	p.Unplug()
	p.DemandHeartbeat(time.Second)
	must(t, p.SetFault("stall-after", "3s@300000"))
	r, err := h.Backup(t.Context(), host.BackupOptions{Device: l.only(h), Store: l.store(h), By: "schedule"})
	must(t, err)
	if r.Backup == nil || r.Run.Way != "network" || r.Run.By != "schedule" || r.Run.Outcome != "done" || r.Run.Resumed {
		t.Errorf("%+v", r.Run)
	}
	if took := r.Run.End.Sub(r.Run.Start); took < 3*time.Second {
		t.Errorf("it did not stall: %v", took)
	}
}

// TestNothingToGoOnFrom: a run that the phone refused before it asked for anything
// leaves no draft; one that goes on with a draft leaves that.
func TestNothingToGoOnFrom(t *testing.T) {
	t.Parallel()
	l := newNetlab(t)
	p := l.phone(1, "Anna")
	h := l.computer(l.Addr())
	l.pair(h, p)
	run := func() (host.BackupResult, int) {
		t.Helper()
		r, _ := h.Backup(t.Context(), host.BackupOptions{Device: l.only(h), Store: l.store(h)})
		drafts, err := h.Backups(t.Context(), "", "", true)
		must(t, err)
		return r, len(drafts)
	}
	p.LimitService("com.apple.mobilebackup2", true)
	if r, drafts := run(); r.Run.Outcome != "failed" || drafts != 0 {
		t.Errorf("refused: %+v, %d drafts", r.Run, drafts)
	}
	p.LimitService("com.apple.mobilebackup2", false)
	must(t, p.SetFault("drop-after", "400000"))
	if r, drafts := run(); r.Run.Outcome != "interrupted" || r.Run.Resumed || drafts != 1 {
		t.Errorf("interrupted: %+v, %d drafts", r.Run, drafts)
	}
	p.LimitService("com.apple.mobilebackup2", true)
	if r, drafts := run(); r.Run.Outcome != "failed" || drafts != 1 {
		t.Errorf("refused again: %+v, %d drafts", r.Run, drafts)
	}
	p.LimitService("com.apple.mobilebackup2", false)
	if r, drafts := run(); r.Run.Outcome != "done" || !r.Run.Resumed || drafts != 1 {
		t.Errorf("done: %+v, %d backups", r.Run, drafts)
	}
}

// TestLostOnTheNetwork: whatever shape the end of a radio link has, the run is
// interrupted, what came is kept, and the cable goes on with it.
func TestLostOnTheNetwork(t *testing.T) {
	t.Parallel()
	for shape, fault := range map[string][2]string{
		"reset":              {"reset-after", "400000"},
		"hung up":            {"drop-after", "400000"},
		"reset at lockdownd": {"reset-at", "20,lockdownd"},
	} {
		t.Run(shape, func(t *testing.T) {
			l := newNetlab(t)
			p := l.phone(1, "Anna")
			h := l.computer(l.Addr())
			l.pair(h, p)
			l.Join(p)
			p.Unplug()
			d, st := l.only(h), l.store(h)
			must(t, p.SetFault(fault[0], fault[1]))
			r, err := h.Backup(t.Context(), host.BackupOptions{Device: d, Store: st})
			if shape != "reset at lockdownd" || err != nil {
				wantLost(t, r, err)
			}
			p.Plug()
			r, err = h.Backup(t.Context(), host.BackupOptions{Device: d, Store: st})
			must(t, err)
			if r.Run.Way != "usb" || r.Backup == nil || shape != "reset at lockdownd" && !r.Run.Resumed {
				t.Errorf("over the cable: %+v", r.Run)
			}
		})
	}
}

func wantLost(t *testing.T, r host.BackupResult, err error) {
	t.Helper()
	wantKind(t, err, russet.Interrupted, "the run")
	e := host.Explain(t.Context(), err)
	if !strings.Contains(e.What, "connection to the phone was lost") || !strings.Contains(e.Hint, "is kept") || r.Run.Outcome != "interrupted" || r.Run.Way != "network" {
		t.Errorf("%q, hint %q, %+v", e.What, e.Hint, r.Run)
	}
}

// TestLeavesDuringARun: the owner goes out, and comes back to the cable. With
// Retry one call is enough.
func TestLeavesDuringARun(t *testing.T) {
	t.Parallel()
	l := newNetlab(t)
	p := l.phone(1, "Anna")
	h := l.computer(l.Addr())
	l.pair(h, p)
	l.Join(p)
	p.Unplug()
	must(t, p.SetFault("stall-after", "5s@400000")) // meanwhile it leaves
	var left bool
	r, err := h.Backup(t.Context(), host.BackupOptions{
		Device: l.only(h), Store: l.store(h), Retry: 1, Progress: func(e russet.Event) {
			if e.Bytes > 100_000 && !left {
				left = true
				go func() {
					p.LeaveNetwork()
					p.Plug()
				}()
			}
		},
	})
	must(t, err)
	if !left || r.Run.Way != "usb" || !r.Run.Resumed {
		t.Errorf("%+v", r.Run)
	}
	runs, err := h.Runs(r.Run.Device)
	must(t, err)
	if len(runs) != 2 || runs[0].Outcome != "interrupted" || runs[0].Way != "network" || runs[1].Outcome != "done" {
		t.Errorf("%+v", runs)
	}
}

// TestPasscodeSheet: a run says whether the phone asked, and for how long.
func TestPasscodeSheet(t *testing.T) {
	l := newNetlab(t)
	p := l.phone(1, "Anna")
	h := l.computer(l.Addr())
	l.pair(h, p)
	must(t, p.SetPasscode("1234"))
	p.SetPasscodeDelay(700 * time.Millisecond)
	r, err := h.Backup(t.Context(), host.BackupOptions{Device: l.only(h), Store: l.store(h)})
	must(t, err)
	if !r.Run.Passcode || r.Run.Waited < 0.5 || r.Run.Waited > 20 {
		t.Errorf("%+v", r.Run)
	}
}

// TestRateOfAllDevices: two phones together get no more than the limit.
func TestRateOfAllDevices(t *testing.T) {
	t.Parallel()
	l := newNetlab(t)
	dir := t.TempDir()
	const limit = 1_500_000
	h := host.Open(host.Options{
		Home: home.Place{Dir: dir, Data: dir, Moved: true}, Mux: l.Addr(), Rate: rate.NewLimiter(limit, 256<<10),
	})
	t.Cleanup(func() { must(t, h.Close()) })
	st := l.store(h)
	began := time.Now()
	done := make(chan error, 2)
	var sum int64
	for i, name := range []string{"Anna", "Ben"} {
		p := l.phone(uint64(i+1), name)
		l.pair(h, p)
		go func() {
			r, err := h.Backup(t.Context(), host.BackupOptions{Device: russet.Device{UDID: russet.UDID(p.UDID()), Name: name}, Store: st})
			if err == nil && r.Run.Received < 1_500_000 {
				t.Errorf("%+v", r.Run)
			}
			done <- err
		}()
		sum += 1_500_000
	}
	must(t, <-done)
	must(t, <-done)
	if least := time.Duration(float64(sum-256<<10) / limit * float64(time.Second)); time.Since(began) < least {
		t.Errorf("%v for %d bytes at %d a second", time.Since(began), sum, limit)
	}
}

// TestBusyPhoneIsLeftAlone: while a run is under way nobody else talks to the
// phone; it is listed as it was.
func TestBusyPhoneIsLeftAlone(t *testing.T) {
	for _, way := range []string{"usb", "network"} {
		t.Run(way, func(t *testing.T) {
			l := newNetlab(t)
			p := l.phone(1, "Anna")
			h := l.computer(l.Addr())
			l.pair(h, p)
			if way == "network" {
				l.Join(p)
				p.Unplug()
			}
			must(t, p.SetFault("stall-after", "4s@400000,any"))
			looked := make(chan time.Duration, 1)
			var once sync.Once
			r, err := h.Backup(t.Context(), host.BackupOptions{Device: l.only(h), Store: l.store(h), Progress: func(e russet.Event) {
				if e.Bytes < 100_000 {
					return
				}
				once.Do(func() {
					go func() {
						began := time.Now()
						devices, err := h.Devices(t.Context())
						if err != nil || len(devices) != 1 || devices[0].Connection != way || !devices[0].Paired {
							t.Errorf("%+v, %v", devices, err)
						}
						looked <- time.Since(began)
					}()
				})
			}})
			must(t, err)
			if took := <-looked; took > 2*time.Second || r.Run.End.Sub(r.Run.Start) < 4*time.Second {
				t.Errorf("it was asked: %v, %+v", took, r.Run)
			}
		})
	}
}

// TestPairingIsKept: a phone that another program paired over usbmuxd is met
// without it after one run; unpaired there, it is forgotten.
func TestPairingIsKept(t *testing.T) {
	t.Parallel()
	l := newNetlab(t)
	p := l.phone(1, "Anna")
	l.pair(l.computer(l.Addr()), p) // another home: only usbmuxd tells
	home := t.TempDir()
	h := l.computerIn(home, l.Addr())
	_, err := h.Backup(t.Context(), host.BackupOptions{Device: l.only(h), Store: l.store(h)})
	must(t, err)
	address := l.Join(p)
	alone := l.computerIn(home, phonetest.NoMux)
	_, err = alone.AddAddress(t.Context(), "Anna", address)
	must(t, err)
	if d := l.only(alone); d.Connection != "network" || !d.Paired {
		t.Error(describe(d))
	}
	if _, already, err := alone.Pair(t.Context(), "Anna", func(russet.Device) {}); err != nil || !already {
		t.Errorf("already paired: %v, %v", already, err)
	}
	if _, told, err := alone.Unpair(t.Context(), "Anna"); err != nil || !told {
		t.Errorf("told %v, %v", told, err)
	}
	if seen, err := alone.Remembered(); err != nil || len(seen) > 0 {
		t.Errorf("%+v, %v", seen, err)
	}
	p.Plug()
	if d := l.only(h); d.Paired {
		t.Errorf("still paired: %s", describe(d))
	}
}
