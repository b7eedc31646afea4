package service_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/service"
	"russet/vphone"
	"russet/vphone/content"
)

// TestMessagesArrive: what reached nobody is sent again to those it did not
// reach, also by the next service, and not for ever.
func TestMessagesArrive(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	must(t, p.SetFault("final-error", "4711"))
	tries, channels := 0, ""
	l.tell = func(m notify.Message) error {
		if m.Kind != notify.Failed {
			return nil
		}
		tries++
		channels += strings.Join(m.Channels, ",") + ";"
		return &notify.Undelivered{Channels: []string{"a", "b"}, Again: []string{"b"}, Err: errors.New("away")}
	}
	l.step(0)
	l.step(time.Second)
	if tries != 1 {
		t.Errorf("%d tries at once", tries)
	}
	l.end()
	l.start()
	l.step(5 * time.Minute)
	if tries != 2 || channels != ";b;" {
		t.Errorf("%d tries: %q", tries, channels)
	}
	for range 30 {
		l.step(4 * time.Hour)
	}
	if tries < 10 || tries > 20 || len(l.remembered(p).Outbox) != 0 {
		t.Errorf("%d tries in five days, %d letters left", tries, len(l.remembered(p).Outbox))
	}
}

// TestStaleNudge: that a phone is ready is news for an hour. A channel that comes
// back in the night, or on another day, does not tell it then.
func TestStaleNudge(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	l.clock.set(morning.Add(12*time.Hour + 57*time.Minute)) // three minutes before the quiet hours
	p := l.phone("Anna's iPhone", vphone.Options{Passcode: "1234"})
	p.SetPasscodeAnswer(vphone.No)
	away, tries := true, 0
	l.tell = func(m notify.Message) error {
		tries++
		if !away {
			return nil
		}
		return &notify.Undelivered{Channels: []string{"a"}, Again: []string{"a"}, Err: errors.New("away")}
	}
	l.step(0)
	l.step(90 * time.Second)
	if tries != 2 || len(l.remembered(p).Outbox) != 1 {
		t.Fatalf("%d tries, %d letters", tries, len(l.remembered(p).Outbox))
	}
	away = false
	l.step(10 * time.Minute)
	l.step(9 * time.Hour)
	for _, m := range l.heard(notify.Passcode) {
		if age := l.clock.now().Sub(m.Time); age > time.Hour {
			t.Errorf("told %s later: %+v", age, m)
		}
	}
	if tries != 2 && tries != 3 {
		t.Errorf("%d tries", tries)
	}
	for _, letter := range l.remembered(p).Outbox {
		if letter.Message.Time.Before(morning.Add(14 * time.Hour)) {
			t.Errorf("it still waits: %+v", letter)
		}
	}
}

// TestCannotWrite: what could not be written is written as soon as that can be
// done again, and then nothing is the matter any more.
func TestCannotWrite(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	file := l.stateFile(p)
	must(t, os.Remove(file))
	must(t, os.MkdirAll(filepath.Join(file, "in the way"), 0o700))
	l.clock.set(l.clock.now().Add(day))
	l.setClocks()
	next := l.service.Step(t.Context()) // a run is due, and must not begin like this
	l.service.Wait()
	st, err := l.service.Status(t.Context())
	must(t, err)
	if len(st.Problems) != 1 || l.status(p).Last.Start.After(morning.Add(time.Hour)) {
		t.Fatalf("problems: %q; %+v", st.Problems, l.status(p).Last)
	}
	if wait := next.Sub(l.clock.now()); wait > time.Minute {
		t.Errorf("looks again in %s", wait)
	}
	must(t, os.RemoveAll(file))
	l.step(time.Minute)
	if st, err := l.service.Status(t.Context()); err != nil || len(st.Problems) != 0 {
		t.Errorf("problems: %q, %v", st.Problems, err)
	}
	if n := len(l.remembered(p).Attempts); n != 2 {
		t.Errorf("%d attempts are remembered", n)
	}
}

// TestUnpaired: a device that was unpaired is forgotten: nobody is told that it
// is overdue.
func TestUnpaired(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	if _, _, err := l.host.Unpair(t.Context(), p.UDID()); err != nil {
		t.Fatal(err)
	}
	p.Unplug()
	for range 12 {
		l.step(day)
	}
	if told := l.heard(notify.Overdue); len(told) != 0 {
		t.Errorf("told: %+v", told)
	}
	if _, err := os.Stat(l.stateFile(p)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its file: %v", err)
	}
}

// TestUnpairedElsewhere: so is one that "russet unpair" forgot, which is another
// process, while it was away.
func TestUnpairedElsewhere(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	p.Unplug()
	l.step(time.Minute)
	other := host.Open(host.Options{Home: home.Place{Dir: l.dir, Data: l.dir, Moved: true}, Mux: "UNIX:" + l.socket, Now: l.clock.now})
	if _, _, err := other.Unpair(t.Context(), p.UDID()); err != nil {
		t.Fatal(err)
	}
	must(t, other.Close())
	for range 12 {
		l.step(day)
	}
	st, err := l.service.Status(t.Context())
	must(t, err)
	if told := l.heard(notify.Overdue); len(told) != 0 || len(st.Devices) != 0 {
		t.Errorf("told: %+v; known: %+v", told, st.Devices)
	}
}

// TestPasswordChanged: a backup password that was changed on the phone is told
// once; the backups go on.
func TestPasswordChanged(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	_, err := l.host.ChangePassword(t.Context(), host.EncryptionChange{Device: p.UDID(), New: "ours"})
	must(t, err)
	l.step(0)
	l.step(day)
	if told := l.heard(notify.Encryption); len(told) != 0 {
		t.Errorf("told: %+v", told)
	}
	must(t, p.SetBackupPassword("theirs"))
	for range 4 {
		l.step(day)
	}
	if told := l.heard(notify.Encryption); len(told) != 1 || !strings.Contains(told[0].Title, "password") {
		t.Errorf("told: %+v", told)
	}
	if d := l.status(p); d.Last.Outcome != "done" {
		t.Errorf("the last run: %+v", d.Last)
	}
}

// TestPasswordUnknown: a backup password that was set elsewhere, and that nobody
// named here, is told, until it is named.
func TestPasswordUnknown(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{BackupPassword: "theirs"})
	for range 3 {
		l.step(day)
	}
	told := l.heard(notify.Encryption)
	if len(told) != 1 || !strings.Contains(told[0].Title, "is not known here") || !strings.Contains(told[0].Next, "russet backup "+p.UDID()) {
		t.Fatalf("told: %+v", told)
	}
	st, err := l.service.Status(t.Context())
	must(t, err)
	if len(st.Alarms) != 1 || st.Alarms[0].Kind != notify.Encryption {
		t.Errorf("alarms: %+v", st.Alarms)
	}
	r := service.Request{Device: russet.UDID(p.UDID()), Password: "not theirs"}
	res, err := l.service.BackUp(t.Context(), r, nil)
	if st, _ := l.service.Status(t.Context()); err != nil || !holds(res.Notes, "does NOT open") || len(st.Alarms) != 1 {
		t.Errorf("a wrong one was named: %v, %q, %+v", err, res.Notes, st.Alarms)
	}
	r.Password = "theirs"
	res, err = l.service.BackUp(t.Context(), r, nil)
	if st, _ := l.service.Status(t.Context()); err != nil || !holds(res.Notes, "opens it") || len(st.Alarms) != 0 {
		t.Errorf("it was named: %v, %q, %+v", err, res.Notes, st.Alarms)
	}
}

// TestPasswordNamedLate: a backup password that is named while the backup is
// being made by itself is tried on it.
func TestPasswordNamedLate(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{BackupPassword: "theirs"})
	l.step(0)
	for _, c := range []struct {
		password, note string
		alarms         int
	}{{"not theirs", "does NOT open", 1}, {"theirs", "was tried on this backup and opens it", 0}} {
		slow(p, time.Second)
		l.clock.set(l.clock.now().Add(23 * time.Hour))
		l.setClocks()
		l.service.Step(t.Context())
		if len(l.service.Running()) != 1 {
			t.Fatal("nothing runs")
		}
		res, err := l.service.BackUp(t.Context(), service.Request{Device: russet.UDID(p.UDID()), Password: c.password}, nil)
		if err != nil || res.Run.By != "schedule" || !holds(res.Notes, c.note) || holds(res.Notes, "name it once with") {
			t.Errorf("%+v %q, %v", res.Run, res.Notes, err)
		}
		l.service.Wait()
		if st, _ := l.service.Status(t.Context()); len(st.Alarms) != c.alarms {
			t.Errorf("alarms after %q: %+v", c.password, st.Alarms)
		}
	}
}

func holds(notes []string, text string) bool {
	return slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, text) })
}

// TestNoRoom: a backup that did not fit, which nobody could know before the
// phone had told how much it sends, is told, and its owner is not asked to type
// a passcode for the same again.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{Passcode: "1234"})
	l.step(0)
	size := l.status(p).Stores[0].Backup.Size
	must(t, l.host.SetAllowance(t.Context(), "main", "", size*100/95))
	for n := range 3 {
		must(t, content.Churn(t.Context(), p.Disk(), content.ChurnOptions{Seed: 1, Day: n + 1}))
	}
	before := p.Stats().Sheets
	l.heard()
	for range 3 * 24 {
		l.step(time.Hour)
	}
	told := l.heard(notify.Space, notify.Allowance, notify.Failed)
	if len(told) != 2 || told[0].Kind != notify.Allowance || told[1].Kind != notify.Space || told[1].Next == "" {
		t.Errorf("told: %+v", told)
	}
	if n := p.Stats().Sheets; n != before+1 {
		t.Errorf("asked %d times: %+v", n-before, l.remembered(p).Attempts)
	}
	must(t, l.host.SetAllowance(t.Context(), "main", "", 0))
	l.step(time.Hour) // the store is looked at again
	l.step(2 * time.Hour)
	if d := l.status(p); d.Last.Outcome != "done" || p.Stats().Sheets != before+2 {
		t.Errorf("when there is room: %+v, %+v", d.Last, d.Decision)
	}
}
