package doctor

import (
	"cmp"
	"time"

	"russet"
	"russet/internal/schedule"
)

// The codes of the device's own that say what a failed run was about
// (protocol.md 3.14).
const (
	codeHostFull = 105
	codeLocked   = 208
)

func historyCases() []Case {
	return []Case{
		{"backup-fresh", true, 0, "{phone} was last backed up on {time}", ""},
		{"backup-never", false, 0, "{phone} was never backed up", "russet backup {udid}"},
		{"backup-gone", false, 0, "{phone} has no backup any more", "russet backup {udid}"},
		{"backup-overdue", false, 0, "{phone} was last backed up {ago} ago, on {time}", "russet backup {udid}"},
		{"run-failed", false, russet.Failed, "{phone}: the last run, on {end}, failed: {why}", "{first}russet backup {udid}"},
		{
			"run-passcode", false, russet.Locked, "{phone}: the last run, on {end}, ended because nobody typed the passcode on the phone",
			"keep the phone at hand and type it when it asks: russet backup {udid}",
		},
		{"run-space", false, russet.NoSpace, "{phone}: the last run, on {end}, had no room: {why}", "{first}russet backup {udid}"},
		{"run-interrupted", false, russet.Interrupted, "{phone}: the last run, on {end}, was interrupted: {why}", "what was received is kept; go on with: russet backup {udid}"},
		{"run-stopped", false, 0, "{phone}: the last run, on {end}, was stopped by somebody", "what was received is kept; go on with: russet backup {udid}"},
		{
			"run-partial", false, russet.Partial, "{phone}: the last run, on {end}, is a backup, but {files} could not be read from the phone",
			"often these are damaged, or photos that are only in iCloud; restarting the phone may help: then russet backup {udid}",
		},
	}
}

func examineHistory(r Readings) []Finding {
	var all []Finding
	for _, p := range r.Phones {
		all = append(all, about(p, r.history(p)...)...)
	}
	return all
}

func (r Readings) history(p Phone) []Finding {
	words := []string{"phone", p.quoted(), "udid", string(p.UDID), "time", when(p.LastBackup), "ago", ago(r.Now.Sub(p.LastBackup))}
	run := p.LastRun
	if run != nil {
		words = append(words, "end", when(run.End), "why", run.Why(), "files", plural(len(run.Unread), "file"), "first", first(run.Hint))
	}
	var all []Finding
	if code := runCode(run); code != "" && !p.Running {
		f := say(code, words...)
		if code == "run-failed" {
			f.Kind = cmp.Or(run.Kind, f.Kind)
		}
		all = append(all, f)
	}
	switch {
	case p.Blind && p.LastBackup.IsZero(), p.Running:
	case r.Home.Settings != nil && p.LastBackup.IsZero(): // nobody knows the stores
	case p.LastBackup.IsZero() && p.Dropped:
		all = append(all, say("backup-gone", words...))
	case p.LastBackup.IsZero() && len(all) == 0 && !p.Met.IsZero():
		all = append(all, say("backup-never", words...))
	case p.LastBackup.IsZero(), r.ill():
	case r.Now.Sub(p.LastBackup) > overdue(p.Policy):
		all = append(all, say("backup-overdue", words...))
	case len(all) == 0 && !p.LastBackup.After(r.Now.Add(clockSlack)):
		all = append(all, say("backup-fresh", words...))
	}
	return all
}

// first is what is to be done before trying again.
func first(hint string) string {
	if hint == "" {
		return ""
	}
	return hint + "; then: "
}

func overdue(p schedule.Policy) time.Duration {
	if p.Overdue > 0 {
		return p.Overdue
	}
	return overdueAfter
}

// runCode is the case of a run that did not end well; "" if it did.
func runCode(run *russet.Run) Code {
	switch {
	case run == nil || run.Outcome == "done":
		return ""
	case run.Outcome == "partial", run.Outcome == "stopped", run.Outcome == "interrupted":
		return Code("run-" + run.Outcome)
	case run.Code == codeLocked:
		return "run-passcode"
	case run.Code == codeHostFull, run.Kind == russet.NoSpace:
		return "run-space"
	default:
		return "run-failed"
	}
}
