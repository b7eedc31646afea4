package schedule

import (
	"strings"
	"testing"
	"time"
)

var zone = func() *time.Location {
	l, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return l
}()

// now is a Thursday evening.
var now = time.Date(2026, 11, 26, 20, 0, 0, 0, zone)

func before(d time.Duration) time.Time { return now.Add(-d) }

// ready is a phone without a passcode at which nothing is missing, 26 hours
// after its last backup to the only store.
func ready() (Policy, Facts) {
	return Default(), Facts{
		Now: now, Since: before(30 * day), Name: "Anna's iPhone",
		Present: true, Way: Network, Paired: true, Power: true, Battery: 80, Asking: Never,
		Stores: []StoreFacts{{Name: "nas", Last: before(26 * time.Hour)}},
	}
}

// both adds a second store, with a backup of an age there; none if it is 0.
func both(f *Facts, age time.Duration, copies bool) {
	s := StoreFacts{Name: "s3", Copies: copies}
	if age != 0 {
		s.Last = before(age)
	}
	f.Stores = append(f.Stores, s)
}

func ask(ago time.Duration, o Outcome, answered bool) Attempt {
	return Attempt{At: before(ago), Store: "nas", Outcome: o, Asked: true, Answered: answered}
}

// situation is one that a device can be in.
type situation struct {
	name  string
	set   func(*Policy, *Facts)
	start string
	codes string // of what is missing
	text  string
}

func TestSituations(t *testing.T) {
	for _, group := range [][]situation{unattended, assisted, requests, failures, severalStores, clocks} {
		for _, s := range group {
			t.Run(s.name, func(t *testing.T) {
				p, f := ready()
				s.set(&p, &f)
				d := Decide(p, f)
				t.Log(d.Text)
				var codes []string
				for _, m := range d.Missing {
					codes = append(codes, string(m.Code))
					t.Logf("  %s: %s", m.Code, m.Text)
				}
				if got := strings.Join(codes, " "); d.Start != s.start || got != s.codes || d.Text != s.text {
					t.Errorf("start %q, missing %q, text:\n%q\nwant start %q, missing %q, text:\n%q", d.Start, got, d.Text, s.start, s.codes, s.text)
				}
				sound(t, p, f, d)
			})
		}
	}
}

// sound checks what holds of every decision.
func sound(t *testing.T, p Policy, f Facts, d Decision) {
	t.Helper()
	if !d.Again.After(f.Now) || d.Again.After(f.Now.Add(seldom)) {
		t.Errorf("looks again at %v, now is %v", d.Again, f.Now)
	}
	if d.Start == "" && d.Due && len(d.Missing)+len(d.Copies) == 0 {
		t.Error("due, not begun, and nothing is said to be missing")
	}
	if d.Start != "" && (!d.Due || !f.Present || !f.Paired || f.Problem != "" || f.Running != "") {
		t.Errorf("begins although it cannot: %+v", d)
	}
	if d.Nudge && (d.Start == "" || !d.Assisted) {
		t.Error("tells the owner about nothing")
	}
	if d.Text == "" || strings.HasSuffix(d.Text, ".") || strings.Contains(d.Text, "  ") || strings.Contains(d.Text, "0001") {
		t.Errorf("the text is %q", d.Text)
	}
	for _, m := range d.Missing {
		if m.Text == "" || m.Code == "" || (m.until == "") == m.at.IsZero() && m.Code != Off {
			t.Errorf("a condition without words: %+v", m)
		}
		if !m.at.IsZero() && (!m.at.After(f.Now) || m.then == "") {
			t.Errorf("waits for what is past: %+v", m)
		}
	}
	if !p.Automatic && f.Requested.IsZero() && (d.Start != "" || len(d.Copies) > 0) {
		t.Error("does something although it is off")
	}
}

// A device is overdue when it is in every store.
func TestOverdue(t *testing.T) {
	for name, test := range map[string]struct {
		nas, s3 time.Duration // how old the last backup is; 0 for none
		set     func(*Policy, *Facts)
		behind  string
		overdue bool
	}{
		"fresh":                {time.Hour, time.Hour, nil, "", false},
		"a week in both":       {7 * day, 7 * day, nil, "nas s3", true},
		"nearly a week":        {7*day - time.Minute, time.Hour, nil, "", false},
		"one of them":          {8 * day, time.Hour, nil, "nas", false},
		"one never":            {8 * day, 0, nil, "nas s3", true}, // it is known for a month
		"never, new":           {0, 0, func(_ *Policy, f *Facts) { f.Since = before(6 * day) }, "", false},
		"never, nobody knows":  {0, 0, func(_ *Policy, f *Facts) { f.Since = time.Time{} }, "", false},
		"no alarm wanted":      {80 * day, 80 * day, func(p *Policy, _ *Facts) { p.Overdue = 0 }, "", false},
		"off":                  {80 * day, 80 * day, func(p *Policy, _ *Facts) { p.Automatic = false }, "", false},
		"a clock was wrong":    {-80 * day, -80 * day, nil, "", false},
		"running, and overdue": {8 * day, 8 * day, func(_ *Policy, f *Facts) { f.Running = "nas" }, "nas s3", true},
	} {
		p, f := ready()
		both(&f, test.s3, true)
		f.Stores[0].Last = before(test.nas)
		if test.nas == 0 {
			f.Stores[0].Last = time.Time{}
		}
		if test.set != nil {
			test.set(&p, &f)
		}
		if d := Decide(p, f); d.Overdue != test.overdue || strings.Join(d.Behind, " ") != test.behind {
			t.Errorf("%s: %v, %v", name, d.Overdue, d.Behind)
		}
	}
}

// Whether the owner is told before the phone asks.
func TestNudges(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(*Policy, *Facts)
		want bool
	}{
		"never told":                       {func(_ *Policy, _ *Facts) {}, true},
		"a phone that asks nothing":        {func(_ *Policy, f *Facts) { f.Asking = Never }, false},
		"told for the last backup":         {func(_ *Policy, f *Facts) { f.Nudged = before(27 * time.Hour) }, true},
		"told for this one":                {func(_ *Policy, f *Facts) { f.Nudged = before(3 * time.Hour) }, false},
		"told, and a day went by":          {func(_ *Policy, f *Facts) { f.Stores[0].Last, f.Nudged = before(46*time.Hour), before(25*time.Hour) }, true},
		"told twice, and a day went by":    {func(_ *Policy, f *Facts) { f.Stores[0].Last, f.Nudged = before(80*time.Hour), before(25*time.Hour) }, false},
		"told twice, and two days went by": {func(_ *Policy, f *Facts) { f.Stores[0].Last, f.Nudged = before(98*time.Hour), before(49*time.Hour) }, true},
		"told in the future":               {func(_ *Policy, f *Facts) { f.Nudged = now.Add(day) }, true},
		"told, then asked for":             {func(_ *Policy, f *Facts) { f.Nudged, f.Requested = before(time.Hour), before(time.Minute) }, true},
		"asked for, then told":             {func(_ *Policy, f *Facts) { f.Nudged, f.Requested = before(time.Minute), before(time.Hour) }, false},
		"asked for in the quiet hours": {func(p *Policy, f *Facts) {
			p.Quiet, f.Requested = Hours{19 * 60, 7 * 60}, before(time.Minute)
		}, true},
	} {
		p, f := ready()
		f.Asking = Usually
		test.set(&p, &f)
		if d := Decide(p, f); d.Start == "" || d.Nudge != test.want {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
