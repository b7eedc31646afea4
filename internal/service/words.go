package service

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"russet"
	"russet/internal/retention"
	"russet/internal/schedule"
)

// StepText says where a run is, in words.
func StepText(e russet.Event) string {
	text := StageText(e.Stage)
	if e.Passcode {
		text = "waiting for the passcode on the phone"
	}
	parts := []string{text}
	if e.Percent >= 0 && (e.Stage == russet.Receiving || e.Stage == russet.Checking) {
		parts = append(parts, fmt.Sprintf("%.0f %%", e.Percent))
	}
	if e.Bytes > 0 && e.Stage == russet.Receiving {
		parts = append(parts, retention.Bytes(e.Bytes))
	}
	return strings.Join(parts, ", ")
}

// StageText says a stage of a run in plain words.
func StageText(s russet.Stage) string {
	switch s {
	case russet.Connecting, "":
		return "connecting"
	case russet.Waiting:
		return "the phone prepares (unlock it and type its passcode if it asks)"
	case russet.Preparing:
		return "the phone reads the last backup"
	case russet.Receiving:
		return "receiving"
	case russet.Moving:
		return "putting files in place"
	case russet.Checking:
		return "the phone checks the backup"
	case russet.Committing:
		return "checking and keeping the backup"
	case russet.Sending:
		return "sending"
	default:
		return string(s)
	}
}

// LastTry says when a device's last run was and why there is no backup of it, or
// not a whole one, and what there is to do about it; "" when all went well, when
// another run is under way, and when what the next backup waits for says so.
func LastTry(d DeviceStatus, now time.Time) (text, next string) {
	r := d.Last
	if r == nil || d.Running != nil || r.Outcome == "done" {
		return "", ""
	}
	why := strings.TrimRight(r.Why(), ".")
	for _, m := range d.Decision.Missing {
		if m.Code == schedule.Pause && (m.Store == "" || m.Store == r.Store) && (strings.Contains(m.Text, why) || r.Outcome == "stopped") {
			return "", ""
		}
	}
	for _, s := range d.Stores {
		if s.Backup != nil && s.Backup.Time.After(r.End) { // another computer made one
			return "", ""
		}
	}
	how := map[string]string{"failed": "failed", "interrupted": "was interrupted", "stopped": "was stopped", "not-now": "came to nothing"}[r.Outcome]
	text = "the last try, " + spoken(at(r.End, now))
	if len(d.Stores) > 1 {
		text += " to " + r.Store
	}
	switch {
	case how == "": // a backup that lacks something
		return text + ": " + cmp.Or(why, r.Outcome), r.Hint
	case why == "" || r.Outcome == "stopped":
		return text + ", " + how, r.Hint
	default:
		return text + ", " + how + ": " + why, r.Hint
	}
}

func whereabouts(d DeviceStatus) string {
	var parts []string
	switch {
	case !d.Present && !d.Seen.IsZero():
		parts = append(parts, "away")
	case !d.Present:
		parts = append(parts, "not here")
	case d.Connection == "usb":
		parts = append(parts, "on the cable")
	case d.Untrusted: // nothing there proved to be this device
		parts = append(parts, "on the network, it seems")
	default:
		parts = append(parts, "on the network")
	}
	if d.Present && d.Paired {
		if d.Power {
			parts = append(parts, "on power")
		}
		if d.Battery >= 0 {
			parts = append(parts, fmt.Sprintf("%d %%", d.Battery))
		}
	}
	return strings.Join(parts, ", ")
}

// size says a number of bytes in a way that stays in one line.
func size(n int64) string { return strings.ReplaceAll(retention.Bytes(n), " ", "\u00a0") }

func devicesText(n int) string {
	if n == 1 {
		return "1 device"
	}
	return fmt.Sprintf("%d devices", n)
}

func iosText(version string) string {
	if version == "" {
		return ""
	}
	return "iOS " + version
}

func notEmpty(words ...string) []string {
	var list []string
	for _, w := range words {
		if w != "" {
			list = append(list, w)
		}
	}
	return list
}

// at says when something was or will be, as seen from now.
func at(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(now.Location())
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return "today " + t.Format("15:04")
	case t.AddDate(0, 0, 1).Format(time.DateOnly) == now.Format(time.DateOnly):
		return "yesterday " + t.Format("15:04")
	case t.AddDate(0, 0, -1).Format(time.DateOnly) == now.Format(time.DateOnly):
		return "tomorrow " + t.Format("15:04")
	default:
		return t.Format("2006-01-02 15:04")
	}
}

// spoken is a time as a sentence has it: "today at 14:35".
func spoken(at string) string {
	day, clock, ok := strings.Cut(at, " ")
	if !ok {
		return at
	}
	if strings.Contains(day, "-") {
		day = "on " + day
	}
	return day + " at " + clock
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	first, n := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(first)) + s[n:]
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}
