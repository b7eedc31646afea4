package service

import (
	"slices"
	"strings"
	"time"

	"russet/internal/notify"
)

// behind finds the stores that lack new backups of a device while others have
// them. One that lacks them everywhere is overdue, which says it all.
// Service.mu is held.
func (s *Service) behind(now time.Time, v *view) (changed bool) {
	const key = "behind/"
	wanted := map[string]bool{}
	for i, f := range v.facts.Stores {
		wanted[key+f.Name] = true
		late := v.policy.Automatic && !v.decision.Overdue && slices.Contains(v.decision.Behind, f.Name) && v.facts.Running == ""
		changed = v.state.set(now, key+f.Name, late, func() notify.Message {
			return notify.ForBehind(s.subject(v.state, f.Name), f.Last, v.state.Since, v.stores[i].problem)
		}) || changed
	}
	for old := range v.state.Alarms {
		if strings.HasPrefix(old, key) && !wanted[old] {
			changed = v.state.over(now, old) || changed
		}
	}
	return changed
}
