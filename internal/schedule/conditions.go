package schedule

import (
	"fmt"
	"strings"
	"time"
)

// device lists what the device itself lacks for a run to the first of the
// stores that takes one (-1 for none). Without the first few nothing else can
// be known.
func (l *look) device(first int) []Missing {
	f := l.f
	switch {
	case f.Running != "":
		return []Missing{{Code: Busy, Text: "a backup to " + f.Running + " is under way", until: "the backup to " + f.Running + " is done", echo: true}}
	case !f.Present && l.p.Ways == Cable:
		return []Missing{{Code: Away, Text: "it is not on the cable", until: "it is on the cable", echo: true}}
	case !f.Present:
		return []Missing{{Code: Away, Text: "it is not here", until: "it is here (on the network, or on the cable)", echo: true}}
	case !f.Paired && f.Way == Network: // what says there that it is this device proves nothing
		return []Missing{{
			Code: Unpaired, Text: "it seems to be on the network, and no longer to trust this computer",
			until: `it is connected with the cable once and trusts this computer again ("russet pair")`,
		}}
	case !f.Paired:
		return []Missing{{Code: Unpaired, Text: "it does not trust this computer", until: `it trusts this computer ("russet pair")`, echo: true}}
	case f.Problem != "":
		problem := strings.TrimRight(f.Problem, ".")
		return []Missing{{Code: Trouble, Text: problem, until: "this is mended: " + problem, echo: true}}
	}
	if l.wanted {
		return nil
	}
	var m []Missing
	if !l.p.Ways.allow(f.Way) {
		m = append(m, wayMissing(l.p.Ways))
	}
	switch {
	case l.asks && l.p.NeverAsks():
		m = append(m, Missing{
			Code: Window, Text: "its hours lie within the quiet hours, when it may not ask for its passcode",
			until: "its hours or the quiet hours are changed",
		})
	case !l.p.Window.Contains(l.now):
		m = append(m, Missing{
			Code: Window, Text: "runs begin between " + l.p.Window.From.String() + " and " + l.p.Window.To.String(),
			at: l.p.Window.Next(l.now), then: "its hours begin",
		})
	}
	if power, ok := l.power(first); ok {
		m = append(m, power)
	}
	if l.p.Locked && l.inUse() {
		m = append(m, Missing{Code: Locked, Text: "it is not locked", until: "it is locked", echo: true})
	}
	if f.Battery >= 0 && f.Battery < l.p.Battery {
		m = append(m, Missing{
			Code: Battery, Text: fmt.Sprintf("its battery is at %d %%, and should be at %d %%", f.Battery, l.p.Battery),
			until: fmt.Sprintf("its battery is at %d %%", l.p.Battery),
		})
	}
	return m
}

// withoutPower is the battery, in percent, with which a run needs no power.
const withoutPower = 50

// power says whether it lacks power. A phone whose owner has to type the
// passcode is then in the owner's hand, and many are on power only while their
// owners sleep: it goes without when its backup is late and its battery is
// half full. So does one that never tells, when it is late.
func (l *look) power(first int) (Missing, bool) {
	if !l.p.Power || l.f.Power {
		return Missing{}, false
	}
	unknown := l.f.Battery < 0
	enough := unknown || l.asks && l.f.Battery >= withoutPower
	if enough && first >= 0 && !l.now.Before(l.late(l.stores[first])) {
		return Missing{}, false
	}
	if unknown {
		return Missing{Code: Power, Text: "it does not say whether it is on power", until: "it is on power"}, true
	}
	return Missing{Code: Power, Text: "it is not on power", until: "it is on power", echo: true}, true
}

// patience is how many times Every the last backup may be old before less is
// waited for.
const patience = 1.75

// late is when that is so, but at most a day after it was due.
func (l *look) late(s storeLook) time.Time {
	long := time.Duration(patience * float64(l.every))
	if s.Last.IsZero() {
		return s.at.Add(long)
	}
	late, limit := s.Last.Add(long), s.at.Add(day)
	if s.ahead || limit.Before(late) {
		return limit
	}
	return late
}

// inUse says whether the screen is not locked, of a device that would not ask
// anything. One that asks needs its owner, who will unlock it. One that never
// locks cannot tell.
func (l *look) inUse() bool {
	u := l.f.Unlocked
	return !l.asks && !l.f.Locked && !u.IsZero() && !l.future(u) && l.now.Sub(u) < unlockable
}

func (w Ways) allow(way Ways) bool { return w == AnyWay || way == AnyWay || w == way }

func wayMissing(w Ways) Missing {
	if w == Cable {
		return Missing{Code: OtherWay, Text: "it is on the network, and only the cable is allowed", until: "it is on the cable"}
	}
	return Missing{Code: OtherWay, Text: "it is on the cable, and only the network is allowed", until: "it is on the network"}
}

func storeMissing(s storeLook) Missing {
	problem := strings.TrimRight(s.Problem, ".")
	return Missing{
		Code: NoStore, Store: s.Name, Text: s.Name + " takes nothing now: " + problem,
		until: s.Name + " takes backups again (" + problem + ")", echo: true,
	}
}

// pause is what a store waits for after a run that failed.
func (l *look) pause(store string) (Missing, bool) {
	until, last := l.linkPause()
	why := l.ended(last, "was interrupted")
	if n := len(l.attempts); n > 0 && l.attempts[n-1].Outcome == Stopped && !l.f.Requested.After(l.end(l.attempts[n-1])) {
		until, why, last = l.end(l.attempts[n-1]).Add(apart), "somebody stopped the last one", Attempt{}
	}
	if at, failed := l.storePause(store); at.After(until) {
		until, why, last = at, l.ended(failed, "failed"), failed
	}
	if !until.After(l.now) {
		return Missing{}, false
	}
	return Missing{
		Code: Pause, Store: store, Text: why + "; the next one is " + when(l.now, until), Next: last.Next,
		at: until, then: "it is tried again",
	}, true
}

// ended says how an attempt ended, and why.
func (l *look) ended(a Attempt, how string) string {
	text := "the last try "
	if n := len(l.attempts); n > 0 && a.At.Before(l.attempts[n-1].At) {
		text = "an earlier try "
	}
	if len(l.stores) > 1 {
		text += "to " + a.Store + " "
	}
	if text += how; a.Why != "" {
		text += ": " + strings.TrimRight(a.Why, ".")
	}
	return text
}

// Pauses after a link that broke, and after anything else. A link is often
// back at once, and what was received is kept.
var linkPauses = []time.Duration{2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}

const firstPause, longestPause = 15 * time.Minute, 6 * time.Hour

// remembered is how long failures in a row count together.
const remembered = 2 * 24 * time.Hour

// linkPause counts the attempts at the end that broke off, or that nobody
// lived to note.
func (l *look) linkPause() (until time.Time, last Attempt) {
	n, last := l.streak(func(a Attempt) bool { return a.Outcome == Interrupted || a.Outcome == Begun })
	if n == 0 || l.cut(l.end(last)) {
		return time.Time{}, last
	}
	return l.end(last).Add(linkPauses[min(n, len(linkPauses))-1]), last
}

// storePause counts the failures with one store since a backup to it was made.
func (l *look) storePause(store string) (until time.Time, last Attempt) {
	n, last := l.streak(func(a Attempt) bool {
		return a.Store == store && (a.Outcome == Failed || a.Outcome == NoSpace)
	}, store)
	if n == 0 || l.cut(l.end(last)) {
		return time.Time{}, last
	}
	return l.end(last).Add(min(firstPause<<min(n-1, 10), longestPause)), last
}

// streak counts the latest attempts that are bad, and finds the last of them.
// Done ends it, if stores are named only in one of those; so does time.
func (l *look) streak(bad func(Attempt) bool, stores ...string) (n int, last Attempt) {
	for i := len(l.attempts) - 1; i >= 0; i-- {
		a := l.attempts[i]
		mine := len(stores) == 0 || a.Store == stores[0]
		switch {
		case l.now.Sub(a.At) > remembered, a.Outcome == Done && mine:
			return n, last
		case bad(a):
			if n++; n == 1 {
				last = a
			}
		}
	}
	return n, last
}

// end is when an attempt was over, as far as it is known.
func (l *look) end(a Attempt) time.Time {
	if a.End.Before(a.At) || l.future(a.End) {
		return a.At
	}
	return a.End
}

// cut says whether a pause that began at last is cut short: by a request, or
// by a good moment. A loose plug must not start a run every second.
func (l *look) cut(last time.Time) bool {
	if l.fresh && l.f.Requested.After(last) {
		return true
	}
	return l.good && l.latest().After(last) && l.now.Sub(last) >= linkPauses[0]
}

// latest is the latest of the good moments.
func (l *look) latest() time.Time {
	var t time.Time
	for _, m := range []time.Time{l.f.Plugged, l.f.Unlocked} {
		if m.After(t) && !l.future(m) {
			t = m
		}
	}
	return t
}
