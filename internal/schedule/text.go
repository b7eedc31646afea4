package schedule

import (
	"slices"
	"time"
)

// again is when to look again: when something changes that the clock brings,
// and sooner where things change without a sign.
func (l *look) again(d Decision) time.Time {
	limit, runs := seldom, d.Start != ""
	for _, s := range l.stores {
		switch {
		case !s.due, l.held(s):
		case s.Problem != "" || s.copyFrom != "":
			limit = anyStore
		case l.f.Present && l.f.Paired && l.f.Running == "":
			runs = true
		}
	}
	if runs {
		limit = often
	}
	at := l.now.Add(limit)
	sooner := func(t time.Time) {
		if t.After(l.now) && t.Before(at) {
			at = t
		}
	}
	for _, s := range l.stores {
		sooner(s.at)
		if !s.Last.IsZero() {
			sooner(s.Last.Add(l.p.Overdue))
		}
	}
	for _, m := range d.Missing {
		sooner(m.at)
	}
	return at
}

// Next is when a backup to a store that failed is tried again; zero when that
// also waits for what no clock tells.
func (d Decision) Next(store string) time.Time {
	var at time.Time
	for _, m := range d.Missing {
		switch {
		case m.Store != "" && m.Store != store:
		case m.at.IsZero():
			return time.Time{}
		case m.at.After(at):
			at = m.at
		}
	}
	return at
}

// newest is when the newest backup in any store was made; zero if there is
// none.
func (l *look) newest() time.Time {
	var newest time.Time
	for _, s := range l.f.Stores {
		if s.Last.After(newest) {
			newest = s.Last
		}
	}
	return newest
}

func (l *look) lastText() string {
	newest := l.newest()
	switch {
	case newest.IsZero():
		return l.noneText()
	case l.future(newest):
		return "its last backup is dated " + when(l.now, newest)
	default:
		return "last backed up " + ago(l.now.Sub(newest))
	}
}

// noneText: a store that cannot be used may not have told what it holds.
func (l *look) noneText() string {
	if slices.ContainsFunc(l.f.Stores, func(s StoreFacts) bool { return s.Problem != "" }) {
		return "no backup is known"
	}
	return "no backup yet"
}

func (l *look) offText() string { return l.lastText() + "; automatic backups are switched off" }

// text is the sentence for the owner: how things stand; what comes next.
func (l *look) text(d Decision) string {
	head := l.head(d)
	switch {
	case !d.Due:
		return head + "; the next one is due " + when(l.now, d.DueSince)
	case d.Start != "":
		head += "; a backup "
		if len(l.stores) > 1 {
			head += "to " + d.Start + " "
		}
		if l.f.Idle {
			head += "would begin now"
		} else {
			head += "begins now"
		}
		if d.Assisted {
			head += ", and it may ask for its passcode"
		}
		return head
	case l.f.Running != "":
		return head + "; a backup to " + l.f.Running + " is under way"
	case len(d.Missing) > 0:
		return head + "; " + l.waits(l.needed(d.Missing))
	default:
		return head + "; " + copiesText(d.Copies)
	}
}

// needed is what the next backup waits for: when one store takes it, not for
// the others.
func (l *look) needed(missing []Missing) []Missing {
	ofStore := func(m Missing) bool { return m.Store != "" }
	if !l.takes {
		return missing
	}
	return slices.DeleteFunc(slices.Clone(missing), ofStore)
}

func copiesText(copies []Copy) string {
	var to []string
	for _, c := range copies {
		to = append(to, c.To)
	}
	get := " gets"
	if len(to) > 1 {
		get = " get"
	}
	return list(to) + get + " a copy of the backup in " + copies[0].From
}

// head says how things stand.
func (l *look) head(d Decision) string {
	newest := l.newest()
	var due, fresh, none []string
	for _, s := range l.stores {
		switch {
		case !s.due:
			fresh = append(fresh, s.Name)
		case s.Last.IsZero():
			none = append(none, s.Name)
		default:
			due = append(due, s.Name)
		}
	}
	switch {
	case d.Due && l.wanted:
		return "a backup was asked for " + when(l.now, l.f.Requested)
	case newest.IsZero():
		return l.noneText()
	case !d.Due:
		return "backed up " + ago(l.now.Sub(newest))
	case l.future(newest):
		return l.lastText() + " (a clock was wrong)"
	case d.Overdue:
		return l.lastText()
	case len(fresh)+len(none) == 0:
		return "due since " + plainly(l.now, d.DueSince)
	}
	head := "backed up " + ago(l.now.Sub(newest)) + " to " + l.newestName()
	if len(due) > 0 {
		head += ", due in " + list(due) + " since " + plainly(l.now, l.first(due))
	}
	if len(none) > 0 {
		head += ", not yet to " + list(none)
	}
	return head
}

// newestName is the store with the newest backup.
func (l *look) newestName() string {
	newest := l.newest()
	i := slices.IndexFunc(l.f.Stores, func(s StoreFacts) bool { return s.Last.Equal(newest) })
	return l.f.Stores[i].Name
}

// first is when the first of the named stores became due.
func (l *look) first(names []string) time.Time {
	var first time.Time
	for _, s := range l.stores {
		if slices.Contains(names, s.Name) && (first.IsZero() || s.at.Before(first)) {
			first = s.at
		}
	}
	return first
}
