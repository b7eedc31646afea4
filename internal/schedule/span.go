package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Span is a duration that reads and is written as people do: "1d", "12h",
// "1d12h", "2w".
type Span time.Duration

var spanUnits = []struct {
	name string
	long time.Duration
}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}

// String is the shortest text that means s, to the second: "1d12h".
func (s Span) String() string {
	if s < 0 {
		return "-" + (-s).String()
	}
	d := time.Duration(s).Round(time.Second)
	var b strings.Builder
	for _, u := range spanUnits {
		if n := d / u.long; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.long
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// maxSpan is longer than anybody waits for a backup.
const maxSpan = 100 * 366 * 24 * time.Hour

// ParseSpan reads numbers with their units, the longer ones first: w, d, h,
// m, s. The error is a sentence for a person.
func ParseSpan(text string) (Span, error) {
	bad := fmt.Errorf("%q is no duration such as 1d, 12h or 1d12h", text)
	rest, total := strings.TrimSpace(text), time.Duration(0)
	if rest == "" {
		return 0, bad
	}
	for last := 8 * 24 * time.Hour; rest != ""; {
		n := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if n <= 0 {
			return 0, bad
		}
		number, err := strconv.ParseInt(rest[:n], 10, 64)
		unit := unitOf(rest[n])
		if err != nil || unit == 0 || unit >= last || number > int64((maxSpan-total)/unit) {
			return 0, bad
		}
		total += time.Duration(number) * unit
		rest, last = rest[n+1:], unit
	}
	return Span(total), nil
}

func unitOf(letter byte) time.Duration {
	if letter == 'w' {
		return 7 * 24 * time.Hour
	}
	for _, u := range spanUnits {
		if u.name[0] == letter {
			return u.long
		}
	}
	return 0
}

// MarshalText gives String.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText gives.
func (s *Span) UnmarshalText(text []byte) error {
	parsed, err := ParseSpan(string(text))
	if err == nil {
		*s = parsed
	}
	return err
}
