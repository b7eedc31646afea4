package retention

import (
	"fmt"
	"math"
	"time"
)

// period is what one number of a policy counts.
type period struct {
	keep func(Policy) int
	// bucket numbers the periods, later ones higher.
	bucket func(day int64, at time.Time) int64
	// name says which one it is: "November 2026".
	name func(at time.Time) string
}

// periods are the calendar's, finest first. They count local dates, not hours:
// a day of 23 or 25 hours, or one that a zone skipped, is a day.
func periods() []period {
	return []period{
		{
			keep:   func(p Policy) int { return p.KeepDaily },
			bucket: func(day int64, _ time.Time) int64 { return day },
			name:   func(at time.Time) string { return at.Format("Monday, 2 January 2006") },
		},
		{
			keep:   func(p Policy) int { return p.KeepWeekly },
			bucket: func(day int64, _ time.Time) int64 { return monday(day) },
			name: func(at time.Time) string {
				first := at.AddDate(0, 0, -(int(at.Weekday())+6)%7)
				return "the week of " + first.Format("2 January 2006")
			},
		},
		{
			keep:   func(p Policy) int { return p.KeepMonthly },
			bucket: func(_ int64, at time.Time) int64 { return int64(at.Year())*12 + int64(at.Month()) - 1 },
			name:   func(at time.Time) string { return at.Format("January 2006") },
		},
		{
			keep:   func(p Policy) int { return p.KeepYearly },
			bucket: func(_ int64, at time.Time) int64 { return int64(at.Year()) },
			name:   func(at time.Time) string { return fmt.Sprintf("the year %d", at.Year()) },
		},
	}
}

// dayOf numbers the date that a clock on the wall shows.
func dayOf(at time.Time) int64 {
	y, m, d := at.Date()
	seconds := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()
	return int64(math.Floor(float64(seconds) / 86400))
}

// monday numbers the week of a day. Day 0, 1 January 1970, was a Thursday.
func monday(day int64) int64 {
	n := day + 3
	if n < 0 {
		n -= 6
	}
	return n / 7
}
