package host

import (
	"context"
	"slices"

	"russet"
	"russet/internal/schedule"
)

// Schedule is what holds for the automatic backups of a device; for "" of those
// of which nobody said anything.
func (h *Host) Schedule(udid russet.UDID) (schedule.Policy, error) {
	s, err := h.readSettings()
	if err != nil {
		return schedule.Policy{}, err
	}
	p, _ := s.scheduleOf(udid)
	return p, nil
}

// scheduleOf lays what was chosen for a device over what was chosen for all,
// and that over the default. from is who said the last word.
func (s *settings) scheduleOf(udid russet.UDID) (p schedule.Policy, from string) {
	p, from = schedule.Default(), "the default"
	for _, scope := range slices.Compact([]Scope{{}, {Device: udid}}) {
		if i := s.policyAt(scope); i >= 0 && s.Policies[i].Schedule != nil {
			p, from = s.Policies[i].Schedule.Over(p), scope.text()
		}
	}
	return p, from
}

// ChangeSchedule changes what was chosen for the automatic backups of a device,
// or with "" of every device that has none of its own. A schedule that cannot
// be meant is refused.
func (h *Host) ChangeSchedule(ctx context.Context, udid russet.UDID, change func(*schedule.Settings)) (Policy, error) {
	var now Policy
	err := h.changeSettings(ctx, func(s *settings) error {
		own := s.policyFor(Scope{Device: udid})
		if own.Schedule == nil {
			own.Schedule = &schedule.Settings{}
		}
		change(own.Schedule)
		if own.Schedule.IsZero() {
			own.Schedule = nil
		}
		now = s.policyIn(Scope{Device: udid}, "")
		for _, name := range now.Schedule.Stores {
			if s.find(name) == nil {
				return unknownStore(name, s.Stores)
			}
		}
		if err := now.Schedule.Check(); err != nil {
			return &russet.Error{Kind: russet.Usage, Doing: "change the schedule", What: err.Error(), Hint: "nothing was changed"}
		}
		s.Policies = slices.DeleteFunc(s.Policies, func(p PolicySettings) bool { return p.Keep == nil && p.Schedule == nil })
		return nil
	})
	return now, err
}

// forgetInSchedules takes a store that is forgotten out of what was chosen. Who
// chose no other is served by what holds more widely.
func (s *settings) forgetInSchedules(store string) {
	for _, p := range s.Policies {
		if p.Schedule == nil || p.Schedule.Stores == nil {
			continue
		}
		left := slices.DeleteFunc(slices.Clone(*p.Schedule.Stores), func(name string) bool { return name == store })
		p.Schedule.Stores = &left
		if len(left) == 0 {
			p.Schedule.Stores = nil
		}
	}
}
