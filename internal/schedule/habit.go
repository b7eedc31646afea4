package schedule

import "time"

// enough answers are needed to know an owner's habits.
const enough = 4

// habit is how often a device asked for its passcode in each hour of the day,
// and how often somebody answered.
type habit struct {
	asked, answered [24]int
	answers         int
}

func (l *look) habit() habit {
	var h habit
	for _, a := range l.attempts {
		if !a.Asked {
			continue
		}
		hour := a.At.In(l.now.Location()).Hour()
		h.asked[hour]++
		if a.Answered {
			h.answered[hour]++
			h.answers++
		}
	}
	return h
}

// good says whether the owner usually answers in an hour of the day: at least
// once, and as often as not.
func (h habit) good(hour int) bool {
	return h.answered[hour] >= 1 && 2*h.answered[hour] >= h.asked[hour]
}

// bad says whether asking in an hour of the day was tried and is mostly in
// vain.
func (h habit) bad(hour int) bool {
	return h.asked[hour] >= 3 && 4*h.answered[hour] < h.asked[hour]
}

// hour is when the owner will probably answer, if it is worth waiting for
// that; else now. A good moment is not waited from, unless at this hour of the
// day that was in vain before: who comes home and plugs the phone in may be
// busy.
func (l *look) hour(s storeLook) time.Time {
	if l.wanted || s.Last.IsZero() || s.ahead {
		return l.now
	}
	h, hour := l.habit(), l.now.Hour()
	if h.answers < enough || h.good(hour) || l.good && !h.bad(hour) {
		return l.now
	}
	late := l.late(s)
	if n := len(l.asked()); n > 0 && n == l.p.Asks-1 {
		// The last ask of a day is kept for an hour that promises something,
		// also when the backup is late.
		late = l.now.Add(day)
	}
	y, m, d := l.now.Date()
	begin := time.Date(y, m, d, hour, 0, 0, 0, l.now.Location())
	for range 25 {
		begin = begin.Add(time.Hour)
		if !begin.Before(late) {
			break
		}
		if !h.good(begin.Hour()) {
			continue
		}
		if opens := l.p.Opens(begin, true); !opens.IsZero() && opens.Before(begin.Add(time.Hour)) {
			return opens
		}
	}
	return l.now // there is no better hour in time
}
