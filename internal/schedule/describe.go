package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Bounds of what a person may choose.
const (
	minEvery, maxEvery = time.Hour, 366 * day
	maxAsks            = 24
)

// Check refuses a policy that cannot be meant. The error is a sentence for a
// person.
func (p Policy) Check() error {
	switch {
	case p.Every < minEvery:
		return errors.New("backups can begin every hour, not more often")
	case p.Every > maxEvery:
		return errors.New("a backup that is made less than once a year is none: switch them off instead")
	case p.Battery < 0 || p.Battery > 100:
		return fmt.Errorf("a battery has 0 to 100 percent, not %d", p.Battery)
	case p.Asks < 1 || p.Asks > maxAsks:
		return fmt.Errorf("a phone may ask for its passcode 1 to %d times a day, not %d times", maxAsks, p.Asks)
	case p.Overdue < 0 || p.Overdue > maxEvery:
		return errors.New("after a year without a backup nobody waits for an alarm")
	case p.Overdue > 0 && p.Overdue < p.Every+p.Every/2:
		return fmt.Errorf("a backup every %s is late after %s by itself: nothing is overdue before %s",
			Span(p.Every), Span(p.Overdue), Span(p.Every+p.Every/2))
	case p.Ways != AnyWay && p.Ways != Cable && p.Ways != Network:
		return fmt.Errorf("%q is no way to a device", p.Ways)
	}
	return nil
}

// Doubts are sentences about what a policy may bring that its owner did not
// think of.
func (p Policy) Doubts() []string {
	var doubts []string
	if !p.Automatic {
		return doubts
	}
	if p.NeverAsks() {
		doubts = append(doubts, fmt.Sprintf("backups may begin between %s and %s, which are all quiet hours (%s to %s): "+
			"a phone that asks for its passcode is never backed up by itself like this", p.Window.From, p.Window.To, p.Quiet.From, p.Quiet.To))
	}
	if each := day / time.Duration(max(p.Asks, 1)); p.Every < each {
		doubts = append(doubts, fmt.Sprintf("a phone that asks for its passcode may do so %s a day: it is not backed up every %s",
			times(p.Asks), Span(p.Every)))
	}
	return doubts
}

// Text says a policy in words, to stand after the name of a device.
func (p Policy) Text() string {
	if !p.Automatic {
		return "not backed up by itself"
	}
	to := "the first store"
	if len(p.Stores) > 0 {
		to = list(p.Stores)
	}
	var when []string
	if !p.Window.Any() {
		when = append(when, fmt.Sprintf("between %s and %s", p.Window.From, p.Window.To))
	}
	var is []string
	if p.Power {
		is = append(is, "on power")
	}
	if p.Locked {
		is = append(is, "locked")
	}
	switch p.Ways {
	case Cable:
		is = append(is, "on the cable")
	case Network:
		is = append(is, "on the network")
	}
	if len(is) > 0 {
		when = append(when, "when it is "+list(is))
	}
	if p.Battery > 0 {
		when = append(when, fmt.Sprintf("with at least %d %% of battery", p.Battery))
	}
	text := strings.Join(append([]string{"backed up by itself " + every(p.Every) + " to " + to}, when...), ", ")
	text += fmt.Sprintf("; may ask for its passcode %s a day", times(p.Asks))
	if !p.Quiet.Any() {
		text += fmt.Sprintf(", but not between %s and %s", p.Quiet.From, p.Quiet.To)
	}
	if p.Overdue > 0 {
		text += "; overdue after " + duration(p.Overdue)
	}
	return text
}

// every says a rhythm: "every day", "every 12 hours".
func every(d time.Duration) string {
	return "every " + strings.TrimPrefix(duration(d), "1 ")
}

// duration says a duration by its largest unit that leaves no rest.
func duration(d time.Duration) string {
	switch {
	case d >= day && d%day == 0:
		return count(int(d/day), "day")
	case d >= time.Hour && d%time.Hour == 0:
		return count(int(d/time.Hour), "hour")
	default:
		return count(int(d.Round(time.Minute)/time.Minute), "minute")
	}
}
