package doctor

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"russet"
	"russet/internal/schedule"
)

// Service is what is known of "russet serve", which backs up by itself.
type Service struct {
	Running bool // for this home
	Ran     bool // it ran here before
	// Mute is why one that runs does not answer the commands; nil if it does.
	Mute *russet.Error
	// Troubles are what keeps it from its work, in its own words.
	Troubles []string
	Channels int // the ways to tell people something
}

func serviceCases() []Case {
	return []Case{
		{"service", true, 0, "russet serve runs, and backs up by itself", ""},
		{
			"service-never", false, 0, "nothing is backed up by itself: russet serve was never started here",
			"start it: russet serve (docs/service.md tells how to have it start with the computer)",
		},
		{"service-mute", false, russet.Failed, "russet serve runs, and does not answer: {why}", "{hint}"},
		{
			"service-troubled", false, russet.Failed, "russet serve runs, and has trouble: {why}",
			"see what else is said here; if it lasts, start it again: russet serve --stop, then russet serve",
		},
		{
			"service-stopped", false, russet.Usage, "nothing is backed up by itself: russet serve ran here and does not run now",
			"start it again: russet serve; where the system starts it, the system's log tells why it ended",
		},
		{
			"service-elsewhere", false, russet.Usage, "russet serve runs (process {pid}), but with another folder of its own: {home}",
			"set RUSSET_HOME to the same folder for both; here it is {dir}",
		},
		{
			"policy-off", false, 0, "{phone} is not backed up by itself: that is switched off for it",
			"russet policy set {udid} --automatic on",
		},
		{
			"policy-never", false, russet.Usage, "{phone} asks for its passcode, but all hours in which its backups may begin are quiet hours of its owner",
			"choose other hours: russet policy set {udid} --window … or --quiet …",
		},
		{"waits-locked", false, russet.Locked, "{phone} has been due since {since}, and waits until it is locked", "lock it and leave it; or back it up now: russet backup {udid}"},
		{
			"waits-power", false, russet.NotConnected, "{phone} has been due since {since}, and waits until it is on power",
			"put it on power overnight; or let it go without: russet policy set {udid} --power no",
		},
		{
			"waits-battery", false, russet.NotConnected, "{phone} has been due since {since}, and waits for a fuller battery: {text}",
			"put it on power; or ask for less: russet policy set {udid} --battery 0",
		},
		{
			"waits-way", false, russet.NotConnected, "{phone} has been due since {since}, and waits: {text}",
			"connect it that way; or allow any: russet policy set {udid} --over any",
		},
		{
			"waits-window", false, 0, "{phone} has been due since {since}, and waits for its hours: {text}",
			"let it be here and awake then; or allow any hour: russet policy set {udid} --window any",
		},
		{"waits-quiet", false, 0, "{phone} has been due since {since}, and waits: {text}", "back it up now: russet backup {udid}"},
		{"waits-store", false, russet.NotConnected, "{phone} has been due since {since}, and waits for its store: {text}", "see what is said of the store"},
		{
			"passcode-unanswered", false, russet.Locked, "{phone} showed its passcode sheet {times} since {first}, and nobody typed the passcode",
			"unlock it, start a backup and type the passcode on the phone: russet backup {udid}",
		},
		{
			"notify-none", false, 0, "nobody is told when a phone waits for its passcode or was not backed up for long",
			"say where to: \"russet notify add --help\" shows how, by e-mail, ntfy and others",
		},
		{"sleep", false, 0, "this computer may fall asleep in the middle of a backup: {why}", "{next}"},
	}
}

// patience is how long a backup may be due before it is worth a word, in times
// of its period.
const patience = 2

func examineService(r Readings) []Finding {
	automatic := slices.ContainsFunc(r.Phones, func(p Phone) bool { return p.Policy.Automatic && !p.Met.IsZero() })
	var all []Finding
	if automatic || r.Service.Running {
		all = append(all, r.serving())
	}
	for _, p := range r.Phones {
		if !p.Met.IsZero() {
			all = append(all, about(p, r.waiting(p)...)...)
		}
	}
	if !automatic || !r.Service.Running && !r.Service.Ran {
		return all
	}
	if r.Service.Channels == 0 && r.Home.Settings == nil {
		all = append(all, say("notify-none"))
	}
	return append(all, r.sleeping()...)
}

func (r Readings) serving() Finding {
	others := slices.DeleteFunc(slices.Clone(r.Computer.Serving), func(p Process) bool { return p.Seen && p.Home == r.Home.Dir })
	switch {
	case r.Service.Running && r.Service.Mute != nil:
		return say("service-mute", "why", r.Service.Mute.What, "hint", cmp.Or(r.Service.Mute.Hint, "start it again"))
	case r.Service.Running && len(r.Service.Troubles) > 0:
		return say("service-troubled", "why", strings.Join(r.Service.Troubles, "; "))
	case r.Service.Running:
		return say("service")
	case len(others) > 0 && !r.Home.Moved: // who chose a home may have several
		home := others[0].Home
		if home == "" {
			home = "that of user " + strconv.Itoa(others[0].UID)
		}
		return say("service-elsewhere", "pid", strconv.Itoa(others[0].PID), "home", home, "dir", r.Home.Dir)
	case r.Service.Ran:
		return say("service-stopped")
	default:
		return say("service-never")
	}
}

func (r Readings) sleeping() []Finding {
	c := r.Computer
	if !c.Sleeps || c.Inhibits || c.Container != "" {
		return nil
	}
	why, next := "nothing here lets russet hold that off", "switch off its sleep (suspend) in the system's settings"
	if c.System == "linux" {
		why, next = "systemd-inhibit, which holds that off, is not here", "switch off suspend in the system's settings, or install systemd's tools"
	}
	return []Finding{say("sleep", "why", why, "next", next)}
}

// waiting says what keeps a device from being backed up by itself although it
// is here and due. What keeps it away is said elsewhere.
func (r Readings) waiting(p Phone) []Finding {
	words := []string{"phone", p.quoted(), "udid", string(p.UDID)}
	if !p.Policy.Automatic {
		return []Finding{say("policy-off", words...)}
	}
	var all []Finding
	if n := len(p.Asked); n >= unanswered {
		all = append(all, say("passcode-unanswered", append(words, "times", plural(n, "time"), "first", when(p.Asked[0]))...))
	}
	d := p.Decision
	asks := d.Assisted || p.LastRun != nil && p.LastRun.Passcode
	if asks && p.Policy.NeverAsks() {
		return append(all, say("policy-never", words...))
	}
	since := d.DueSince
	if since.IsZero() {
		since = p.First
	}
	if !r.Service.Running || !d.Due || r.ill() || r.Now.Sub(since) < (patience-1)*p.Policy.Every {
		return all
	}
	for _, m := range d.Missing {
		f, ok := waits(m, append(words, "since", when(since), "text", strings.TrimSpace(m.Text)))
		if ok {
			return append(all, f)
		}
	}
	return all
}

// unanswered is from how many passcode sheets in vain on somebody should know.
const unanswered = 3

func waits(m schedule.Missing, words []string) (Finding, bool) {
	switch code := Code("waits-" + string(m.Code)); code {
	case "waits-locked", "waits-power", "waits-battery", "waits-way", "waits-window", "waits-quiet", "waits-store":
		return say(code, words...), true
	default: // said elsewhere, or over in a moment
		return Finding{}, false
	}
}

// overdueAfter is what holds for a device whose policy says nothing.
const overdueAfter = 7 * 24 * time.Hour
