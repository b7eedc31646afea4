package schedule

import "time"

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
		"due since 14:00; waits until 21:41, when it may ask for its passcode again",
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
		"due since 14:00; waits until 20:01, when it is tried again",
	},
	{
		"interrupted long after it began", func(_ *Policy, f *Facts) {
			f.Attempts = []Attempt{{At: before(time.Hour), End: before(time.Minute), Store: "nas", Outcome: Interrupted}}
		}, "", "pause",
		"due since 14:00; waits until 20:01, when it is tried again",
	},
	{
		"interrupted three times", func(_ *Policy, f *Facts) {
			f.Attempts = []Attempt{tried(20*time.Minute, Interrupted), tried(15*time.Minute, Interrupted), tried(6*time.Minute, Interrupted)}
		}, "", "pause",
		"due since 14:00; waits until 20:09, when it is tried again",
	},
	{
		"interrupted, then plugged in", func(_ *Policy, f *Facts) {
			f.Attempts, f.Plugged = []Attempt{tried(20*time.Minute, Interrupted), tried(4*time.Minute, Interrupted)}, before(time.Minute)
		}, "nas", "",
		"due since 14:00; a backup begins now",
	},
	{
		"nobody lived to note the end", func(_ *Policy, f *Facts) { f.Attempts = []Attempt{tried(time.Minute, Begun)} }, "", "pause",
		"due since 14:00; waits until 20:01, when it is tried again",
	},
	{
		"failed", func(_ *Policy, f *Facts) { f.Attempts = []Attempt{tried(10*time.Minute, Failed)} }, "", "pause",
		"due since 14:00; waits until 20:05, when it is tried again",
	},
	{
		"failed again and again", func(_ *Policy, f *Facts) {
			for h := 30; h > 0; h-- {
				f.Attempts = append(f.Attempts, tried(time.Duration(h)*time.Hour, NoSpace))
			}
		}, "", "pause",
		"due since 14:00; waits until tomorrow at 01:00, when it is tried again",
	},
	{
		"failed long ago", func(_ *Policy, f *Facts) {
			for h := 15; h > 0; h-- {
				f.Attempts = append(f.Attempts, tried(time.Duration(46+5*h)*time.Hour, Failed))
			}
			f.Attempts = append(f.Attempts, tried(16*time.Minute, Failed))
		}, "nas", "",
		"due since 14:00; a backup begins now",
	},
	{
		"a loose plug", func(_ *Policy, f *Facts) {
			f.Attempts, f.Plugged = []Attempt{tried(7*time.Minute, Interrupted), tried(time.Minute, Interrupted)}, before(10*time.Second)
		}, "", "pause",
		"due since 14:00; waits until 20:04, when it is tried again",
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
		"due since 14:00; waits until 20:02, when it may ask for its passcode again",
	},
}

var severalStores = []situation{
	{
		"both are due", func(_ *Policy, f *Facts) { both(f, 27*time.Hour, true) }, "nas", "running",
		"due since 13:00; a backup to nas begins now",
	},
	{
		"both are due, no power", func(_ *Policy, f *Facts) {
			both(f, 27*time.Hour, true)
			f.Power = false
		}, "", "power",
		"due since 13:00; waits until it is on power",
	},
	{
		"the first is done", func(_ *Policy, f *Facts) {
			both(f, 27*time.Hour, true)
			f.Stores[0].Last = before(time.Hour)
		}, "s3", "",
		"backed up an hour ago to nas, due in s3 since 13:00; a backup to s3 begins now",
	},
	{
		"never backed up, as far as a store that is away tells", func(_ *Policy, f *Facts) {
			f.Stores = []StoreFacts{{Name: "nas", Problem: "no answer from 192.168.1.2"}}
		}, "", "store",
		"no backup is known; waits until nas takes backups again (no answer from 192.168.1.2)",
	},
	{
		"the first is away", func(_ *Policy, f *Facts) {
			both(f, 27*time.Hour, true)
			f.Stores[0].Problem = "no answer from 192.168.1.2"
		}, "s3", "store",
		"due since 13:00; a backup to s3 begins now",
	},
	{
		"only the one that is away is due", func(_ *Policy, f *Facts) {
			both(f, 27*time.Hour, true)
			f.Stores[0].Last = before(time.Hour)
			f.Stores[1].Problem = "no answer from s3.example"
		}, "", "store",
		"backed up an hour ago to nas, due in s3 since 13:00; waits until s3 takes backups again (no answer from s3.example)",
	},
	{
		"one is away for weeks", func(_ *Policy, f *Facts) {
			both(f, 3*time.Hour, true)
			f.Asking, f.Present = Usually, false
			f.Stores[0] = StoreFacts{Name: "nas", Last: before(20 * day), Problem: "no answer from 192.168.1.2", Copies: true}
		}, "", "store",
		"backed up 3 hours ago to s3, due in nas since 7 November at 16:00; waits until nas takes backups again (no answer from 192.168.1.2)",
	},
	{
		"one is away, and the phone not on power", func(_ *Policy, f *Facts) {
			both(f, 27*time.Hour, false)
			f.Stores[1].Problem, f.Power = "no answer from s3.example", false
		}, "", "power store",
		"due since 13:00; waits until it is on power",
	},
	{
		"one failed, the other is tried", func(_ *Policy, f *Facts) {
			both(f, 27*time.Hour, false)
			f.Attempts = []Attempt{tried(time.Minute, Failed)}
		}, "s3", "pause",
		"due since 13:00; a backup to s3 begins now",
	},
	{
		"a phone that asks is asked once", func(_ *Policy, f *Facts) { f.Asking = Usually; both(f, 27*time.Hour, true) }, "nas", "",
		"due since 13:00; a backup to nas begins now, and it may ask for its passcode",
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
		"backed up 5 hours ago to nas, due in s3 since 13:00; waits until nas is back",
	},
	{
		"a store that takes no copies", func(_ *Policy, f *Facts) {
			f.Asking = Usually
			both(f, 27*time.Hour, false)
			f.Stores[0].Last = before(5 * time.Hour)
		}, "s3", "",
		"backed up 5 hours ago to nas, due in s3 since 13:00; a backup to s3 begins now, and it may ask for its passcode",
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
		"due since 14:00; a backup begins now, and it may ask for its passcode",
	},
	{
		"known only since tomorrow", func(_ *Policy, f *Facts) { f.Stores[0].Last, f.Since = time.Time{}, now.Add(day) }, "nas", "",
		"no backup yet; a backup begins now",
	},
	{
		"no service runs", func(_ *Policy, f *Facts) { f.Idle = true }, "nas", "",
		"due since 14:00; a backup would begin now",
	},
	{
		"nobody knows since when", func(_ *Policy, f *Facts) { f.Stores[0].Last, f.Since = time.Time{}, time.Time{} }, "nas", "",
		"no backup yet; a backup begins now",
	},
}
