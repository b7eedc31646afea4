package schedule

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

func hours(t *testing.T, text string) Hours {
	t.Helper()
	h, err := ParseHours(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// A phone without a passcode that lies on its charger at night is backed up
// every night, also when the link often breaks.
func TestEveryNight(t *testing.T) {
	for name, breaks := range map[string]float64{"good link": 0, "bad link": 0.5} {
		t.Run(name, func(t *testing.T) {
			s := live(t, 1, 12, life{home: hours(t, "18-8"), power: hours(t, "23-7"), locked: hours(t, "23-7"), breaks: breaks, policy: Default()})
			s.kept()
			t.Logf("12 weeks: %d backups in %d tries, longest gap %v, %d decisions", s.backups(), s.tried, s.gap(), s.decisions)
			// The first two days go by until it is known that it asks nothing.
			if s.backups() < 12*7-2 || s.gap() > 31*time.Hour || !s.alarmed.IsZero() {
				t.Error("that is too few")
			}
		})
	}
}

// A phone that asks learns when its owner answers: with time it asks less for
// nothing, and is backed up nearly every day.
func TestLearnsTheEvening(t *testing.T) {
	t.Parallel()
	waste := func(s *sim, from, to time.Time) (asked, unanswered int) {
		for _, a := range s.f.Attempts {
			if !a.At.Before(from) && a.At.Before(to) {
				if asked++; !a.Answered {
					unanswered++
				}
			}
		}
		return asked, unanswered
	}
	var first, later, backups int
	const lives = 20
	for seed := range uint64(lives) {
		l := life{asks: true, home: hours(t, "17-8"), power: hours(t, "17:30-7:30"), locked: hours(t, "any"), answers: hours(t, "20-22"), willing: 0.8, policy: Default()}
		s := live(t, seed, 4, l)
		s.kept()
		_, n := waste(s, monday, monday.AddDate(0, 0, 7))
		first += n
		_, n = waste(s, monday.AddDate(0, 0, 21), monday.AddDate(0, 0, 28))
		later += n
		backups += s.backups()
	}
	t.Logf("asked for nothing: %.1f times in the first week, %.1f in the fourth; %.1f backups a week",
		float64(first)/lives, float64(later)/lives, float64(backups)/lives/4)
	if later*2 > first || backups < lives*4*5 {
		t.Error("nothing was learned, or too few backups were made")
	}
}

// The owner who never answers is left in peace: few asks, fewer nudges, and it
// is overdue after a week.
func TestNeverAnswers(t *testing.T) {
	s := live(t, 3, 6, life{asks: true, home: hours(t, "17-8"), power: hours(t, "any"), locked: hours(t, "23-7"), policy: Default()})
	s.kept()
	var days []int
	for _, at := range s.nudged {
		days = append(days, int(at.Sub(monday)/day))
	}
	t.Logf("6 weeks: asked %d times, nudged on days %v, overdue since day %d", len(s.asked), days, int(s.alarmed.Sub(monday)/day))
	if len(s.asked) > 42*3 || len(s.asked) < 42 || len(s.nudged) > 7 || len(s.nudged) < 5 {
		t.Error("that is too often, or too seldom")
	}
	if got := s.alarmed.Sub(monday); got < 7*day || got > 7*day+time.Hour {
		t.Errorf("overdue after %v", got)
	}
}

// Who comes back from a journey of five days is backed up the first night.
func TestTravels(t *testing.T) {
	away := func(t time.Time) bool { d := int(t.Sub(monday) / day); return d%10 >= 3 && d%10 < 8 }
	s := live(t, 4, 10, life{home: hours(t, "18-8"), power: hours(t, "23-7"), locked: hours(t, "23-7"), away: away, policy: Default()})
	s.kept()
	missed := 0
	for d := 2; d < 69; d++ { // until then it is not known that it asks nothing
		from := monday.AddDate(0, 0, d)
		if away(from.Add(11*time.Hour)) || away(from.Add(19*time.Hour)) {
			continue // that night it is not here
		}
		found := false
		for _, at := range s.done["nas"] {
			found = found || at.After(from) && at.Before(from.AddDate(0, 0, 1))
		}
		if !found {
			missed++
			t.Errorf("no backup in the night after %v", from)
		}
	}
	t.Logf("10 weeks, half of them away: %d backups, %d nights missed", s.backups(), missed)
}

// With two stores, one of them away for a while, a phone that asks is asked
// once a day, and the other store gets copies.
func TestTwoStores(t *testing.T) {
	l := life{
		asks: true, home: hours(t, "17-8"), power: hours(t, "17-8"), locked: hours(t, "23-7"),
		answers: hours(t, "7-22"), willing: 1, stores: []string{"nas", "s3"}, policy: Default(),
		offline: func(store string, t time.Time) bool {
			d := int(t.Sub(monday) / day)
			return store == "nas" && d >= 10 && d < 14 || store == "s3" && d >= 20 && d < 24
		},
	}
	s := live(t, 5, 6, l)
	s.kept()
	t.Logf("6 weeks: %d to the NAS, %d to S3, %d copies, asked %d times, longest gap %v", len(s.done["nas"]), len(s.done["s3"]), s.copied, len(s.asked), s.gap())
	if len(s.asked) > 42+4 || s.backups() < 40 || s.copied < 35 || len(s.done["s3"]) < 3 || s.gap() > 48*time.Hour {
		t.Error("that is not what was to be")
	}
}

// Any phone, any policy, any clock: the limits hold, and what can be backed up
// is. RUSSET_LIVES is how many are lived.
func TestManyLives(t *testing.T) {
	t.Parallel()
	const weeks = 8
	lives := 60
	if n, err := strconv.Atoi(os.Getenv("RUSSET_LIVES")); err == nil {
		lives = n
	}
	var decisions, backups, asked int
	for seed := range uint64(lives) {
		r := rand.New(rand.NewPCG(seed, 11))
		l := life{
			asks: r.IntN(2) == 0, home: anyHours(r), power: anyHours(r), locked: anyHours(r), answers: anyHours(r),
			willing: r.Float64(), breaks: some(r, 0, 0, 0.3, 0.9), takes: some(r, time.Minute, 20*time.Minute, 5*time.Hour),
			jumps: r.IntN(3) == 0, wishes: some(r, 0, 0, 0.01), restarts: r.IntN(3) == 0,
			stores: some(r, []string{"nas"}, []string{"nas", "s3"}), policy: Default(),
			offline: func(store string, t time.Time) bool { return store == "nas" && t.YearDay()%13 < 3 },
		}
		p := anyPolicy(r)
		p.Automatic, p.Battery, p.Ways = true, 20, AnyWay
		p.Every = some(r, 6*time.Hour, day, day, 7*day)
		if r.IntN(3) > 0 {
			l.policy = p
		}
		s := live(t, seed, weeks, l)
		s.kept()
		longest := longestPause
		if l.asks || l.restarts { // a run that nobody lived to note may have asked
			longest = 2 * day // as often as it may in a day, and then the right hour
		}
		if l.jumps {
			longest = 6 * day // attempts of a clock that was ahead count when their time comes
		}
		if s.idlest > longest+time.Hour {
			t.Errorf("a backup could have begun for %v, and did not", s.idlest)
		}
		if s.tried > weeks*7*60 {
			t.Errorf("%d tries in %d weeks", s.tried, weeks)
		}
		if t.Failed() {
			t.Fatalf("life %d: %+v", seed, l)
		}
		decisions, backups, asked = decisions+s.decisions, backups+s.backups(), asked+len(s.asked)
	}
	t.Logf("%d weeks: %d decisions, %d backups, asked %d times", lives*weeks, decisions, backups, asked)
}
