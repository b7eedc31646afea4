package schedule

import (
	"fmt"
	"strings"
	"time"
)

// when says a time as people do, seen from now: "tomorrow at 02:10".
func when(now, t time.Time) string {
	t = t.In(now.Location())
	clock := t.Format("15:04")
	switch days := daysBetween(now, t); {
	case days == 0:
		return "today at " + clock
	case days == 1:
		return "tomorrow at " + clock
	case days == -1:
		return "yesterday at " + clock
	case days > 1 && days < 7:
		return "on " + t.Weekday().String() + " at " + clock
	case days < -1 && days > -7:
		return "last " + t.Weekday().String() + " at " + clock
	case t.Year() == now.Year():
		return t.Format("on 2 January at 15:04")
	default:
		return t.Format("on 2 January 2006 at 15:04")
	}
}

// plainly says a time after "since" and "until": "7 November at 16:00", "16:00".
func plainly(now, t time.Time) string {
	return strings.TrimPrefix(strings.TrimPrefix(when(now, t), "on "), "today at ")
}

// daysBetween counts the midnights from one time to another, by the calendar.
func daysBetween(from, to time.Time) int {
	date := func(t time.Time) time.Time {
		y, m, d := t.Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(date(to).Sub(date(from)) / day)
}

// ago says how long ago something was: "3 hours ago".
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d >= time.Hour && d < 2*time.Hour:
		return "an hour ago"
	case d < time.Hour:
		return count(int(d/time.Minute), "minute") + " ago"
	case d < 2*day:
		return count(int(d/time.Hour), "hour") + " ago"
	default:
		return count(int(d/day), "day") + " ago"
	}
}

func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	default:
		return fmt.Sprintf("%d times", n)
	}
}

// list joins words: "nas, s3 and disk".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// waits says what a backup waits for: what must happen, and of the hours that
// must come the last. If that is in the quiet hours or outside the window, it
// waits for their end, too.
func (l *look) waits(missing []Missing) string {
	var events []string
	var latest Missing
	for _, m := range missing {
		switch {
		case m.at.After(latest.at):
			latest = m
		case m.until != "":
			events = append(events, m.until)
		}
	}
	if opens := l.p.Opens(latest.at, l.asks); !latest.at.IsZero() && !l.wanted && opens.After(latest.at) {
		latest.then = "the quiet hours are over"
		if !l.asks || !l.p.QuietAt(latest.at) {
			latest.then = "its hours begin"
		}
		latest.at = opens
	}
	for i := len(events) - 1; i > 0; i-- {
		const same = "it is "
		if strings.HasPrefix(events[i-1], same) {
			events[i] = strings.TrimPrefix(events[i], same)
		}
	}
	switch {
	case latest.at.IsZero():
		return "waits until " + list(events)
	case len(events) == 0:
		return "waits until " + plainly(l.now, latest.at) + ", when " + latest.then
	default:
		return "waits until " + plainly(l.now, latest.at) + ", when " + latest.then + ", and until " + list(events)
	}
}
