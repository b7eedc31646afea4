package schedule

import (
	"fmt"
	"time"
)

// How far apart a device is made to ask for its passcode.
const (
	day = 24 * time.Hour
	// apart is the usual distance of two asks.
	apart = 2 * time.Hour
	// soon is the least after the first ask of a day when the moment is good;
	// every further one waits three times longer.
	soon = 10 * time.Minute
)

// owner lists what keeps a device that asks for its passcode from asking now.
func (l *look) owner(s storeLook) []Missing {
	if !l.asks {
		return nil
	}
	var m []Missing
	called := l.wanted && l.now.Sub(l.f.Requested) <= loud || l.met()
	if l.p.QuietAt(l.now) && !called && (l.wanted || !l.p.NeverAsks()) {
		m = append(m, Missing{
			Code: Quiet, Text: "its owner is not disturbed between " + l.p.Quiet.From.String() + " and " + l.p.Quiet.To.String(),
			at: l.p.Quiet.End(l.now), then: "the quiet hours are over",
		})
	}
	if l.fresh {
		return m
	}
	if l.sealed() {
		return append(m, Missing{
			Code: Locked, Text: "it was switched on and not unlocked since, and opens nothing to anyone", until: "it is unlocked",
		})
	}
	if ask, ok := l.askedEnough(); ok {
		return append(m, ask)
	}
	if hour := l.hour(s); hour.After(l.now) {
		m = append(m, Missing{
			Code: Hour, Text: "its owner usually answers around " + hour.Format("15:04"),
			at: hour, then: "its owner usually answers",
		})
	}
	return m
}

// sealed says whether the last attempt met a phone that opens nothing before it
// is unlocked. That may be missed: it is tried again after a while.
func (l *look) sealed() bool {
	if len(l.attempts) == 0 || !l.f.Locked {
		return false
	}
	last := l.attempts[len(l.attempts)-1]
	return last.Outcome == NotNow && !last.Asked && l.now.Sub(last.At) < apart && !l.f.Unlocked.After(last.At)
}

// met says whether the device was met for the first time just now: its owner
// has tapped Trust and typed the passcode, and does not sleep.
func (l *look) met() bool {
	known := l.now.Sub(l.f.Since)
	return !l.f.Since.IsZero() && 0 <= known && known <= loud && l.newest().IsZero() && len(l.attempts) == 0
}

// asked are the attempts of the last day in which the device asked, or may
// have: of one that nobody lived to note that is not known.
func (l *look) asked() []Attempt {
	var asked []Attempt
	for _, a := range l.attempts {
		if (a.Asked || a.Outcome == Begun) && l.now.Sub(a.At) < day {
			asked = append(asked, a)
		}
	}
	return asked
}

// askedEnough says whether it asked so often, or so lately, that it must not
// ask now.
func (l *look) askedEnough() (Missing, bool) {
	asked := l.asked()
	n := len(asked)
	if n >= l.p.Asks {
		m := Missing{Code: Asks, Text: "it may not ask for its passcode by itself", until: "somebody asks for a backup"}
		if l.p.Asks > 0 {
			m.Text = fmt.Sprintf("it asked for its passcode %s in the last 24 hours", times(n))
			m.until, m.at, m.then = "", asked[n-l.p.Asks].At.Add(day), "it may ask for its passcode again"
		}
		return m, true
	}
	if n == 0 {
		return Missing{}, false
	}
	last := asked[n-1]
	short := soon
	for range n - 1 {
		short = min(short*3, apart)
	}
	at := l.end(last).Add(apart)
	// Who typed the passcode for a run that broke off is probably still there.
	there := last.Answered && last.Outcome != Done
	if l.good || there {
		at = l.end(last).Add(short)
	}
	if !at.After(l.now) {
		return Missing{}, false
	}
	asks := "it asked for its passcode "
	if !last.Asked { // nobody lived to note it
		asks = "it may have asked for its passcode "
	}
	return Missing{
		Code: Asks, Text: asks + when(l.now, last.At) + ", and is left in peace for a while",
		at: at, then: "it may ask for its passcode again",
	}, true
}

// nudge says whether to tell the owner before a run to this store that the
// phone will ask: once while it is due, then after a day, and each time after
// twice as long.
func (l *look) nudge(store string) bool {
	if !l.asks || l.p.QuietAt(l.now) && !l.fresh && !l.met() {
		return false
	}
	last := l.f.Nudged
	if last.IsZero() || l.future(last) {
		return true
	}
	if l.fresh {
		return last.Before(l.f.Requested)
	}
	for _, s := range l.stores {
		if s.Name == store {
			return last.Before(s.at) || l.now.Sub(last) >= max(day, l.every, last.Sub(s.at))
		}
	}
	return false
}
