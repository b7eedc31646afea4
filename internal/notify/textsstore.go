package notify

import (
	"errors"
	"fmt"

	"russet"
)

// ForStoreDamage tells that something was found that concerns a whole store.
func ForStoreDamage(s Subject, what string) Message {
	m := s.about(Damage)
	m.Urgent = true
	m.Title = fmt.Sprintf("The store %q is damaged", Clean(s.Store))
	m.Text = sentence(upper(cleanText(what)))
	m.Next = "Mend what can be mended: russet repair " + Clean(s.Store)
	return m
}

// ForChore tells that work on a store, such as "verify the backups in …", failed
// several times, with the last reason. checks says that it is a verification or
// a drill.
func ForChore(s Subject, chore string, err error, times int, checks bool) Message {
	m := s.about(Failed)
	if checks {
		m.Kind = Damage
	}
	m.Title = "russet could not " + cleanText(chore)
	what := err.Error()
	if e, ok := errors.AsType[*russet.Error](err); ok {
		if e.What != "" {
			what = e.What
		}
		m.Next = upper(cleanText(e.Hint))
	}
	m.Text = fmt.Sprintf("It failed %s, and is tried again. The last time: %s", many(times, "time"), sentence(cleanText(what)))
	if m.Next == "" {
		m.Next = "See what is the matter with the store: russet store status"
	}
	return m
}
