package service

import (
	"slices"
	"strings"
	"time"

	"russet"
	"russet/internal/host"
	"russet/internal/notify"
)

// stubborn is how often a chore fails before people are told: a server that was
// away for an hour or two concerns nobody.
const stubborn = 3

// choreAlarm begins the keys of the alarms about chores.
const choreAlarm = "chore/"

// choreFailed tells of a chore that failed again and again. Service.mu is held.
func (s *Service) choreFailed(now time.Time, t *task, e *russet.Error, failures int) {
	if failures < stubborn {
		return
	}
	checks := t.Kind == host.VerifyChore || t.Kind == host.DrillChore
	s.house.set(now, choreAlarm+t.key, true, func() notify.Message {
		return notify.ForChore(notify.Subject{Time: now, Store: t.Store}, t.Text(), e, failures, checks)
	})
}

// choresLeft ends the alarms about chores that nobody wants any more. Service.mu
// is held.
func (s *Service) choresLeft(now time.Time, tasks []*task) {
	changed := false
	for alarm := range s.house.Alarms {
		key, ok := strings.CutPrefix(alarm, choreAlarm)
		if ok && !slices.ContainsFunc(tasks, func(t *task) bool { return t.key == key }) {
			changed = s.house.over(now, alarm) || changed
		}
	}
	if changed {
		s.saveHouse() //nolint:errcheck // it is said
	}
}
