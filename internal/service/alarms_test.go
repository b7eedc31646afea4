package service_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/schedule"
	"russet/vphone"
)

const day = 24 * time.Hour

// TestStoreAway: a store whose disk is away is said and tried again, and after
// a week somebody is told, once a week and not at night.
func TestStoreAway(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	there := filepath.Join(l.dir, "backups")
	must(t, os.Rename(there, there+" away"))
	l.heard()
	for range 2 * 30 {
		l.step(12 * time.Hour) // nine in the morning and in the evening
	}
	d := l.status(p)
	if len(d.Decision.Missing) != 1 || d.Decision.Missing[0].Code != "store" || d.Stores[0].Problem == "" {
		t.Errorf("what is missing: %+v", d.Decision.Missing)
	}
	told := l.heard(notify.Kinds()...)
	if len(told) != 4 {
		t.Errorf("told %d times", len(told))
	}
	for i, m := range told {
		if age := m.Time.Sub(morning); m.Kind != notify.Overdue || age < 7*day*time.Duration(i+1) || age > 7*day*time.Duration(i+1)+day {
			t.Errorf("told at %s: %+v", m.Time, m)
		}
	}
	must(t, os.Rename(there+" away", there))
	l.step(15 * time.Minute)
	l.step(time.Minute)
	if d := l.status(p); d.Decision.Due || d.Last.Outcome != "done" || d.Decision.Overdue {
		t.Errorf("when it is back: %+v", d.Decision)
	}
	st, err := l.service.Status(t.Context())
	must(t, err)
	if len(st.Alarms) != 0 {
		t.Errorf("alarms: %+v", st.Alarms)
	}
}

// TestOneStoreAway: a store that lacks new backups while another gets them is
// told of after a week, and the phone is not called overdue.
func TestOneStoreAway(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	there := filepath.Join(l.dir, "attic")
	for name, url := range map[string]string{"home": "folder:" + filepath.Join(l.dir, "home"), "attic": "folder:" + there} {
		_, err := l.host.AddStore(t.Context(), name, url)
		must(t, err)
	}
	_, err := l.host.ChangeSchedule(t.Context(), russet.UDID(p.UDID()), func(s *schedule.Settings) { s.Stores = &[]string{"home", "attic"} })
	must(t, err)
	l.step(0)
	l.step(time.Minute)
	if l.backups("home", p) != 1 || l.backups("attic", p) != 1 {
		t.Fatalf("not in both: %+v", l.status(p).Decision)
	}
	must(t, os.Rename(there, there+" away"))
	l.heard()
	for range 2 * 10 {
		l.step(12 * time.Hour)
	}
	told := slices.DeleteFunc(l.heard(notify.Kinds()...), func(m notify.Message) bool { return m.Kind == notify.Done })
	if d := l.status(p).Decision; d.Overdue || len(d.Behind) != 1 || len(told) != 1 {
		t.Fatalf("told %+v; %+v", told, d)
	}
	m := told[0]
	if age := m.Time.Sub(morning); m.Kind != notify.Overdue || m.Store != "attic" || !strings.Contains(m.Title, `no new backup in "attic" for 7 days`) || age > 8*day {
		t.Errorf("told at %s: %+v", m.Time, m)
	}
	// Who wants no backups there is told of none.
	_, err = l.host.ChangeSchedule(t.Context(), russet.UDID(p.UDID()), func(s *schedule.Settings) { s.Stores = &[]string{"home"} })
	must(t, err)
	l.step(time.Minute)
	st, err := l.service.Status(t.Context())
	must(t, err)
	if len(st.Alarms) != 0 {
		t.Errorf("alarms: %+v", st.Alarms)
	}
}

// TestChangesOnThePhone: another iOS and another encryption are told once, what
// russet changed itself is not.
func TestChangesOnThePhone(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	last := l.status(p).Stores[0].Backup
	must(t, p.SetIOS("26.6"))
	must(t, p.SetBackupPassword("secret"))
	l.heard()
	for range 5 {
		l.step(time.Hour)
	}
	told := l.heard(notify.NewIOS, notify.Encryption)
	if len(told) != 2 {
		t.Fatalf("told: %+v", told)
	}
	if !strings.Contains(told[0].Next, "russet archive "+string(last.ID)[:8]) || !strings.Contains(told[0].Title, "26.6") {
		t.Errorf("the new iOS: %+v", told[0])
	}
	_, err := l.host.ChangePassword(t.Context(), host.EncryptionChange{Device: p.UDID(), Old: "secret"})
	must(t, err)
	l.step(time.Hour)
	if told := l.heard(notify.Encryption); len(told) != 0 {
		t.Errorf("told of what russet did: %+v", told)
	}
}

// TestFailure: a run that fails is told once for its cause, and again only when
// it was good in between.
func TestFailure(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	must(t, p.SetFault("final-error", "4711"))
	for range 3 * 24 {
		l.step(time.Hour)
	}
	told := l.heard(notify.Failed, notify.Space)
	if len(told) != 1 || told[0].Code != 4711 || told[0].Store != "main" || told[0].Time.Hour() >= 22 {
		t.Fatalf("told: %+v", told)
	}
	if at := told[0].Time.Add(15 * time.Minute).Format("at 15:04."); !strings.HasSuffix(told[0].Text, " russet tries again "+at) {
		t.Errorf("tried again %s, and told: %s", at, told[0].Text)
	}
	must(t, p.SetFault("final-error", "0"))
	l.step(7 * time.Hour)
	if d := l.status(p); d.Decision.Due {
		t.Errorf("still due: %+v", d.Decision)
	}
	must(t, p.SetFault("final-error", "4711"))
	l.step(2 * day)
	if told := l.heard(notify.Failed); len(told) != 1 {
		t.Errorf("the second time: %+v", told)
	}
}

// TestLinkLost: what nobody can do anything about is not told.
func TestLinkLost(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	must(t, p.SetFault("drop-message", "4"))
	for range 10 {
		l.step(time.Hour)
	}
	if told := l.heard(notify.Failed, notify.Space, notify.Damage); len(told) != 0 {
		t.Errorf("told: %+v", told)
	}
	must(t, p.SetFault("drop-message", "0"))
	l.step(2 * time.Hour)
	if n := l.backups("main", p); n != 1 {
		t.Errorf("%d backups", n)
	}
}

// TestAllowance: one that is nearly used is told, and that it is over when there
// is room again.
func TestAllowance(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	size := l.status(p).Stores[0].Backup.Size
	must(t, l.host.SetAllowance(t.Context(), "main", "", size*100/95))
	must(t, l.host.SetAllowance(t.Context(), "main", russet.UDID(p.UDID()), size*100/92))
	l.heard()
	for range 5 {
		l.step(2 * time.Hour)
	}
	told := l.heard(notify.Allowance)
	if len(told) != 2 {
		t.Fatalf("told: %+v", told)
	}
	must(t, l.host.SetAllowance(t.Context(), "main", "", 10*size))
	l.step(2 * time.Hour)
	st, err := l.service.Status(t.Context())
	must(t, err)
	if len(st.Alarms) != 1 || string(st.Alarms[0].Device) != p.UDID() {
		t.Errorf("alarms: %+v", st.Alarms)
	}
	must(t, l.host.SetAllowance(t.Context(), "main", russet.UDID(p.UDID()), 0))
	l.step(2 * time.Hour)
	st, err = l.service.Status(t.Context())
	must(t, err)
	if len(st.Alarms) != 0 {
		t.Errorf("without a limit: %+v", st.Alarms)
	}
}

// TestStoreForgotten: with a store its troubles go.
func TestStoreForgotten(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	must(t, l.host.SetAllowance(t.Context(), "main", "", l.status(p).Stores[0].Backup.Size))
	l.step(time.Minute) // what a person changes is seen at once
	if told := l.heard(notify.Allowance); len(told) != 1 {
		t.Errorf("told: %+v", told)
	}
	if _, err := l.host.RemoveStore(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	l.step(time.Minute)
	l.step(time.Minute)
	st, err := l.service.Status(t.Context())
	must(t, err)
	if len(st.Alarms) != 0 {
		t.Errorf("alarms: %+v", st.Alarms)
	}
}

// TestPairing: a phone that is away for long may forget this computer.
func TestPairing(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	p.Unplug()
	for range 24 {
		l.step(day)
	}
	if told := l.heard(notify.Pairing); len(told) != 0 {
		t.Errorf("told early: %+v", told)
	}
	l.step(2 * day)
	if told := l.heard(notify.Pairing); len(told) != 1 {
		t.Errorf("told: %+v", told)
	}
	p.Plug()
	l.step(time.Hour)
	l.step(time.Hour)
	st, err := l.service.Status(t.Context())
	must(t, err)
	if len(st.Alarms) != 0 {
		t.Errorf("alarms: %+v", st.Alarms)
	}
}
