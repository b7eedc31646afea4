package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/schedule"
)

// reasonsLab is a service of a home in which one device has failed once.
type reasonsLab struct {
	testing.TB
	host *host.Host
	dir  string
	now  time.Time
}

const reasonsUDID = russet.UDID("00008140-000650DDEC43D17F")

// serve begins a service, one more time.
func (l *reasonsLab) serve(takes bool) *Service {
	l.Helper()
	s := New(Options{Host: l.host, Now: func() time.Time { return l.now }, Location: time.UTC})
	if takes {
		release, err := s.Take(l.Context())
		if err != nil {
			l.Fatal(err)
		}
		l.Cleanup(release)
	}
	d := russet.Device{UDID: reasonsUDID, Name: "anna", Paired: true, Power: true, Locked: true, Battery: 80, Connection: "usb"}
	s.devices = sight{at: l.now, devices: []russet.Device{d}}
	return s
}

// told is all that is said of the device: in the status, on the page and to
// programs.
func (l *reasonsLab) told(s *Service) (status, page, programs string) {
	l.Helper()
	st, err := s.Status(l.Context())
	if err != nil || len(st.Devices) != 1 {
		l.Fatalf("%+v, %v", st, err)
	}
	d := st.Devices[0]
	lines := []string{d.Decision.Text}
	for _, m := range d.Decision.Missing {
		lines = append(lines, m.Text, m.Next)
	}
	text, next := LastTry(d, st.Time)
	var html strings.Builder
	if err := pageTemplate.Execute(&html, newPageView(st)); err != nil {
		l.Fatal(err)
	}
	data, err := json.Marshal(st)
	if err != nil {
		l.Fatal(err)
	}
	return strings.Join(append(lines, text, next), "\n"), html.String(), string(data)
}

// However a run failed, the status says why and what to do: while the next try
// waits, after a restart of the service, and without one, from the history
// alone.
func TestEveryFailureHasItsReason(t *testing.T) {
	t.Parallel()
	for kind, outcome := range map[russet.Kind]string{
		russet.Failed: "failed", russet.Usage: "failed", russet.Partial: "partial", russet.NotConnected: "failed", russet.NotTrusted: "failed",
		russet.Locked: "not-now", russet.Password: "failed", russet.NoSpace: "failed", russet.Interrupted: "interrupted", russet.Busy: "failed",
		russet.Damaged: "failed", russet.Unsupported: "failed", russet.Stopped: "stopped",
	} {
		for _, noted := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d/%v", kind, noted), func(t *testing.T) {
				dir := t.TempDir()
				l := &reasonsLab{TB: t, dir: dir, now: time.Date(2026, time.March, 9, 9, 0, 0, 0, time.UTC)}
				l.host = host.Open(host.Options{Home: home.Place{Dir: dir, Data: dir, Moved: true}, Now: func() time.Time { return l.now }})
				defer l.host.Close()
				if _, _, err := l.host.StoreFor(t.Context(), ""); err != nil {
					t.Fatal(err)
				}
				why, next := fmt.Sprintf("what is the matter with %d", kind), fmt.Sprintf("what helps against %d", kind)
				e := &russet.Error{Kind: kind, Doing: `back up "anna"`, What: why, Hint: next}
				run := russet.Run{
					ID: "r", Device: reasonsUDID, Name: "anna", Store: "main", Start: l.now, End: l.now, By: bySchedule, Way: "usb",
					Outcome: outcome, Error: e.Error(), Kind: kind, Hint: next,
				}
				s := l.serve(true)
				if noted {
					l.history(run)
				}
				st := s.stateOf(s.devices.devices[0])
				j := newJob(Running{Device: reasonsUDID, Name: "anna", Store: "main"})
				j.err, j.result.Run = e, run
				s.ended(j, st, st.attempted(l.now, "main"))
				if err := s.save(st); err != nil {
					t.Fatal(err)
				}
				l.now = l.now.Add(time.Minute)
				l.check(s, e, noted, "while it waits")
				s.base = nil
				if noted {
					l.check(l.serve(false), e, true, "without a service")
				}
				if err := os.RemoveAll(filepath.Join(dir, "automation")); err != nil || !noted {
					return
				}
				l.check(l.serve(false), e, true, "from the history")
			})
		}
	}
}

// history writes the record of a run as a backup does.
func (l *reasonsLab) history(r russet.Run) {
	l.Helper()
	line, err := json.Marshal(r)
	err = errors.Join(err, os.WriteFile(filepath.Join(l.dir, "runs", string(r.Device)+".jsonl"), append(line, '\n'), 0o600))
	if err != nil {
		l.Fatal(err)
	}
}

func (l *reasonsLab) check(s *Service, e *russet.Error, noted bool, when string) {
	l.Helper()
	o := outcome(e)
	if !noted && (o == schedule.Done || o == schedule.NotNow) {
		return // nothing waits for another try
	}
	why := e.What
	switch {
	case e.Kind == russet.Stopped && noted:
		why = "was stopped"
	case e.Kind == russet.Stopped:
		why = "russet was stopped in the middle"
	}
	status, page, programs := l.told(s)
	for where, text := range map[string]string{"the status": status, "the page": page, "programs": programs} {
		if e.Kind == russet.Stopped && (where == "programs" || strings.Contains(text, "russet was stopped in the middle")) {
			continue
		}
		if !strings.Contains(text, why) || !strings.Contains(text, e.Hint) && e.Kind != russet.Stopped {
			l.Errorf("%s, %s: no %q and %q in:\n%s", when, where, why, e.Hint, text)
		}
	}
	if n := strings.Count(status, why); n > 1 {
		l.Errorf("%s: it is said %d times:\n%s", when, n, status)
	}
}
