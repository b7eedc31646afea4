package service_test

import (
	"os"
	"path/filepath"
	"time"
)

// killing is how a kill is to come.
type killing struct {
	midRun bool
	at     int // the step of the day, if it is not in a run
}

// live lets the month pass.
func (w *world) live() {
	w.child = w.spawn()
	var kills []killing
	day, last := -1, w.plan.days*48
	for n := range last {
		t := w.start.Add(time.Duration(n) * monthStep)
		if d := w.day(t); d != day {
			if day = d; d >= w.plan.days {
				break
			}
			if d > 0 {
				w.set(t)
				w.observe()
			}
			w.now = t
			w.dawn(d)
			kills = append(kills, w.killings(d)...)
		}
		if w.asleep(t) {
			continue
		}
		w.set(t)
		kills = w.oneStep(t, kills, n%48, n == last-1)
	}
	w.now = w.start.AddDate(0, 0, w.plan.days)
	w.child.kill()
	w.child = nil
	w.conclude()
	w.observe()
}

// killings are those of a day: most of them in the middle of a run.
func (w *world) killings(d int) []killing {
	n := w.plan.kills*(d+1)/w.plan.days - w.plan.kills*d/w.plan.days
	var all []killing
	for i := range n {
		all = append(all, killing{midRun: i%3 != 2, at: w.rng.IntN(48)})
	}
	return all
}

// oneStep is one look of the service, and a second one at once in a new process
// when it is killed in the first.
func (w *world) oneStep(t time.Time, kills []killing, ofDay int, end bool) []killing {
	for i := 0; ; i++ {
		s := w.record(t)
		var k *killing
		at := -1
		for j := range kills {
			if kills[j].midRun || kills[j].at <= ofDay || end {
				k, at = &kills[j], j
				break
			}
		}
		must(w, w.child.begin(t))
		w.watch(s, k)
		if !s.kill {
			return kills
		}
		w.child.kill()
		kills = append(kills[:at:at], kills[at+1:]...)
		w.child = w.spawn()
		t = t.Add(time.Minute)
		w.set(t)
		if i > 0 && !end {
			// Once more, without a kill: the steps of a day are not only kills.
			s := w.record(t)
			must(w, w.child.begin(t))
			w.watch(s, nil)
			return kills
		}
	}
}

// record begins the record of a step, and ends that of the one before: a phone
// may still have been at work when the service was dead.
func (w *world) record(t time.Time) *step {
	w.conclude()
	s := &step{at: t, nas: !w.nasAway(w.day(t)), phones: map[string]condition{}, sheets: map[string]int{}, session: map[string]bool{}}
	for _, c := range w.phones {
		s.phones[c.name] = c.habits(t)
		c.phone.Faults().ResetCounters()
	}
	w.trace = append(w.trace, s)
	return s
}

// conclude ends the record of the last step.
func (w *world) conclude() {
	if len(w.trace) == 0 {
		return
	}
	s := w.trace[len(w.trace)-1]
	for _, c := range w.phones {
		st := c.phone.Stats()
		s.sheets[c.name] = st.Sheets - c.sheets
		s.session[c.name] = st.Agent.Sessions > 0
		c.sheets = st.Sheets
	}
}

// watch waits for the end of a step, or for the moment to kill.
func (w *world) watch(s *step, k *killing) {
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	limit := time.After(3 * time.Minute)
	var fall <-chan time.Time
	if k != nil && !k.midRun {
		fall = time.After(time.Duration(w.rng.Int64N(int64(150 * time.Millisecond))))
	}
	for {
		select {
		case _, ok := <-w.child.answers:
			if !ok {
				w.Fatalf("the service ended at %s: %s", s.at, w.child.output.String())
			}
			s.kill = k != nil && (!k.midRun || s.midRun)
			return
		case <-fall:
			s.kill = true
			s.midRun = w.runs()
			return
		case <-poll.C:
			if k != nil && k.midRun && !s.midRun && w.runs() {
				s.midRun = true
				fall = time.After(time.Duration(w.rng.Int64N(int64(w.plan.pace))))
			}
		case <-limit:
			w.Fatalf("the service did not answer at %s: %s", s.at, w.child.output.String())
		}
	}
}

// runs reports whether a phone has begun a backup in this step.
func (w *world) runs() bool {
	for _, c := range w.phones {
		if c.phone.Stats().Agent.Sessions > 0 {
			return true
		}
	}
	return false
}

// log is what the service wrote.
func (w *world) log() string {
	data, err := os.ReadFile(filepath.Join(w.home, "log.jsonl"))
	must(w, err)
	return string(data)
}
