package service_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"russet"
	"russet/internal/notify"
)

// What a person expects of the month. Nothing here is taken from the schedule.
const (
	// asksADay is how often a phone may be asked in 24 hours (the default).
	asksADay = 3
	// night is how long a phone must be on power, with a store that is there and
	// a service that looks, for a day to be one on which it could be backed up.
	night = 4 * time.Hour
	// quietFrom and quietTo are when nobody is to be disturbed (the default).
	quietFrom, quietTo = 22, 7
	// overdue is after how long somebody is to be told (the default).
	overdue = 7 * 24 * time.Hour
)

// oracle is what was seen, and judged.
type oracle struct {
	steps, kills, midRun, runs, versions, sheets int

	told    []delivery
	byDay   map[string]map[int]int // versions in the vault, by phone and day
	columns []string
	rows    [][]string
}

// judge looks at what came of the month.
func (w *world) judge() *oracle {
	o := &oracle{byDay: map[string]map[int]int{}, told: w.delivered()}
	for _, s := range w.trace {
		o.steps++
		if s.kill {
			o.kills++
		}
		if s.kill && s.midRun {
			o.midRun++
		}
	}
	w.judgeVersions(o)
	for _, c := range w.phones {
		w.judgeAsks(o, c)
		w.judgeDays(o, c)
	}
	w.judgeMessages(o)
	if o.kills != w.plan.kills {
		w.Errorf("%d kills, %d were planned", o.kills, w.plan.kills)
	}
	return o
}

// delivered are the messages that people got.
func (w *world) delivered() []delivery {
	f, err := os.Open(filepath.Join(w.home, toldFile))
	must(w, err)
	defer f.Close()
	var all []delivery
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var d delivery
		if json.Unmarshal(lines.Bytes(), &d) == nil {
			all = append(all, d)
		}
	}
	return all
}

// judgeVersions: every version that was ever finished is there and verifies,
// and so does what the folder holds; nothing is found that would need repair.
func (w *world) judgeVersions(o *oracle) {
	h := w.open()
	defer func() { must(w, h.Close()) }()
	ctx := w.Context()
	list, err := h.Backups(ctx, "", "", false)
	must(w, err)
	there := map[russet.BackupID]bool{}
	for _, b := range list {
		if b.Store == "vault" {
			there[b.ID] = true
			o.versions++
		}
		report, err := h.Verify(ctx, b, true, nil)
		if err != nil || len(report.Problems) > 0 || b.Problem != "" {
			w.Errorf("backup %s of %s in %s: %v %v %q", b.ID, b.Name, b.Store, err, report.Problems, b.Problem)
		}
		if o.byDay[b.Name] == nil {
			o.byDay[b.Name] = map[int]int{}
		}
		if b.Store == "vault" {
			o.byDay[b.Name][w.day(b.Time.In(w.zone))]++
		}
	}
	for id, b := range w.seen {
		if !there[id] {
			w.Errorf("the version %s of %s, made %s, is lost", id, b.Name, b.Time)
		}
	}
	for _, c := range w.phones {
		runs, err := h.Runs(russet.UDID(c.phone.UDID()))
		must(w, err)
		o.runs += len(runs)
		for _, r := range runs {
			if r.Backup != "" && r.Store == "vault" && !there[r.Backup] {
				w.Errorf("the version %s that a run of %s finished is lost", r.Backup, c.name)
			}
		}
	}
}

// judgeAsks: in no 24 hours was a phone asked more often than it may be, and
// never in the quiet hours.
func (w *world) judgeAsks(o *oracle, c *citizen) {
	var asked []time.Time
	for _, s := range w.trace {
		for range s.sheets[c.name] {
			asked = append(asked, s.at)
			if between(s.at, quietFrom, quietTo) {
				w.Errorf("%s was asked at %s", c.name, s.at)
			}
		}
	}
	o.sheets += len(asked)
	for i := asksADay; i < len(asked); i++ {
		if apart := asked[i].Sub(asked[i-asksADay]); apart < 24*time.Hour {
			w.Errorf("%s was asked %d times in %s, until %s", c.name, asksADay+1, apart, asked[i])
		}
	}
}

// judgeDays: every day that could be backed up was.
func (w *world) judgeDays(o *oracle, c *citizen) {
	for d := range w.plan.days {
		for i, store := range []string{"nas", "vault"} {
			why, could := w.could(c, d, store)
			if !could {
				continue
			}
			was := o.byDay[c.name][d] > 0
			if i == 0 {
				last := w.nasDay[c.name][d]
				was = !last.IsZero() && w.day(last.In(w.zone)) == d
			}
			if !was {
				w.Errorf("%s could be backed up to %s on day %d (%s), and was not", c.name, store, d, why)
			}
		}
	}
}

// could says whether a phone could be backed up to a store on a day, from noon
// to noon, and why.
//
// One that asks for nothing could when it was here and on power for four hours
// of that day, all in all, while the store was there and the service looked.
//
// One that asks could when in some step, outside the quiet hours, it was here
// and on power, its owner would have typed the passcode, the store was there,
// the service was not killed in that step, and the phone had not been asked in
// the two hours before, and less than three times in the 24 before. A kill
// while it was here and on power counts as if it had been asked: the service
// cannot know.
func (w *world) could(c *citizen, d int, store string) (why string, could bool) {
	var sum time.Duration
	for i, s := range w.trace {
		is := s.phones[c.name]
		if w.day(s.at) != d || !is.here || !is.power || store == "nas" && !s.nas || s.kill {
			continue
		}
		if !c.asks {
			if i+1 < len(w.trace) {
				sum += min(w.trace[i+1].at.Sub(s.at), monthStep)
			}
			continue
		}
		if !is.answers || between(s.at, quietFrom, quietTo) {
			continue
		}
		day, lately := w.asksBefore(c, i)
		if lately == 0 && day < asksADay {
			return "asked " + s.at.Format("15:04"), true
		}
	}
	return fmt.Sprintf("%s on power", sum), sum >= night
}

// asksBefore counts how often a phone may have been asked in the 24 and in the
// two hours before a step.
func (w *world) asksBefore(c *citizen, i int) (day, lately int) {
	at := w.trace[i].at
	for _, s := range w.trace[:i] {
		n, is := s.sheets[c.name], s.phones[c.name]
		if s.kill && is.here && is.power && !between(s.at, quietFrom, quietTo) {
			n = max(n, 1)
		}
		if age := at.Sub(s.at); age < 24*time.Hour {
			day += n
			if age < 2*time.Hour {
				lately += n
			}
		}
	}
	return day, lately
}

// table makes a row for each day.
func (o *oracle) table(w *world) {
	for _, c := range w.phones {
		o.columns = append(o.columns, c.name)
	}
	for d := range w.plan.days {
		killed := 0
		for _, s := range w.trace {
			if s.kill && w.day(s.at) == d {
				killed++
			}
		}
		row := []string{fmt.Sprint(d), fmt.Sprint(killed)}
		for _, c := range w.phones {
			row = append(row, w.cell(o, c, d))
		}
		var told []string
		for _, m := range o.told {
			if w.day(m.At.In(w.zone)) == d && m.Message.Kind != notify.Done {
				told = append(told, fmt.Sprintf("%s (%s)", m.Message.Kind, m.Message.Name))
			}
		}
		o.rows = append(o.rows, append(row, strings.Join(told, ", ")))
	}
}

// cell says what a phone's day came to.
func (w *world) cell(o *oracle, c *citizen, d int) string {
	var parts []string
	if n := o.byDay[c.name][d]; n > 0 {
		parts = append(parts, fmt.Sprintf("vault %d", n))
	}
	if last := w.nasDay[c.name][d]; !last.IsZero() && w.day(last.In(w.zone)) == d {
		parts = append(parts, "nas")
	}
	sheets := 0
	for _, s := range w.trace {
		if w.day(s.at) == d {
			sheets += s.sheets[c.name]
		}
	}
	if sheets > 0 {
		parts = append(parts, fmt.Sprintf("asked %d", sheets))
	}
	if _, could := w.could(c, d, "vault"); !could {
		parts = append(parts, "could not")
	}
	return strings.Join(parts, ", ")
}
