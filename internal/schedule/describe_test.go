package schedule

import (
	"strings"
	"testing"
	"time"
)

// What a policy says in words, and what is refused or doubted in it.
func TestPolicyWords(t *testing.T) {
	for name, test := range map[string]struct {
		set                func(*Policy)
		text, error, doubt string
	}{
		"default": {
			func(*Policy) {},
			"backed up by itself every day to the first store, when it is on power and locked, with at least 20 % of battery; " +
				"may ask for its passcode 3 times a day, but not between 22:00 and 07:00; overdue after 7 days", "", "",
		},
		"off": {func(p *Policy) { p.Automatic = false }, "not backed up by itself", "", ""},
		"as free as can be": {
			func(p *Policy) { *p = Policy{Automatic: true, Every: 36 * time.Hour, Asks: 1} },
			"backed up by itself every 36 hours to the first store; may ask for its passcode once a day", "", "",
		},
		"as strict as can be": {
			func(p *Policy) {
				p.Stores, p.Ways, p.Window, p.Asks = []string{"nas", "s3", "disk"}, Cable, Hours{18 * 60, 30}, 2
			},
			"backed up by itself every day to nas, s3 and disk, between 18:00 and 00:30, when it is on power, locked and on the cable, with at least 20 % of battery; " +
				"may ask for its passcode twice a day, but not between 22:00 and 07:00; overdue after 7 days", "", "",
		},
		"quiet in the whole window": {func(p *Policy) { p.Window = Hours{22 * 60, 7 * 60} }, "", "", "between 22:00 and 07:00, which are all quiet hours (22:00 to 07:00)"},
		"off and quiet":             {func(p *Policy) { p.Automatic, p.Window = false, Hours{22 * 60, 7 * 60} }, "not backed up by itself", "", ""},
		"more often than it asks":   {func(p *Policy) { p.Every = 6 * time.Hour }, "", "", "may do so 3 times a day: it is not backed up every 6h"},
		"every minute":              {func(p *Policy) { p.Every = time.Minute }, "", "every hour, not more often", "it is not"},
		"every other year":          {func(p *Policy) { p.Every = 700 * day }, "", "less than once a year", ""},
		"too full":                  {func(p *Policy) { p.Battery = 101 }, "", "0 to 100 percent, not 101", ""},
		"never asks":                {func(p *Policy) { p.Asks = 0 }, "", "1 to 24 times a day, not 0", ""},
		"overdue at once":           {func(p *Policy) { p.Overdue = day }, "", "nothing is overdue before 1d12h", ""},
		"overdue when all are dead": {func(p *Policy) { p.Overdue = 700 * day }, "", "nobody waits for an alarm", ""},
		"by pigeon":                 {func(p *Policy) { p.Ways = "pigeon" }, "", `"pigeon" is no way`, ""},
	} {
		p := Default()
		test.set(&p)
		if got := p.Text(); test.text != "" && got != test.text {
			t.Errorf("%s: %q", name, got)
		}
		err := p.Check()
		if test.error == "" && err != nil || test.error != "" && (err == nil || !strings.Contains(err.Error(), test.error)) {
			t.Errorf("%s: %v", name, err)
		}
		if got := strings.Join(p.Doubts(), "; "); (got == "") != (test.doubt == "") || !strings.Contains(got, test.doubt) {
			t.Errorf("%s: doubts %q", name, got)
		}
	}
}

// An attempt that was not the last one is not called so.
func TestEarlierTry(t *testing.T) {
	p, f := ready()
	f.Asking = Usually
	f.Attempts = []Attempt{
		{At: before(5 * time.Minute), End: before(5 * time.Minute), Store: "nas", Outcome: Failed, Why: "no disk", Next: "buy one"},
	}
	pause := func() Missing {
		for _, m := range Decide(p, f).Missing {
			if m.Code == Pause {
				return m
			}
		}
		return Missing{}
	}
	if m := pause(); m.Text != "the last try failed: no disk; the next one is today at 20:10" || m.Next != "buy one" {
		t.Errorf("%+v", m)
	}
	f.Attempts = append(f.Attempts, ask(2*time.Minute, NotNow, false))
	if m := pause(); m.Text != "an earlier try failed: no disk; the next one is today at 20:10" {
		t.Errorf("%+v", m)
	}
}

// What the sentence says already need not be said again; what tells more is.
func TestSaid(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(*Policy, *Facts)
		said string // by condition: yes or no
	}{
		"away":            {func(_ *Policy, f *Facts) { f.Present = false }, "away yes"},
		"no power, empty": {func(_ *Policy, f *Facts) { f.Power, f.Battery = false, 5 }, "power yes, battery no"},
		"nobody knows":    {func(_ *Policy, f *Facts) { f.Power, f.Battery = false, -1 }, "power no"},
		"all stores away": {func(_ *Policy, f *Facts) { f.Stores[0].Problem = "its disk is not there" }, "store yes"},
		"one store away":  {func(_ *Policy, f *Facts) { both(f, 0, false); f.Stores[1].Problem, f.Power = "gone", false }, "power yes, store no"},
		"it begins":       {func(_ *Policy, f *Facts) { both(f, 0, false); f.Stores[1].Problem = "gone" }, "store no"},
		"after a failure": {func(_ *Policy, f *Facts) {
			f.Attempts = []Attempt{{At: before(time.Minute), Store: "nas", Outcome: Failed, Why: "no disk"}}
		}, "pause no"},
		"switched off now": {func(p *Policy, _ *Facts) { p.Automatic = false }, "off no"},
	} {
		p, f := ready()
		test.set(&p, &f)
		d := Decide(p, f)
		var got []string
		for _, m := range d.Missing {
			got = append(got, string(m.Code)+map[bool]string{true: " yes", false: " no"}[m.Said])
		}
		if strings.Join(got, ", ") != test.said {
			t.Errorf("%s: %q: %q", name, d.Text, got)
		}
	}
}
