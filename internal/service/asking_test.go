package service_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"russet"
	"russet/internal/notify"
	"russet/internal/schedule"
	"russet/vphone"
)

// remembered is what lies in the file of a device.
type remembered struct {
	Attempts []schedule.Attempt
	Nudged   time.Time
	Outbox   []struct{ Message notify.Message }
}

func (l *lab) remembered(p *vphone.Phone) (r remembered) {
	l.Helper()
	data, err := os.ReadFile(l.stateFile(p))
	must(l, err)
	must(l, json.Unmarshal(data, &r))
	return r
}

func (l *lab) stateFile(p *vphone.Phone) string {
	return filepath.Join(l.dir, "automation", p.UDID()+".json")
}

// TestNobodyAnswers: a phone that asks for its passcode is asked as often as
// its policy allows and no more, in no quiet hour, and its owner is told once.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Dora's iPhone", vphone.Options{Passcode: "1234"})
	p.SetPasscodeAnswer(vphone.No)
	for range 48 {
		before := p.Stats().Sheets
		l.step(30 * time.Minute)
		if hour := l.clock.now().Hour(); p.Stats().Sheets > before && (hour >= 22 || hour < 7) {
			t.Errorf("asked at %s", l.clock.now())
		}
	}
	if n := p.Stats().Sheets; n < 2 || n > 3 {
		t.Errorf("asked %d times in a day", n)
	}
	if m := l.heard(notify.Passcode, notify.Failed); len(m) != 1 || m[0].Kind != notify.Passcode || m[0].Name != "Dora's iPhone" {
		t.Errorf("told: %+v", m)
	}
	r := l.remembered(p)
	for _, a := range r.Attempts {
		if a.Outcome != schedule.NotNow || !a.Asked || a.Answered || a.End.IsZero() {
			t.Errorf("attempt: %+v", a)
		}
	}
	if len(r.Attempts) != p.Stats().Sheets {
		t.Errorf("%d attempts, %d sheets", len(r.Attempts), p.Stats().Sheets)
	}
	p.SetPasscodeAnswer(vphone.Yes)
	for range 48 {
		l.step(30 * time.Minute)
	}
	if n := l.backups("main", p); n != 1 {
		t.Errorf("%d backups when somebody answers: %+v", n, l.status(p).Decision)
	}
	if d := l.status(p).Decision; !d.Assisted {
		t.Errorf("not assisted: %+v", d)
	}
}

// TestAttemptIsWrittenFirst: when the phone shows its sheet, the attempt stands
// in the file; a service that starts then counts it as an ask.
func TestAttemptIsWrittenFirst(t *testing.T) {
	for name, c := range map[string]struct{ word, noted bool }{
		"killed in the run":                         {true, true},
		"killed before the sheet was noted":         {true, false},
		"killed before the run left word of itself": {false, true},
	} {
		t.Run(name, func(t *testing.T) { attemptIsWrittenFirst(t, c.word, c.noted) })
	}
}

func attemptIsWrittenFirst(t *testing.T, word, noted bool) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{Passcode: "1234"})
	p.SetPasscodeAnswer(vphone.Ask)
	l.service.Step(t.Context())
	wait(t, func() bool { return p.Stats().Sheets == 1 })
	wait(t, func() bool { r := l.remembered(p); return len(r.Attempts) == 1 && r.Attempts[0].Asked })
	r := l.remembered(p)
	if a := r.Attempts[0]; a.Outcome != schedule.Begun || a.Answered {
		t.Errorf("while the sheet is shown: %+v", a)
	}
	if r.Nudged.IsZero() {
		t.Error("nobody was nudged")
	}
	running := l.service.Running()
	if len(running) != 1 || running[0].By != "schedule" || running[0].Store != "main" {
		t.Errorf("running: %+v", running)
	}
	open, err := os.ReadFile(l.stateFile(p))
	must(t, err)
	if !noted {
		open = bytes.Replace(open, []byte(`"asked": true`), []byte(`"asked": false`), 1)
	}
	begun := filepath.Join(l.dir, "runs", p.UDID()+".begun")
	left, err := os.ReadFile(begun)
	must(t, err)
	must(t, p.TypePasscode(t.Context()))
	l.service.Wait()
	if a := l.remembered(p).Attempts[0]; a.Outcome != schedule.Done || !a.Asked || !a.Answered {
		t.Errorf("at the end: %+v", a)
	}
	made, err := l.host.Backups(t.Context(), "main", "", false)
	must(t, err)
	must(t, l.host.Delete(t.Context(), made[0]))
	l.end()

	// As if the process had been killed at the sheet.
	must(t, os.WriteFile(l.stateFile(p), open, 0o600))
	must(t, os.Remove(filepath.Join(l.dir, "runs", p.UDID()+".jsonl")))
	if word {
		must(t, os.WriteFile(begun, left, 0o600))
	}
	l.start()
	if runs, err := l.host.Runs(russet.UDID(p.UDID())); err != nil || len(runs) != 1 || runs[0].Outcome != "interrupted" || runs[0].Passcode != noted {
		t.Errorf("in the history: %+v, %v", runs, err)
	}
	for range 5 {
		l.step(20 * time.Minute)
	}
	if n := p.Stats().Sheets; n != 1 {
		t.Errorf("it asked %d times within two hours", n)
	}
	p.SetPasscodeAnswer(vphone.Yes)
	for range 3 {
		l.step(20 * time.Minute)
	}
	if r := l.remembered(p).Attempts; len(r) != 2 || r[1].Outcome != schedule.Done || p.Stats().Sheets != 2 {
		t.Errorf("after two hours: %+v, %+v", r, l.status(p).Decision)
	}
}

// TestStrangeState: files that cannot be used are set aside and block nothing.
func TestStrangeState(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"damaged": `{"version": 1, "device": {"udid": "`, "of another version": `{"version": 99}`, "empty": "",
		"of another device": `{"version":1,"device":{"udid":"00008140-0000000000000000"},"attempts":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.start()
			p := l.phone("Anna's iPhone", vphone.Options{})
			l.end()
			house := filepath.Join(l.dir, "automation", "house.json")
			must(t, os.WriteFile(l.stateFile(p), []byte(content), 0o600))
			must(t, os.WriteFile(house, []byte(content), 0o600))
			l.start()
			l.step(0)
			if n := l.backups("main", p); n != 1 {
				t.Errorf("%d backups", n)
			}
			for _, file := range []string{l.stateFile(p), house} {
				if file == house && name == "of another device" {
					continue // there is nothing wrong with it
				}
				if data, err := os.ReadFile(file + ".unusable"); err != nil || string(data) != content {
					t.Errorf("not set aside: %v", err)
				}
			}
		})
	}
}

// TestOneService: a home has one.
func TestOneService(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	if _, err := l.service.Take(t.Context()); russet.KindOf(err) != russet.Busy {
		t.Errorf("a second one: %v", err)
	}
}

func wait(t testing.TB, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen within 30 s")
		}
	}
}

// TestSettled: a run that lived to be noted, though its end as an attempt did
// not, is what its record says.
func TestSettled(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	l.end()
	data, err := os.ReadFile(l.stateFile(p))
	must(t, err)
	var state map[string]any
	must(t, json.Unmarshal(data, &state))
	attempt := state["attempts"].([]any)[0].(map[string]any)
	attempt["outcome"] = ""
	delete(attempt, "end")
	data, err = json.Marshal(state)
	must(t, err)
	must(t, os.WriteFile(l.stateFile(p), data, 0o600))
	l.start()
	if a := l.remembered(p).Attempts; len(a) != 1 || a[0].Outcome != schedule.Done || a[0].End.IsZero() {
		t.Errorf("attempts: %+v", a)
	}
	if runs, err := l.host.Runs(russet.UDID(p.UDID())); err != nil || len(runs) != 1 {
		t.Errorf("runs: %+v, %v", runs, err)
	}
}

// TestAsksUnexpectedly: a phone that never asked does, by day: its owner is told
// that it waits. At night nobody is.
func TestAsksUnexpectedly(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		later time.Duration
		told  int
	}{"by day": {day, 1}, "at night": {15 * time.Hour, 0}} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			l.start()
			p := l.phone("Anna's iPhone", vphone.Options{})
			l.step(0)
			must(t, p.SetPasscode("1234"))
			p.SetPasscodeAnswer(vphone.No)
			p.SetPasscodeDelay(2 * time.Second) // no thumb is faster than the notice that there is a sheet
			p.Lock()
			l.heard()
			_, err := l.host.ChangeSchedule(t.Context(), "", func(s *schedule.Settings) {
				every := schedule.Span(12 * time.Hour)
				s.Every = &every
			})
			must(t, err)
			l.step(c.later)
			told := l.heard(notify.Passcode)
			if p.Stats().Sheets != 1 || len(told) != c.told || c.told > 0 && told[0].Title != "Anna's iPhone waits for its passcode" {
				t.Errorf("%d sheets, told %+v: %+v", p.Stats().Sheets, told, l.status(p).Decision)
			}
		})
	}
}

// TestNotUnlockedYet: a phone that was switched on and not unlocked shows no
// sheet. That does not count as asking, and is not tried all the time; once it
// is unlocked it is asked.
func TestNotUnlockedYet(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{Passcode: "1234"})
	p.SetPasscodeAnswer(vphone.Yes)
	l.step(0)
	p.Reboot()
	wait(t, func() bool {
		seen, err := l.host.Devices(t.Context())
		return err == nil && len(seen) == 1
	})
	for range 20 {
		l.step(3 * time.Hour)
	}
	d := l.status(p)
	if n := len(l.remembered(p).Attempts); n < 2 || n > 12 || d.Decision.Text != "due since yesterday at 05:00; waits until it is unlocked" {
		t.Errorf("%d attempts: %+v", n, d.Decision)
	}
	p.Unlock()
	l.step(time.Minute)
	if d := l.status(p); d.Decision.Due || p.Stats().Sheets != 2 {
		t.Errorf("%d sheets: %+v", p.Stats().Sheets, d.Decision)
	}
}
