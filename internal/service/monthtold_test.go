package service_test

import (
	"slices"
	"time"

	"russet/internal/notify"
)

// judgeMessages: alarms came when they should, and only then. A message may
// come twice when the service was killed while it was on its way.
func (w *world) judgeMessages(o *oracle) {
	type about struct {
		kind notify.Kind
		name string
	}
	at := map[about][]time.Time{}
	for _, m := range o.told {
		key := about{m.Message.Kind, m.Message.Name}
		times := at[key]
		if n := len(times); n > 0 && m.At.Sub(times[n-1]) <= monthStep && w.killedAt(times[n-1]) {
			continue
		}
		at[key] = append(times, m.At)
	}
	for key, times := range at {
		switch key.kind {
		case notify.Done:
		case notify.Passcode:
			w.judgeNudges(key.name, times)
		case notify.Overdue:
			if key.name != "Dora" {
				w.Errorf("%s was called overdue at %s", key.name, times)
			}
		case notify.NewIOS:
			if key.name != "Anna" || len(times) != 1 {
				w.Errorf("a new iOS of %s was told at %s", key.name, times)
			}
		default:
			w.Errorf("%s of %q was told at %s", key.kind, key.name, times)
		}
	}
	if n := len(at[about{notify.NewIOS, "Anna"}]); n != 1 {
		w.Errorf("Anna's new iOS was told %d times", n)
	}
	var due []time.Time
	for t := w.start.Add(overdue); t.Before(w.start.AddDate(0, 0, w.plan.days).Add(-time.Hour)); t = t.Add(overdue) {
		due = append(due, t)
	}
	told := at[about{notify.Overdue, "Dora"}]
	if len(told) != len(due) {
		w.Errorf("Dora's phone was called overdue %d times, not %d: %s", len(told), len(due), told)
	}
	for i := range min(len(told), len(due)) {
		if late := told[i].Sub(due[i]); late < 0 || late > 12*time.Hour {
			w.Errorf("Dora's phone was called overdue at %s, not at %s", told[i], due[i])
		}
	}
}

// judgeNudges: nobody is nudged at night, nor twice within 20 hours.
func (w *world) judgeNudges(name string, times []time.Time) {
	for i, t := range times {
		t = t.In(w.zone)
		if between(t, quietFrom, quietTo) {
			w.Errorf("the owner of %s was disturbed at %s", name, t)
		}
		if i > 0 && t.Sub(times[i-1]) < 20*time.Hour {
			w.Errorf("the owner of %s was nudged at %s and at %s", name, times[i-1], t)
		}
	}
	if !slices.ContainsFunc(w.phones, func(c *citizen) bool { return c.name == name && c.asks }) && len(times) > 1 {
		w.Errorf("%s asks for nothing, and its owner was nudged %d times", name, len(times))
	}
}

// killedAt reports whether the service was killed in the step of a time.
func (w *world) killedAt(t time.Time) bool {
	return slices.ContainsFunc(w.trace, func(s *step) bool { return s.kill && s.at.Equal(t) })
}
