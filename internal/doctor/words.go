package doctor

import (
	"fmt"
	"time"

	"russet/internal/retention"
)

// bytesText says a number of bytes.
func bytesText(n int64) string { return retention.Bytes(n) }

// when says a moment in the owner's time zone.
func when(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

// ago says how long ago something was: "3 hours", "12 days".
func ago(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return "a minute"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", days(d))
	}
}

func days(d time.Duration) int { return int(d.Hours()) / 24 }

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// left says how much room is left where that is little; a quota can be used up
// on an empty disk.
func left(free, little int64) string {
	if free < 0 || free >= little {
		return ""
	}
	return ": " + bytesText(free) + " left"
}
