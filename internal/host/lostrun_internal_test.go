package host

import (
	"testing"
	"time"

	"russet"
	"russet/internal/home"
)

// TestLostRun: a run that left word of its beginning and not of its end was
// killed; it is told once, wherever its process died.
func TestLostRun(t *testing.T) {
	dev := russet.Device{UDID: "00008140-000650DDEC43D17F", Name: "anna"}
	for name, c := range map[string]struct {
		spoil func(t *testing.T, h *Host, run russet.Run) // what else the process did, or a disk
		want  string                                      // the outcome of the last run
	}{
		"in the middle":              {func(*testing.T, *Host, russet.Run) {}, "interrupted"},
		"after its end was noted":    {func(t *testing.T, h *Host, run russet.Run) { check(t, h.addRun(finished(run))) }, "done"},
		"not at all":                 {func(t *testing.T, h *Host, run russet.Run) { check(t, h.addRun(finished(run))); h.noteEnded(dev.UDID) }, "done"},
		"while it wrote word":        {func(t *testing.T, h *Host, _ russet.Run) { overwrite(t, h, dev.UDID, `{"id":"4","dev`) }, ""},
		"with word of another phone": {func(t *testing.T, h *Host, _ russet.Run) { overwrite(t, h, dev.UDID, `{"id":"4","device":"x"}`) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := Open(Options{Home: home.Place{Dir: t.TempDir()}})
			defer h.Close()
			run := russet.Run{ID: "1", Device: dev.UDID, Name: dev.Name, Store: "main", Start: time.Now().UTC(), Unread: []russet.Problem{}}
			release, err := h.devices.Lock(dev, "test")
			check(t, err)
			h.noteBegun(run)
			if last, err := h.LastRun(dev.UDID); err != nil || last != nil {
				t.Errorf("while it runs: %+v, %v", last, err)
			}
			c.spoil(t, h, run)
			release()
			wants(t, h, dev.UDID, c.want)

			h.SettleLost(dev, true)
			wants(t, h, dev.UDID, c.want)
			if last, err := h.lastNoted(dev.UDID); err != nil || c.want != "" && last.Passcode != (c.want == "interrupted") {
				t.Errorf("in the history: %+v, %v", last, err)
			}

			// The next run, and all of it.
			h.noteBegun(russet.Run{ID: "2", Device: dev.UDID, Start: time.Now().UTC()})
			check(t, h.addRun(finished(russet.Run{ID: "2", Device: dev.UDID})))
			h.noteEnded(dev.UDID)
			runs, err := h.Runs(dev.UDID)
			if before := min(len(c.want), 1); err != nil || len(runs) != before+1 || runs[before].ID != "2" {
				t.Errorf("after the next run: %+v, %v", runs, err)
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func finished(run russet.Run) russet.Run {
	run.End, run.Outcome = time.Now().UTC(), "done"
	return run
}

func overwrite(t *testing.T, h *Host, udid russet.UDID, text string) {
	t.Helper()
	dir, err := h.home.Make()
	check(t, err)
	check(t, dir.Replace(begunFile(udid), []byte(text), 0o600))
}

// wants that all ways to ask for the last run tell of one with that outcome, or
// of none.
func wants(t *testing.T, h *Host, udid russet.UDID, outcome string) {
	t.Helper()
	last, err := h.LastRun(udid)
	check(t, err)
	runs, err := h.Runs(udid)
	check(t, err)
	known, err := h.knownByRuns()
	check(t, err)
	if outcome == "" {
		if last != nil || len(runs) > 0 || len(known) > 0 {
			t.Errorf("out of nothing: %+v, %+v, %+v", last, runs, known)
		}
		return
	}
	if len(runs) != 1 || last == nil || last.Outcome != outcome || runs[0].Outcome != outcome || len(known) != 1 || known[0].Name != "anna" {
		t.Errorf("not one that is %s: %+v, %+v, %+v", outcome, last, runs, known)
	}
}
