package service

import (
	"slices"
	"time"

	"russet"
	"russet/internal/host"
	"russet/internal/schedule"
)

// settle ends what a service left open that was killed: as the run's own record
// says, if it lived to write that; else nobody knows how far it got, and the
// attempt counts as an ask and as a run that broke off. Service.mu is held.
func (s *Service) settle() {
	for _, st := range s.states {
		open := func(a schedule.Attempt) bool { return a.Outcome == schedule.Begun && a.End.IsZero() }
		if !slices.ContainsFunc(st.Attempts, open) {
			continue
		}
		runs, err := s.host.Runs(st.Device.UDID)
		if err != nil {
			s.log.Warn("the history of a device cannot be read", "device", st.Device.UDID, "error", err)
			continue
		}
		for i := range st.Attempts {
			if a := &st.Attempts[i]; open(*a) {
				s.settleOne(st, a, runs)
			}
		}
		s.save(st) //nolint:errcheck // it is said, and settled again at the next start
	}
}

func (s *Service) settleOne(st *state, a *schedule.Attempt, runs []russet.Run) {
	i := len(runs) - 1
	for i >= 0 && (runs[i].By != bySchedule || runs[i].Store != a.Store || runs[i].Start.Before(a.At.Add(-time.Second))) {
		i--
	}
	if i >= 0 && runs[i].Error != host.Killed {
		r := runs[i]
		a.End, a.Outcome = r.End, outcomeOf(r)
		if a.Outcome != schedule.Done {
			a.Why, a.Next = clip(r.Why(), maxWhy), clip(r.Hint, maxWhy)
		}
		a.Asked = a.Asked || r.Passcode
		a.Answered = a.Asked && (a.Answered || a.Outcome == schedule.Done)
		return
	}
	a.End, a.Why = a.At, host.Killed
	s.log.Info("a backup was broken off: russet was killed in it", "name", st.Device.Name, "store", a.Store, "begun", a.At)
	if i >= 0 { // it left word of itself
		s.host.SettleLost(st.Device, a.Asked)
		return
	}
	if err := s.host.NoteLost(st.Device, a.Store, bySchedule, a.At, a.Asked); err != nil {
		s.log.Warn("a run that was broken off cannot be noted in the history", "error", err)
	}
}

// outcomeOf sorts what became of a run by its record.
func outcomeOf(r russet.Run) schedule.Outcome {
	switch {
	case r.Outcome == "done", r.Outcome == "partial":
		return schedule.Done
	case r.Kind == 0 && r.Outcome == "failed":
		return schedule.Failed
	case r.Kind == 0:
		return schedule.Interrupted
	}
	return outcome(&russet.Error{Kind: r.Kind, Code: r.Code})
}
