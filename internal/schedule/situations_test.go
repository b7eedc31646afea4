package schedule

import "time"

var unattended = []situation{
	{
		"all is well", func(_ *Policy, _ *Facts) {}, "nas", "",
		"due since 14:00; a backup begins now",
	},
	{
		"the last backup is of another iOS", func(_ *Policy, f *Facts) { f.Stores[0].Held = now.Add(20 * time.Hour) }, "", "held",
		"due since 14:00; waits until tomorrow at 16:00, when the next backup may take the place of the last one",
	},
	{
		"and nobody archived it", func(_ *Policy, f *Facts) { f.Stores[0].Held = now }, "nas", "",
		"due since 14:00; a backup begins now",
	},
	{
		"or asked for the next one", func(_ *Policy, f *Facts) { f.Stores[0].Held, f.Requested = now.Add(20*time.Hour), before(time.Minute) }, "nas", "",
		"a backup was asked for today at 19:59; a backup begins now",
	},
	{
		"held by a clock that was ahead", func(_ *Policy, f *Facts) { f.Stores[0].Held = now.Add(25 * time.Hour) }, "nas", "",
		"due since 14:00; a backup begins now",
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
		"due since 14:00; waits until it is on the cable",
	},
	{
		"only the cable", func(p *Policy, _ *Facts) { p.Ways = Cable }, "", "way",
		"due since 14:00; waits until it is on the cable",
	},
	{
		"only the network", func(p *Policy, f *Facts) { p.Ways, f.Way = Network, Cable }, "", "way",
		"due since 14:00; waits until it is on the network",
	},
	{
		"not trusted", func(_ *Policy, f *Facts) { f.Paired, f.Way = false, Cable }, "", "unpaired",
		`due since 14:00; waits until it trusts this computer ("russet pair")`,
	},
	{
		"no longer trusted, on the network", func(_ *Policy, f *Facts) { f.Paired = false }, "", "unpaired",
		`due since 14:00; waits until it is connected with the cable once and trusts this computer again ("russet pair")`,
	},
	{
		"a problem", func(_ *Policy, f *Facts) { f.Problem = "it was restarted and not unlocked since." }, "", "problem",
		"due since 14:00; waits until this is mended: it was restarted and not unlocked since",
	},
	{
		"no power", func(_ *Policy, f *Facts) { f.Power = false }, "", "power",
		"due since 14:00; waits until it is on power",
	},
	{
		"in use, on battery", func(_ *Policy, f *Facts) { f.Power, f.Unlocked = false, before(time.Hour) }, "", "power locked",
		"due since 14:00; waits until it is on power and locked",
	},
	{
		"locked", func(_ *Policy, f *Facts) { f.Locked, f.Unlocked = true, before(time.Hour) }, "nas", "",
		"due since 14:00; a backup begins now",
	},
	{
		"does not lock", func(_ *Policy, f *Facts) { f.Unlocked = before(4 * day) }, "nas", "",
		"due since 14:00; a backup begins now",
	},
	{
		"battery low", func(p *Policy, f *Facts) { p.Power, f.Power, f.Battery = false, false, 12 }, "", "battery",
		"due since 14:00; waits until its battery is at 20 %",
	},
	{
		"no power, which it does not tell", func(_ *Policy, f *Facts) { f.Power, f.Battery = false, -1 }, "", "power",
		"due since 14:00; waits until it is on power",
	},
	{
		"it never tells of its power", func(_ *Policy, f *Facts) {
			f.Power, f.Battery, f.Stores[0].Last = false, -1, before(43*time.Hour)
		}, "nas", "",
		"due since yesterday at 21:00; a backup begins now",
	},
	{
		"not trusted, and no store", func(_ *Policy, f *Facts) { f.Paired, f.Way, f.Stores = false, Cable, nil }, "", "unpaired store",
		`no backup yet; waits until it trusts this computer ("russet pair") and there is a store (the first backup makes one, "russet store add" another)`,
	},
	{
		"battery unknown", func(_ *Policy, f *Facts) { f.Battery = -1 }, "nas", "",
		"due since 14:00; a backup begins now",
	},
	{
		"before its hours", func(p *Policy, _ *Facts) { p.Window = Hours{22 * 60, 6 * 60} }, "", "window",
		"due since 14:00; waits until 22:00, when its hours begin",
	},
	{
		"after its hours, no power", func(p *Policy, f *Facts) { p.Window, f.Power = Hours{9 * 60, 17 * 60}, false }, "", "window power",
		"due since 14:00; waits until tomorrow at 09:00, when its hours begin, and until it is on power",
	},
	{
		"quiet hours do not matter to it", func(p *Policy, _ *Facts) { p.Quiet = Hours{19 * 60, 7 * 60} }, "nas", "",
		"due since 14:00; a backup begins now",
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
		"due since 14:00; a backup to nas is under way",
	},
	{
		"no store", func(_ *Policy, f *Facts) { f.Stores = nil }, "", "store",
		`no backup yet; waits until there is a store (the first backup makes one, "russet store add" another)`,
	},
	{
		"the store is away", func(_ *Policy, f *Facts) { f.Stores[0].Problem = "the folder /mnt/nas is not there" }, "", "store",
		"due since 14:00; waits until nas takes backups again (the folder /mnt/nas is not there)",
	},
}

var assisted = []situation{
	{
		"nobody knows whether it asks", func(_ *Policy, f *Facts) { f.Asking = Unknown }, "nas", "",
		"due since 14:00; a backup begins now, and it may ask for its passcode",
	},
	{
		"in use is fine", func(_ *Policy, f *Facts) { f.Asking, f.Unlocked = Usually, before(time.Hour) }, "nas", "",
		"due since 14:00; a backup begins now, and it may ask for its passcode",
	},
	{
		"quiet hours", func(p *Policy, f *Facts) { f.Asking, p.Quiet = Usually, Hours{19 * 60, 7 * 60} }, "", "quiet",
		"due since 14:00; waits until tomorrow at 07:00, when the quiet hours are over",
	},
	{
		"quiet hours, and it was met just now", func(p *Policy, f *Facts) {
			f.Asking, f.Since, f.Stores[0].Last, p.Quiet = Unknown, before(time.Minute), time.Time{}, Hours{19 * 60, 7 * 60}
		}, "nas", "",
		"no backup yet; a backup begins now, and it may ask for its passcode",
	},
	{
		"quiet hours, it was met just now and did not get its passcode", func(p *Policy, f *Facts) {
			f.Asking, f.Since, f.Stores[0].Last, p.Quiet = Usually, before(20*time.Minute), time.Time{}, Hours{19 * 60, 7 * 60}
			f.Attempts, f.Plugged = []Attempt{ask(15*time.Minute, NotNow, false)}, before(time.Minute)
		}, "", "quiet",
		"no backup yet; waits until tomorrow at 07:00, when the quiet hours are over",
	},
	{
		"quiet hours, and it was met in the afternoon", func(p *Policy, f *Facts) {
			f.Asking, f.Since, f.Stores[0].Last, p.Quiet = Unknown, before(4*time.Hour), time.Time{}, Hours{19 * 60, 7 * 60}
		}, "", "quiet",
		"no backup yet; waits until tomorrow at 07:00, when the quiet hours are over",
	},
	{
		"quiet hours, no power", func(p *Policy, f *Facts) { f.Asking, f.Power, p.Quiet = Usually, false, Hours{19 * 60, 7 * 60} }, "", "power quiet",
		"due since 14:00; waits until tomorrow at 07:00, when the quiet hours are over, and until it is on power",
	},
	{
		"asked just now", func(_ *Policy, f *Facts) {
			f.Asking, f.Attempts = Usually, []Attempt{ask(40*time.Minute, NotNow, false)}
		}, "", "asks",
		"due since 14:00; waits until 21:20, when it may ask for its passcode again",
	},
	{
		"asked, and now it was plugged in", func(_ *Policy, f *Facts) {
			f.Asking, f.Attempts, f.Plugged = Usually, []Attempt{ask(40*time.Minute, NotNow, false)}, before(time.Minute)
		}, "nas", "",
		"due since 14:00; a backup begins now, and it may ask for its passcode",
	},
	{
		"asked twice, and now it was unlocked", func(_ *Policy, f *Facts) {
			f.Asking, f.Attempts = Usually, []Attempt{ask(60*time.Minute, NotNow, false), ask(20*time.Minute, NotNow, false)}
			f.Unlocked = before(time.Minute)
		}, "", "asks",
		"due since 14:00; waits until 20:10, when it may ask for its passcode again",
	},
	{
		"asked as often as it may", func(_ *Policy, f *Facts) {
			f.Asking, f.Plugged = Usually, before(time.Minute)
			f.Attempts = []Attempt{ask(9*time.Hour, NotNow, false), ask(6*time.Hour, NotNow, false), ask(3*time.Hour, NotNow, false)}
		}, "", "asks",
		"due since 14:00; waits until tomorrow at 11:00, when it may ask for its passcode again",
	},
	{
		"left in peace until the quiet hours have begun", func(p *Policy, f *Facts) {
			f.Asking, f.Attempts, p.Quiet = Usually, []Attempt{ask(40*time.Minute, NotNow, false)}, Hours{21 * 60, 7 * 60}
		}, "", "asks",
		"due since 14:00; waits until tomorrow at 07:00, when the quiet hours are over",
	},
	{
		"left in peace until its hours are over", func(p *Policy, f *Facts) {
			f.Asking, f.Attempts, p.Window = Usually, []Attempt{ask(40*time.Minute, NotNow, false)}, Hours{19 * 60, 21 * 60}
		}, "", "asks",
		"due since 14:00; waits until tomorrow at 19:00, when its hours begin",
	},
	{
		"it may never ask", func(p *Policy, f *Facts) { f.Asking, p.Asks = Usually, 0 }, "", "asks",
		"due since 14:00; waits until somebody asks for a backup",
	},
	{
		"answers come later in the evening", func(_ *Policy, f *Facts) { f.Asking, f.Attempts = Usually, evenings(10, 21) }, "", "hour",
		"due since 14:00; waits until 21:00, when its owner usually answers",
	},
	{
		"answers come at this hour", func(_ *Policy, f *Facts) { f.Asking, f.Attempts = Usually, evenings(10, 20) }, "nas", "",
		"due since 14:00; a backup begins now, and it may ask for its passcode",
	},
	{
		"answers come later, but it was just unlocked", func(_ *Policy, f *Facts) {
			f.Asking, f.Attempts, f.Unlocked = Usually, evenings(10, 21), before(time.Minute)
		}, "nas", "",
		"due since 14:00; a backup begins now, and it may ask for its passcode",
	},
	{
		"answers come later, but the last backup is old", func(_ *Policy, f *Facts) {
			f.Asking, f.Attempts, f.Stores[0].Last = Usually, evenings(10, 21), before(43*time.Hour)
		}, "nas", "",
		"due since yesterday at 21:00; a backup begins now, and it may ask for its passcode",
	},
	{
		"late, and only one ask is left today", func(_ *Policy, f *Facts) {
			f.Asking, f.Stores[0].Last = Usually, before(43*time.Hour)
			f.Attempts = append(evenings(10, 21), ask(6*time.Hour, NotNow, false), ask(3*time.Hour, NotNow, false))
		}, "", "hour",
		"due since yesterday at 21:00; waits until 21:00, when its owner usually answers",
	},
	{
		"it is plugged in when its owner never answers", func(_ *Policy, f *Facts) {
			f.Asking, f.Attempts, f.Plugged = Usually, evenings(10, 21), before(time.Minute)
			for d := 4; d < 8; d++ {
				f.Attempts = append(f.Attempts, ask(time.Duration(d)*day, NotNow, false))
			}
		}, "", "hour",
		"due since 14:00; waits until 21:00, when its owner usually answers",
	},
	{
		"no power, and not yet late", func(_ *Policy, f *Facts) { f.Asking, f.Power = Usually, false }, "", "power",
		"due since 14:00; waits until it is on power",
	},
	{
		"no power, and late", func(_ *Policy, f *Facts) { f.Asking, f.Power, f.Stores[0].Last = Usually, false, before(43*time.Hour) }, "nas", "",
		"due since yesterday at 21:00; a backup begins now, and it may ask for its passcode",
	},
	{
		"no power, late, and the battery is low", func(_ *Policy, f *Facts) {
			f.Asking, f.Power, f.Battery, f.Stores[0].Last = Usually, false, 40, before(43*time.Hour)
		}, "", "power",
		"due since yesterday at 21:00; waits until it is on power",
	},
	{
		"its hours are all quiet", func(p *Policy, f *Facts) {
			f.Asking, p.Window = Usually, Hours{23 * 60, 5 * 60}
		}, "", "window",
		"due since 14:00; waits until its hours or the quiet hours are changed",
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
