package schedule

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// life is a phone with its owner's habits. Hours of the day are by the wall.
type life struct {
	asks     bool
	home     Hours
	power    Hours
	locked   Hours
	answers  Hours   // when its owner may answer
	willing  float64 // how probable that is then
	breaks   float64 // how probable it is that a run breaks off
	away     func(t time.Time) bool
	offline  func(store string, t time.Time) bool
	takes    time.Duration // a run
	jumps    bool          // the computer's clock is set wrong now and then
	stores   []string
	policy   Policy
	wishes   float64 // how probable a request is in any hour
	restarts bool    // russet is killed in mid-run now and then
}

// sim is a life going on.
type sim struct {
	life
	t         *testing.T
	r         *rand.Rand
	real      time.Time     // the true time
	wrong     time.Duration // how far the computer's clock is off
	jumped    []time.Time   // when the clock was set, in true time
	f         Facts
	decisions int
	asked     []time.Time // in true time, and so are all of these
	wished    []bool
	nudged    []time.Time
	done      map[string][]time.Time
	copied    int
	tried     int
	alarmed   time.Time     // since when it is overdue
	idle      time.Duration // for how long a backup could have begun and did not
	idlest    time.Duration
}

// monday is when every simulation begins.
var monday = time.Date(2026, 9, 28, 12, 0, 0, 0, zone) // clocks change in the fourth week

func live(t *testing.T, seed uint64, weeks int, l life) *sim {
	s := &sim{life: l, t: t, r: rand.New(rand.NewPCG(seed, 7)), real: monday, done: map[string][]time.Time{}}
	if len(s.stores) == 0 {
		s.stores = []string{"nas"}
	}
	if s.takes == 0 {
		s.takes = 7 * time.Minute
	}
	s.f = Facts{Since: monday, Paired: true, Way: Network, Battery: 80, Name: "Anna's iPhone", Asking: Unknown}
	for _, name := range s.stores {
		s.f.Stores = append(s.f.Stores, StoreFacts{Name: name, Copies: true})
	}
	for end := monday.AddDate(0, 0, 7*weeks); s.real.Before(end) && !t.Failed(); {
		s.step()
	}
	return s
}

// step looks once, does what is decided, and goes on to the next look.
func (s *sim) step() {
	s.clock()
	s.observe()
	d := Decide(s.policy, s.f)
	s.decisions++
	sound(s.t, s.policy, s.f, d)
	if d.Overdue != !s.alarmed.IsZero() {
		s.alarmed = time.Time{}
		if d.Overdue {
			s.alarmed = s.real
		}
	}
	for _, c := range d.Copies {
		s.copy(c)
	}
	if d.Start != "" {
		s.idle = 0
		s.run(d)
		return
	}
	next := d.Again
	if d.Due { // the phone may come, be plugged in, unlocked
		next = s.f.Now.Add(10 * time.Minute)
	}
	wait := min(next.Sub(s.f.Now), time.Hour)
	s.real = s.real.Add(wait)
	if s.could(d) {
		s.idle += wait
		s.idlest = max(s.idlest, s.idle)
	} else if !d.Due {
		s.idle = 0
	}
	if s.t.Failed() {
		s.t.Logf("%v %+v\n%+v", s.f.Now, s.policy, d)
	}
}

// could says whether nothing but pauses and consideration for the owner kept a
// backup from beginning.
func (s *sim) could(d Decision) bool {
	p, f := s.policy, s.f
	store := false
	for _, st := range f.Stores {
		store = store || st.Problem == "" && (st.Last.IsZero() || f.Now.Sub(st.Last) > p.Every || st.Last.After(f.Now.Add(skew)))
	}
	return store && d.Due && f.Present && (f.Power || !p.Power) && (f.Locked || !p.Locked || f.Asking != Never) && p.Window.Contains(f.Now) &&
		(f.Asking == Never || !p.QuietAt(f.Now)) && p.Asks > 0
}

// clock sets the computer's clock wrong, and right again.
func (s *sim) clock() {
	if !s.jumps || s.r.IntN(600) > 0 {
		return
	}
	s.jumped = append(s.jumped, s.real)
	if s.wrong != 0 {
		s.wrong = 0
		return
	}
	s.wrong = time.Duration(s.r.Int64N(int64(some(s.r, time.Hour, 3*day, 400*day))))
	if s.r.IntN(2) == 0 {
		s.wrong = -s.wrong
	}
}

// observe fills the facts from what is so now.
func (s *sim) observe() {
	f, now := &s.f, s.real.Add(s.wrong).In(zone)
	f.Now = now
	f.Present = s.home.Contains(s.real) && (s.away == nil || !s.away(s.real))
	if f.Present {
		power, locked := s.power.Contains(s.real), s.locked.Contains(s.real)
		if power && !f.Power {
			f.Plugged = now
		}
		if !locked && f.Locked {
			f.Unlocked = now
		}
		f.Power, f.Locked = power, locked
	}
	for i := range f.Stores {
		f.Stores[i].Problem = ""
		if s.offline != nil && s.offline(f.Stores[i].Name, s.real) {
			f.Stores[i].Problem = "it does not answer"
		}
	}
	if f.Requested.IsZero() && s.r.Float64() < s.wishes {
		f.Requested = now
	}
	if n := len(f.Attempts); n > 0 && now.Sub(f.Attempts[0].At) > 28*day {
		f.Attempts = append([]Attempt(nil), f.Attempts[1:]...)
	}
}

func (s *sim) copy(c Copy) {
	for i := range s.f.Stores {
		to := &s.f.Stores[i]
		if to.Name != c.To {
			continue
		}
		for _, from := range s.f.Stores {
			if from.Name == c.From {
				to.Last = from.Last
				s.copied++
			}
		}
	}
}

// run makes the attempt that was decided.
func (s *sim) run(d Decision) {
	if d.Nudge {
		s.f.Nudged = s.f.Now
		s.nudged = append(s.nudged, s.real)
	}
	a := Attempt{At: s.f.Now, Store: d.Start}
	s.tried++
	took := s.takes
	if s.asks {
		a.Asked = true
		s.asked = append(s.asked, s.real)
		s.wished = append(s.wished, !s.f.Requested.IsZero())
		a.Answered = s.answers.Contains(s.real) && s.r.Float64() < s.willing
	}
	switch {
	case s.asks && !a.Answered:
		a.Outcome, took = NotNow, 3*time.Minute
	case s.restarts && s.r.IntN(5) == 0:
		took = time.Minute // killed, and nothing is noted
	case s.r.Float64() < s.breaks:
		a.Outcome, took = some(s.r, Interrupted, Interrupted, Failed), s.takes/2
	default:
		a.Outcome = Done
	}
	s.real = s.real.Add(took)
	if a.Outcome != Begun {
		a.End = s.real.Add(s.wrong).In(zone)
		s.f.Asking = Never
		if s.asks {
			s.f.Asking = Usually
		}
	}
	if a.Outcome == Done {
		for i := range s.f.Stores {
			if s.f.Stores[i].Name == d.Start {
				s.f.Stores[i].Last = a.End
			}
		}
		s.done[d.Start] = append(s.done[d.Start], s.real)
	}
	if a.Outcome == Done {
		s.f.Requested = time.Time{}
	}
	s.f.Attempts = append(s.f.Attempts, a)
}

// kept checks the limits over a whole life, in true time.
func (s *sim) kept() {
	s.t.Helper()
	for i, at := range s.asked {
		n, extra := 0, 0
		for j := i; j >= 0 && at.Sub(s.asked[j]) < day; j-- {
			n++
			if s.wished[j] {
				extra++
			}
		}
		for _, j := range s.jumped {
			if !j.After(at) && at.Sub(j) < day {
				extra += s.policy.Asks // what the clock hides
			}
		}
		if n > s.policy.Asks+extra {
			s.t.Errorf("asked %d times in the day before %v", n, at)
		}
		if s.policy.QuietAt(at) && !s.wished[i] && len(s.jumped) == 0 && at.Sub(monday) > loud {
			s.t.Errorf("asked in the quiet hours: %v", at)
		}
		if i > 0 && at.Sub(s.asked[i-1]) < soon && !s.wished[i] && len(s.jumped) == 0 {
			s.t.Errorf("asked at %v and again at %v", s.asked[i-1], at)
		}
	}
	for i := 1; i < len(s.nudged); i++ {
		made := false // a backup in between: this nudge is for the next one
		for _, done := range s.done {
			for _, at := range done {
				made = made || at.After(s.nudged[i-1]) && at.Before(s.nudged[i])
			}
		}
		if s.nudged[i].Sub(s.nudged[i-1]) < 20*time.Hour && s.wishes == 0 && len(s.jumped) == 0 && !made {
			s.t.Errorf("nudged at %v and again at %v", s.nudged[i-1], s.nudged[i])
		}
	}
}

// gap is the longest time between two backups, in any store.
func (s *sim) gap() time.Duration {
	var all []time.Time
	for _, done := range s.done {
		all = append(all, done...)
	}
	slices.SortFunc(all, time.Time.Compare)
	longest := time.Duration(0)
	for i, at := range all {
		next := s.real
		if i+1 < len(all) {
			next = all[i+1]
		}
		longest = max(longest, next.Sub(at))
	}
	return longest
}

// backups counts the runs that were done.
func (s *sim) backups() int {
	n := 0
	for _, done := range s.done {
		n += len(done)
	}
	return n
}
