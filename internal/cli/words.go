package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/clipperhouse/displaywidth"
)

// size says a number of bytes as phones do: in steps of a thousand.
func size(n int64) string {
	if n < 0 {
		return "-" + size(-max(n, -math.MaxInt64))
	}
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v := float64(n)
	for _, unit := range []string{"kB", "MB", "GB", "TB"} {
		v /= 1000
		switch {
		case v < 9.95:
			return fmt.Sprintf("%.1f %s", v, unit)
		case v < 999.5 || unit == "TB":
			return fmt.Sprintf("%.0f %s", v, unit)
		}
	}
	return ""
}

// count groups the digits of a number: 133,412.
func count[N int | int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// many says "1 file", "3 files".
func many[N int | int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if stem, ok := strings.CutSuffix(one, "y"); ok && !strings.HasSuffix(stem, "a") { // copies, but days
		return count(n) + " " + stem + "ies"
	}
	return count(n) + " " + one + "s"
}

// span says a duration as people do.
func span(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d days", int(d.Hours())/24)
	}
}

// moment says when something was, in the owner's time zone.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}

// yes says a fact in a table.
func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// plain makes a stranger's word safe to print: control characters and marks
// that turn the direction of writing could rewrite what the terminal shows.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\u200d', r == '\ufe0f', r == '\u200c': // parts of emoji, and of Persian and Indian scripts
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r), r == unicode.ReplacementChar:
			return '\ufffd'
		default:
			return r
		}
	}, s)
}

// fit cuts s to a number of columns.
func fit(s string, columns int) string {
	return displaywidth.TruncateString(s, columns, "…")
}
