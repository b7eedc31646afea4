package schedule

import "time"

// enough answers are needed to know an owner's habits.
const enough = 4

// habit is how often a device asked for its passcode in each hour of the day,
// and how often somebody answered. An attempt counts half for the hours
// beside its own.
type habit struct {
	asked, answered [24]float64
	answers         int
}

func (l *look) habit() habit {
	var h habit
	for _, a := range l.attempts {
		if !a.Asked {
			continue
		}
		at := a.At.In(l.now.Location()).Hour()
		for beside, weight := range map[int]float64{-1: 0.5, 0: 1, 1: 0.5} {
			hour := (at + beside + 24) % 24
			h.asked[hour] += weight
			if a.Answered {
				h.answered[hour] += weight
			}
		}
		if a.Answered {
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

// hour is when the owner will probably answer, if it is worth waiting for
// that; else now.
func (l *look) hour(s storeLook) time.Time {
	h := l.habit()
	if h.answers < enough || l.good || l.wanted || s.Last.IsZero() || s.ahead {
		return l.now
	}
	late := s.Last.Add(time.Duration(patience * float64(l.every)))
	if limit := s.at.Add(day); limit.Before(late) {
		late = limit
	}
	if h.good(l.now.Hour()) || !l.now.Before(late) {
		return l.now
	}
	y, m, d := l.now.Date()
	begin := time.Date(y, m, d, l.now.Hour(), 0, 0, 0, l.now.Location())
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
