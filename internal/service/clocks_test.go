package service_test

import (
	"testing"
	"time"

	"russet"
	"russet/vphone"
	"russet/vphone/agent"
)

// TestWrongClock: a phone whose clock is wrong is backed up once a day like any
// other, also where its backups come to as copies.
func TestWrongClock(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]time.Duration{"a year ahead": 365 * day, "seconds ahead": 3 * time.Second, "years behind": -1000 * day} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			l.start()
			p := l.phone("Anna's iPhone", vphone.Options{Passcode: "1234"})
			l.step(0)
			l.addVault("vault")
			must(t, l.bothStores("main", "vault"))
			for range 3 * 24 {
				l.clock.set(l.clock.now().Add(time.Hour))
				p.Faults().Update(func(c *agent.Config) { c.ClockAhead = time.Until(l.clock.now().Add(off)) })
				l.service.Step(t.Context())
				l.service.Wait()
				l.service.Step(t.Context())
				l.service.Wait()
			}
			runs, err := l.host.Runs(russet.UDID(p.UDID()))
			if err != nil || len(runs) != 4 {
				t.Errorf("%d runs in three days, %v", len(runs), err)
			}
			chores, err := l.service.Chores()
			must(t, err)
			copies := 0
			for _, c := range chores {
				if c.Kind == "copy" {
					copies++
				}
			}
			if copies < 3 || copies > 4 || l.backups("vault", p) != copies {
				t.Errorf("%d copies, %d backups in the vault", copies, l.backups("vault", p))
			}
			if d := l.status(p).Decision; d.Due {
				t.Errorf("still due: %+v", d)
			}
		})
	}
}

// TestClockIsSet: a computer whose clock was wrong for a while neither stops nor
// hurries.
func TestClockIsSet(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	l.step(300 * day)
	l.step(time.Hour)
	l.step(-300 * day)
	for range 3 * 24 {
		l.step(time.Hour)
	}
	runs, err := l.host.Runs(russet.UDID(p.UDID()))
	if err != nil || len(runs) < 5 || len(runs) > 6 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
	if d := l.status(p).Decision; d.Due || d.Overdue {
		t.Errorf("at the end: %+v", d)
	}
}
