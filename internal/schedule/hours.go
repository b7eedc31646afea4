package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Hours is a part of the day, such as 22:00–06:00, by the clock on the wall.
// From equal to To (the zero value) is the whole day: for a window that means
// any time. Quiet hours of the zero value are none; ask Policy.QuietAt.
type Hours struct{ From, To Minute }

// Minute counts from midnight, by the clock on the wall: 0 to 1439.
type Minute int

// minutesOfDay is how many there are on most days.
const minutesOfDay = 24 * 60

// Any says whether h is the whole day.
func (h Hours) Any() bool { return h.From == h.To }

// Contains says whether t, in its own time zone, lies in h.
func (h Hours) Contains(t time.Time) bool {
	if h.Any() {
		return true
	}
	m := minuteOf(t)
	if h.From < h.To {
		return h.From <= m && m < h.To
	}
	return h.From <= m || m < h.To
}

// Next is the first moment from t on that lies in h: t itself, or when h
// begins. On a day without that hour, because clocks were put forward, that is
// the first moment after the gap that lies in h, or h of the next day.
func (h Hours) Next(t time.Time) time.Time {
	if h.Contains(t) {
		return t
	}
	t = t.Truncate(time.Minute) // zones differ from UTC by whole minutes
	ahead := (h.From - minuteOf(t) + minutesOfDay) % minutesOfDay
	next := t.Add(time.Duration(ahead) * time.Minute)
	_, before := t.Zone()
	if _, after := next.Zone(); before == after {
		return next
	}
	for next = t; !h.Contains(next) && next.Sub(t) < 2*24*time.Hour; {
		next = next.Add(time.Minute)
	}
	return next
}

// End is the first moment from t on that does not lie in h; the zero time if h
// is the whole day.
func (h Hours) End(t time.Time) time.Time {
	if h.Any() {
		return time.Time{}
	}
	return Hours{From: h.To, To: h.From}.Next(t)
}

func minuteOf(t time.Time) Minute {
	hour, minute, _ := t.Clock()
	return Minute(hour*60 + minute)
}

// String is "22:00-06:00", and "" for the whole day.
func (h Hours) String() string {
	if h.Any() {
		return ""
	}
	return h.From.String() + "-" + h.To.String()
}

// String is "22:00".
func (m Minute) String() string { return fmt.Sprintf("%02d:%02d", m/60, m%60) }

// ParseHours reads "22:00-06:00", "22-6", or "any" or "none" for the zero
// value. The error is a sentence for a person.
func ParseHours(text string) (Hours, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "", "any", "none":
		return Hours{}, nil
	}
	from, to, ok := strings.Cut(strings.ReplaceAll(text, "–", "-"), "-")
	if !ok {
		return Hours{}, fmt.Errorf("%q is no part of a day such as 22:00-06:00", text)
	}
	var h Hours
	var err error
	if h.From, err = parseMinute(from); err == nil {
		h.To, err = parseMinute(to)
	}
	if err != nil {
		return Hours{}, fmt.Errorf("%q is no part of a day such as 22:00-06:00: %w", text, err)
	}
	if h.Any() {
		return Hours{}, fmt.Errorf("%q begins when it ends", text)
	}
	return h, nil
}

// parseMinute reads "22:00", "7" and "24:00", which is midnight.
func parseMinute(text string) (Minute, error) {
	text = strings.TrimSpace(text)
	hours, minutes, ok := strings.Cut(text, ":")
	if !ok {
		minutes = "00"
	}
	h, m := digits(hours), digits(minutes)
	if h < 0 || m < 0 || len(minutes) != 2 || m > 59 || h*60+m > minutesOfDay {
		return 0, fmt.Errorf("%q is no time of day", text)
	}
	return Minute(h*60+m) % minutesOfDay, nil
}

// digits reads one or two decimal digits; -1 if s is not that.
func digits(s string) int {
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil || len(s) > 2 {
		return -1
	}
	return int(n)
}

// MarshalText gives String.
func (h Hours) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText gives.
func (h *Hours) UnmarshalText(text []byte) error {
	parsed, err := ParseHours(string(text))
	if err == nil {
		*h = parsed
	}
	return err
}
