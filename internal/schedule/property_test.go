package schedule

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// some draws from what is likely to matter.
func some[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// around is a time within a span before now, seldom after it, sometimes never.
func around(r *rand.Rand, now time.Time, span time.Duration) time.Time {
	switch r.IntN(10) {
	case 0:
		return time.Time{}
	case 1:
		return now.Add(time.Duration(r.Int64N(int64(span))))
	default:
		return now.Add(-time.Duration(r.Int64N(int64(span))))
	}
}

func anyHours(r *rand.Rand) Hours {
	if r.IntN(3) == 0 {
		return Hours{}
	}
	return Hours{Minute(r.IntN(minutesOfDay)), Minute(r.IntN(minutesOfDay))}
}

func anyPolicy(r *rand.Rand) Policy {
	return Policy{
		Automatic: r.IntN(8) > 0, Every: some(r, 0, time.Hour, 6*time.Hour, day, day, 7*day, 30*day),
		Window: anyHours(r), Quiet: anyHours(r), Locked: r.IntN(2) == 0, Power: r.IntN(2) == 0,
		Battery: some(r, 0, 20, 80), Ways: some(r, AnyWay, AnyWay, Cable, Network),
		Asks: r.IntN(5), Overdue: some(r, 0, day, 7*day),
	}
}

func anyFacts(r *rand.Rand) Facts {
	zones := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"}
	l, err := time.LoadLocation(some(r, zones...))
	if err != nil {
		panic(err)
	}
	at := time.Date(2026, 1, 1, 0, 0, r.IntN(366*24*3600), 0, l)
	f := Facts{
		Now: at, Since: around(r, at, 60*day), Present: r.IntN(5) > 0, Way: some(r, Cable, Network), Paired: r.IntN(8) > 0,
		Problem: some(r, "", "", "", "it is locked since it was started."), Locked: r.IntN(2) == 0, Power: r.IntN(3) > 0,
		Battery: r.IntN(102) - 1, Asking: some(r, Unknown, Never, Usually),
		Plugged: around(r, at, some(r, 6*time.Minute, day)), Unlocked: around(r, at, some(r, 6*time.Minute, 5*day)),
		Nudged: around(r, at, 3*day), Running: some(r, "", "", "", "", "s0"),
	}
	if r.IntN(3) == 0 {
		f.Requested = around(r, at, some(r, 10*time.Minute, 30*time.Hour))
	}
	for i := range r.IntN(4) {
		f.Stores = append(f.Stores, StoreFacts{
			Name: "s" + string(rune('0'+i)), Last: around(r, at, some(r, 2*day, 20*day)),
			Problem: some(r, "", "", "", "it is away"), Copies: r.IntN(2) == 0,
		})
	}
	if len(f.Stores) == 1 && r.IntN(2) == 0 { // a daily backup is due soon
		f.Stores[0].Last = at.Add(-20*time.Hour + time.Duration(r.Int64N(int64(time.Hour))))
	}
	for when := at.Add(-time.Duration(r.Int64N(int64(10 * day)))); r.IntN(12) > 0; {
		when = when.Add(time.Duration(r.Int64N(int64(some(r, time.Hour, day)))))
		a := Attempt{At: when, Store: some(r, "s0", "s1"), Outcome: some(r, Begun, Done, NotNow, Interrupted, NoSpace, Failed), Asked: r.IntN(2) == 0}
		a.Answered = a.Asked && r.IntN(2) == 0
		if r.IntN(2) == 0 {
			a.End = when.Add(time.Duration(r.Int64N(int64(time.Hour))))
		}
		f.Attempts = append(f.Attempts, a)
	}
	return f
}

// Whatever the facts, a decision is sound, keeps the limits, and nothing that
// it waits for comes before it looks again.
func TestDecideAnything(t *testing.T) {
	t.Parallel()
	const decisions = 10_000
	begun := 0
	for seed := range uint64(decisions) {
		r := rand.New(rand.NewPCG(seed, 4))
		p, f := anyPolicy(r), anyFacts(r)
		d := Decide(p, f)
		if again := Decide(p, f); !reflect.DeepEqual(d, again) {
			t.Fatalf("seed %d: decides differently on the same facts", seed)
		}
		sound(t, p, f, d)
		if d.Start != "" {
			begun++
			limits(t, p, f, d)
		} else {
			patient(t, r, p, f, d)
			worse(t, p, f)
		}
		if t.Failed() {
			t.Fatalf("seed %d:\n%+v\n%+v\n%+v", seed, p, f, d)
		}
	}
	t.Logf("%d of %d decisions began a backup", begun, decisions)
	if begun < decisions/100 {
		t.Error("too few to tell anything")
	}
}

// limits checks what no backup may break that begins by itself.
func limits(t *testing.T, p Policy, f Facts, d Decision) {
	t.Helper()
	r := f.Requested
	wished := !r.IsZero() && !r.After(f.Now.Add(skew)) && f.Now.Sub(r) <= wish
	if !wished {
		switch {
		case p.Power && !f.Power && (!d.Assisted || f.Battery < withoutPower || f.Now.Sub(d.DueSince) < min(p.Every/2, day)):
			t.Error("begins without power")
		case !p.Automatic, !p.Window.Contains(f.Now), f.Battery >= 0 && f.Battery < p.Battery,
			p.Ways == Cable && f.Way == Network, p.Ways == Network && f.Way == Cable:
			t.Error("begins against the policy")
		}
	}
	if !d.Assisted {
		return
	}
	stores := slices.ContainsFunc(f.Stores, func(s StoreFacts) bool { return !s.Last.IsZero() })
	met := f.Now.Sub(f.Since) <= loud && !stores && len(f.Attempts) == 0
	if p.QuietAt(f.Now) && !met && (!wished || f.Now.Sub(r) > loud) {
		t.Error("disturbs in the quiet hours")
	}
	asked, since := 0, false
	for _, a := range f.Attempts {
		if a.At.After(f.Now.Add(skew)) {
			continue
		}
		since = since || !a.At.Before(r)
		if (a.Asked || a.Outcome == Begun) && f.Now.Sub(a.At) < day {
			asked++
		}
	}
	if (!wished || since) && asked >= p.Asks {
		t.Errorf("asks once more after %d times", asked)
	}
}

// patient checks that the passing of time alone begins nothing before Again.
func patient(t *testing.T, r *rand.Rand, p Policy, f Facts, d Decision) {
	t.Helper()
	for _, ahead := range []time.Time{f.Plugged, f.Unlocked, f.Requested, f.Nudged} {
		if ahead.After(f.Now) {
			return // a clock that was wrong becomes right by the passing of time
		}
	}
	later := f
	later.Now = f.Now.Add(time.Duration(r.Int64N(int64(d.Again.Sub(f.Now)))))
	if got := Decide(p, later); got.Start != "" {
		t.Errorf("should have looked again at %v: %q", later.Now, got.Text)
	}
}

// worse checks that a backup that does not begin does not begin for lack of
// one thing more.
func worse(t *testing.T, p Policy, f Facts) {
	t.Helper()
	for name, spoil := range map[string]func(*Facts){
		"away":    func(f *Facts) { f.Present = false },
		"paired":  func(f *Facts) { f.Paired = false },
		"power":   func(f *Facts) { f.Power = false },
		"battery": func(f *Facts) { f.Battery = 0 },
		"problem": func(f *Facts) { f.Problem = "it is in recovery mode" },
		"running": func(f *Facts) { f.Running = "s1" },
		"stores": func(f *Facts) {
			stores := append([]StoreFacts(nil), f.Stores...)
			for i := range stores {
				stores[i].Problem = "the disk is full"
			}
			f.Stores = stores
		},
	} {
		lacking := f
		spoil(&lacking)
		if got := Decide(p, lacking); got.Start != "" {
			t.Errorf("begins once this is missing: %s", name)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	p, f := ready()
	f.Asking, f.Attempts = Usually, evenings(10, 22)
	for b.Loop() {
		Decide(p, f)
	}
}
