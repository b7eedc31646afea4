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

var unattended = []situation{
	{
		"all is well", func(_ *Policy, _ *Facts) {}, "nas", "",
		"due since today at 14:00; a backup begins now",
	},
	{
		"backed up lately", func(_ *Policy, f *Facts) { f.Stores[0].Last = before(3 * time.Hour) }, "", "",
		"backed up 3 hours ago; the next one is due tomorrow at 13:00",
	},
	{
		"backed up a minute ago", func(_ *Policy, f *Facts) { f.Stores[0].Last = before(30 * time.Second) }, "", "",
		"backed up just now; the next one is due tomorrow at 15:59",
	},
	{
		"weekly", func(p *Policy, f *Facts) { p.Every, f.Stores[0].Last = 7*day, before(50*time.Hour) }, "", "",
		"backed up 2 days ago; the next one is due on Tuesday at 14:00",
	},
	{
		"never backed up", func(_ *Policy, f *Facts) { f.Stores[0].Last = time.Time{} }, "nas", "",
		"no backup yet; a backup begins now",
	},
	{
		"never backed up and away", func(_ *Policy, f *Facts) { f.Stores[0].Last, f.Present = time.Time{}, false }, "", "away",
		"no backup yet; waits until it is here (on the network, or on the cable)",
	},
	{
		"away", func(_ *Policy, f *Facts) { f.Stores[0].Last, f.Present = before(42*time.Hour), false }, "", "away",
		"due since yesterday at 22:00; waits until it is here (on the network, or on the cable)",
	},
	{
		"away for long", func(_ *Policy, f *Facts) { f.Stores[0].Last, f.Present = before(9*day), false }, "", "away",
		"last backed up 9 days ago; waits until it is here (on the network, or on the cable)",
	},
	{
		"away from the cable", func(p *Policy, f *Facts) { p.Ways, f.Present = Cable, false }, "", "away",
		"due since today at 14:00; waits until it is on the cable",
	},
	{
		"only the cable", func(p *Policy, _ *Facts) { p.Ways = Cable }, "", "way",
		"due since today at 14:00; waits until it is on the cable",
	},
	{
		"only the network", func(p *Policy, f *Facts) { p.Ways, f.Way = Network, Cable }, "", "way",
		"due since today at 14:00; waits until it is on the network",
	},
	{
		"not trusted", func(_ *Policy, f *Facts) { f.Paired = false }, "", "unpaired",
		`due since today at 14:00; waits until it trusts this computer ("russet pair")`,
	},
	{
		"a problem", func(_ *Policy, f *Facts) { f.Problem = "it was restarted and not unlocked since." }, "", "problem",
		"due since today at 14:00; waits until this is mended: it was restarted and not unlocked since",
	},
	{
		"no power", func(_ *Policy, f *Facts) { f.Power = false }, "", "power",
		"due since today at 14:00; waits until it is on power",
	},
	{
		"in use, on battery", func(_ *Policy, f *Facts) { f.Power, f.Unlocked = false, before(time.Hour) }, "", "power locked",
		"due since today at 14:00; waits until it is on power and locked",
	},
	{
		"locked", func(_ *Policy, f *Facts) { f.Locked, f.Unlocked = true, before(time.Hour) }, "nas", "",
		"due since today at 14:00; a backup begins now",
	},
	{
		"does not lock", func(_ *Policy, f *Facts) { f.Unlocked = before(4 * day) }, "nas", "",
		"due since today at 14:00; a backup begins now",
	},
	{
		"battery low", func(p *Policy, f *Facts) { p.Power, f.Power, f.Battery = false, false, 12 }, "", "battery",
		"due since today at 14:00; waits until its battery is at 20 %",
	},
	{
		"battery unknown", func(_ *Policy, f *Facts) { f.Battery = -1 }, "nas", "",
		"due since today at 14:00; a backup begins now",
	},
	{
		"before its hours", func(p *Policy, _ *Facts) { p.Window = Hours{22 * 60, 6 * 60} }, "", "window",
		"due since today at 14:00; waits until today at 22:00, when its hours begin",
	},
	{
		"after its hours, no power", func(p *Policy, f *Facts) { p.Window, f.Power = Hours{9 * 60, 17 * 60}, false }, "", "window power",
		"due since today at 14:00; waits until tomorrow at 09:00, when its hours begin, and until it is on power",
	},
	{
		"quiet hours do not matter to it", func(p *Policy, _ *Facts) { p.Quiet = Hours{19 * 60, 7 * 60} }, "nas", "",
		"due since today at 14:00; a backup begins now",
	},
	{
		"off", func(p *Policy, _ *Facts) { p.Automatic = false }, "", "off",
		"last backed up 26 hours ago; automatic backups are switched off",
	},
	{
		"off, no backup", func(p *Policy, f *Facts) { p.Automatic, f.Stores[0].Last = false, time.Time{} }, "", "off",
		"no backup yet; automatic backups are switched off",
	},
	{
		"running", func(_ *Policy, f *Facts) { f.Running = "nas" }, "", "running",
		"due since today at 14:00; a backup to nas is under way",
	},
	{
		"no store", func(_ *Policy, f *Facts) { f.Stores = nil }, "", "store",
		`no backup yet; waits until a store is added ("russet store add")`,
	},
	{
		"the store is away", func(_ *Policy, f *Facts) { f.Stores[0].Problem = "the folder /mnt/nas is not there" }, "", "store",
		"due since today at 14:00; waits until nas takes backups again (the folder /mnt/nas is not there)",
	},
}

var assisted = []situation{
	{
		"nobody knows whether it asks", func(_ *Policy, f *Facts) { f.Asking = Unknown }, "nas", "",
		"due since today at 14:00; a backup begins now, and it may ask for its passcode",
	},
	{
		"in use is fine", func(_ *Policy, f *Facts) { f.Asking, f.Unlocked = Usually, before(time.Hour) }, "nas", "",
		"due since today at 14:00; a backup begins now, and it may ask for its passcode",
	},
	{
		"quiet hours", func(p *Policy, f *Facts) { f.Asking, p.Quiet = Usually, Hours{19 * 60, 7 * 60} }, "", "quiet",
		"due since today at 14:00; waits until tomorrow at 07:00, when the quiet hours are over",
	},
	{
		"quiet hours, no power", func(p *Policy, f *Facts) { f.Asking, f.Power, p.Quiet = Usually, false, Hours{19 * 60, 7 * 60} }, "", "power quiet",
		"due since today at 14:00; waits until tomorrow at 07:00, when the quiet hours are over, and until it is on power",
	},
	{
		"asked just now", func(_ *Policy, f *Facts) {
			f.Asking, f.Attempts = Usually, []Attempt{ask(40*time.Minute, NotNow, false)}
		}, "", "asks",
		"due since today at 14:00; waits until today at 21:20, when it may ask for its passcode again",
	},
	{
		"asked, and now it was plugged in", func(_ *Policy, f *Facts) {
			f.Asking, f.Attempts, f.Plugged = Usually, []Attempt{ask(40*time.Minute, NotNow, false)}, before(time.Minute)
		}, "nas", "",
		"due since today at 14:00; a backup begins now, and it may ask for its passcode",
	},
	{
		"asked twice, and now it was unlocked", func(_ *Policy, f *Facts) {
			f.Asking, f.Attempts = Usually, []Attempt{ask(60*time.Minute, NotNow, false), ask(20*time.Minute, NotNow, false)}
			f.Unlocked = before(time.Minute)
		}, "", "asks",
		"due since today at 14:00; waits until today at 20:10, when it may ask for its passcode again",
	},
	{
		"asked as often as it may", func(_ *Policy, f *Facts) {
			f.Asking, f.Plugged = Usually, before(time.Minute)
			f.Attempts = []Attempt{ask(9*time.Hour, NotNow, false), ask(6*time.Hour, NotNow, false), ask(3*time.Hour, NotNow, false)}
		}, "", "asks",
		"due since today at 14:00; waits until tomorrow at 11:00, when it may ask for its passcode again",
	},
	{
		"it may never ask", func(p *Policy, f *Facts) { f.Asking, p.Asks = Usually, 0 }, "", "asks",
		"due since today at 14:00; waits until somebody asks for a backup",
	},
	{
		"answers come later in the evening", func(_ *Policy, f *Facts) { f.Asking, f.Attempts = Usually, evenings(10, 22) }, "", "hour",
		"due since today at 14:00; waits until today at 21:00, when its owner usually answers",
	},
	{
		"answers come at this hour", func(_ *Policy, f *Facts) { f.Asking, f.Attempts = Usually, evenings(10, 20) }, "nas", "",
		"due since today at 14:00; a backup begins now, and it may ask for its passcode",
	},
	{
		"answers come later, but it was just unlocked", func(_ *Policy, f *Facts) {
			f.Asking, f.Attempts, f.Unlocked = Usually, evenings(10, 22), before(time.Minute)
		}, "nas", "",
		"due since today at 14:00; a backup begins now, and it may ask for its passcode",
	},
	{
		"answers come later, but the last backup is old", func(_ *Policy, f *Facts) {
			f.Asking, f.Attempts, f.Stores[0].Last = Usually, evenings(10, 22), before(43*time.Hour)
		}, "nas", "",
		"due since yesterday at 21:00; a backup begins now, and it may ask for its passcode",
	},
	{
		"its hours are all quiet", func(p *Policy, f *Facts) {
			f.Asking, p.Window = Usually, Hours{23 * 60, 5 * 60}
		}, "", "window",
		"due since today at 14:00; waits until its hours or the quiet hours are changed",
	},
}

// evenings are asks on past days, each answered, at an hour.
func evenings(days, hour int) []Attempt {
	var all []Attempt
	for d := days; d > 1; d-- {
		at := time.Date(2026, 11, 26-d, hour, 0, 0, 0, zone)
		all = append(all, Attempt{At: at, Store: "nas", Outcome: Done, Asked: true, Answered: true})
	}
	return all
}

var requests = []situation{
	{
		"asked for", func(_ *Policy, f *Facts) { f.Stores[0].Last, f.Requested = before(time.Hour), before(time.Minute) }, "nas", "",
		"a backup was asked for today at 19:59; a backup begins now",
	},
	{
		"asked for in the quiet hours, unplugged", func(p *Policy, f *Facts) {
			f.Asking, p.Quiet, f.Power, f.Requested = Usually, Hours{19 * 60, 7 * 60}, false, before(time.Minute)
		}, "nas", "",
		"a backup was asked for today at 19:59; a backup begins now, and it may ask for its passcode",
	},
	{
		"asked for long before the quiet hours", func(p *Policy, f *Facts) {
			f.Asking, p.Quiet, f.Requested = Usually, Hours{19 * 60, 7 * 60}, before(3*time.Hour)
		}, "", "quiet",
		"a backup was asked for today at 17:00; waits until tomorrow at 07:00, when the quiet hours are over",
	},
	{
		"asked for, and away", func(p *Policy, f *Facts) {
			p.Automatic, f.Present, f.Requested = false, false, before(3*time.Hour)
		}, "", "away",
		"a backup was asked for today at 17:00; waits until it is here (on the network, or on the cable)",
	},
	{
		"asked for too long ago", func(p *Policy, f *Facts) { p.Automatic, f.Requested = false, before(30*time.Hour) }, "", "off",
		"last backed up 26 hours ago; automatic backups are switched off",
	},
	{
		"asked for, and nobody typed the passcode", func(_ *Policy, f *Facts) {
			f.Asking, f.Requested = Usually, before(20*time.Minute)
			f.Attempts = []Attempt{ask(19*time.Minute, NotNow, false)}
		}, "", "asks",
		"due since today at 14:00; waits until today at 21:41, when it may ask for its passcode again",
	},
	{
		"asked for, and done", func(_ *Policy, f *Facts) {
			f.Requested, f.Stores[0].Last = before(20*time.Minute), before(5*time.Minute)
		}, "", "",
		"backed up 5 minutes ago; the next one is due tomorrow at 15:55",
	},
}

func tried(ago time.Duration, o Outcome) Attempt {
	return Attempt{At: before(ago), Store: "nas", Outcome: o}
}

var failures = []situation{
	{
		"interrupted", func(_ *Policy, f *Facts) { f.Attempts = []Attempt{tried(time.Minute, Interrupted)} }, "", "pause",
		"due since today at 14:00; waits until today at 20:01, when it is tried again",
	},
	{
		"interrupted long after it began", func(_ *Policy, f *Facts) {
			f.Attempts = []Attempt{{At: before(time.Hour), End: before(time.Minute), Store: "nas", Outcome: Interrupted}}
		}, "", "pause",
		"due since today at 14:00; waits until today at 20:01, when it is tried again",
	},
	{
		"interrupted three times", func(_ *Policy, f *Facts) {
			f.Attempts = []Attempt{tried(20*time.Minute, Interrupted), tried(15*time.Minute, Interrupted), tried(6*time.Minute, Interrupted)}
		}, "", "pause",
		"due since today at 14:00; waits until today at 20:09, when it is tried again",
	},
	{
		"interrupted, then plugged in", func(_ *Policy, f *Facts) {
			f.Attempts, f.Plugged = []Attempt{tried(20*time.Minute, Interrupted), tried(4*time.Minute, Interrupted)}, before(time.Minute)
		}, "nas", "",
		"due since today at 14:00; a backup begins now",
	},
	{
		"nobody lived to note the end", func(_ *Policy, f *Facts) { f.Attempts = []Attempt{tried(time.Minute, Begun)} }, "", "pause",
		"due since today at 14:00; waits until today at 20:01, when it is tried again",
	},
	{
		"failed", func(_ *Policy, f *Facts) { f.Attempts = []Attempt{tried(10*time.Minute, Failed)} }, "", "pause",
		"due since today at 14:00; waits until today at 20:05, when it is tried again",
	},
	{
		"failed again and again", func(_ *Policy, f *Facts) {
			for h := 30; h > 0; h-- {
				f.Attempts = append(f.Attempts, tried(time.Duration(h)*time.Hour, NoSpace))
			}
		}, "", "pause",
		"due since today at 14:00; waits until tomorrow at 01:00, when it is tried again",
	},
	{
		"failed, then asked for", func(_ *Policy, f *Facts) {
			f.Attempts, f.Requested = []Attempt{tried(10*time.Minute, Failed)}, before(time.Minute)
		}, "nas", "",
		"a backup was asked for today at 19:59; a backup begins now",
	},
	{
		"the passcode was typed, then the link broke", func(_ *Policy, f *Facts) {
			f.Asking, f.Attempts = Usually, []Attempt{ask(8*time.Minute, Interrupted, true)}
		}, "", "asks",
		"due since today at 14:00; waits until today at 20:02, when it may ask for its passcode again",
	},
}

var severalStores = []situation{
	{
		"both are due", func(_ *Policy, f *Facts) { both(f, 27*time.Hour, true) }, "nas", "running",
		"due since today at 13:00; a backup to nas begins now",
	},
	{
		"the first is done", func(_ *Policy, f *Facts) {
			both(f, 27*time.Hour, true)
			f.Stores[0].Last = before(time.Hour)
		}, "s3", "",
		"backed up an hour ago to nas, due in s3 since today at 13:00; a backup to s3 begins now",
	},
	{
		"the first is away", func(_ *Policy, f *Facts) {
			both(f, 27*time.Hour, true)
			f.Stores[0].Problem = "no answer from 192.168.1.2"
		}, "s3", "store",
		"due since today at 13:00; a backup to s3 begins now",
	},
	{
		"only the one that is away is due", func(_ *Policy, f *Facts) {
			both(f, 27*time.Hour, true)
			f.Stores[0].Last = before(time.Hour)
			f.Stores[1].Problem = "no answer from s3.example"
		}, "", "store",
		"backed up an hour ago to nas, due in s3 since today at 13:00; waits until s3 takes backups again (no answer from s3.example)",
	},
	{
		"one failed, the other is tried", func(_ *Policy, f *Facts) {
			both(f, 27*time.Hour, false)
			f.Attempts = []Attempt{tried(time.Minute, Failed)}
		}, "s3", "pause",
		"due since today at 13:00; a backup to s3 begins now",
	},
	{
		"a phone that asks is asked once", func(_ *Policy, f *Facts) { f.Asking = Usually; both(f, 27*time.Hour, true) }, "nas", "",
		"due since today at 13:00; a backup to nas begins now, and it may ask for its passcode",
	},
	{
		"the other gets a copy", func(_ *Policy, f *Facts) {
			f.Asking, f.Present = Usually, false
			both(f, 0, true)
			f.Stores[0].Last = before(5 * time.Hour)
		}, "", "",
		"backed up 5 hours ago to nas, not yet to s3; s3 gets a copy of the backup in nas",
	},
	{
		"the copy waits", func(_ *Policy, f *Facts) {
			f.Asking = Usually
			both(f, 27*time.Hour, true)
			f.Stores[0].Last, f.Stores[0].Problem = before(5*time.Hour), "no answer from 192.168.1.2"
		}, "", "store",
		"backed up 5 hours ago to nas, due in s3 since today at 13:00; waits until nas is back",
	},
	{
		"a store that takes no copies", func(_ *Policy, f *Facts) {
			f.Asking = Usually
			both(f, 27*time.Hour, false)
			f.Stores[0].Last = before(5 * time.Hour)
		}, "s3", "",
		"backed up 5 hours ago to nas, due in s3 since today at 13:00; a backup to s3 begins now, and it may ask for its passcode",
	},
}

var clocks = []situation{
	{
		"the last backup is from the future", func(_ *Policy, f *Facts) { f.Stores[0].Last = now.Add(49 * time.Hour) }, "nas", "",
		"its last backup is dated on Saturday at 21:00 (a clock was wrong); a backup begins now",
	},
	{
		"a little ahead is no fault", func(_ *Policy, f *Facts) { f.Stores[0].Last = now.Add(2 * time.Minute) }, "", "",
		"backed up just now; the next one is due tomorrow at 16:02",
	},
	{
		"attempts from the future", func(_ *Policy, f *Facts) {
			f.Asking = Usually
			f.Attempts = []Attempt{ask(-time.Hour, NotNow, false), ask(-2*time.Hour, NotNow, false), ask(-3*time.Hour, NotNow, false)}
		}, "nas", "",
		"due since today at 14:00; a backup begins now, and it may ask for its passcode",
	},
	{
		"known only since tomorrow", func(_ *Policy, f *Facts) { f.Stores[0].Last, f.Since = time.Time{}, now.Add(day) }, "nas", "",
		"no backup yet; a backup begins now",
	},
	{
		"nobody knows since when", func(_ *Policy, f *Facts) { f.Stores[0].Last, f.Since = time.Time{}, time.Time{} }, "nas", "",
		"no backup yet; a backup begins now",
	},
}
