package notify

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"russet"
)

// size says a number of bytes as phones do: in steps of a thousand.
func size(n int64) string {
	v, unit := float64(max(n, 0)), "bytes"
	for _, next := range []string{"kB", "MB", "GB", "TB"} {
		if v < 999.5 {
			break
		}
		v, unit = v/1000, next
	}
	if v < 9.95 && unit != "bytes" {
		return fmt.Sprintf("%.1f %s", v, unit)
	}
	return fmt.Sprintf("%.0f %s", v, unit)
}

func many(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// span says how long something took.
func span(d time.Duration) string {
	switch d = max(d, 0).Round(time.Second); {
	case d < time.Minute:
		return many(int(d.Seconds()), "second")
	case d < 2*time.Hour:
		return many(int(d.Round(time.Minute).Minutes()), "minute")
	default:
		return many(int(d.Round(time.Hour).Hours()), "hour")
	}
}

// days says how long something is ago.
func days(d time.Duration) string { return many(int(max(d, 0)/(24*time.Hour)), "day") }

// upper begins a sentence. A command stays as it is typed.
func upper(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 || strings.HasPrefix(s, "russet ") {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// sentence ends a sentence.
func sentence(s string) string {
	if s == "" || strings.ContainsRune(".!?…", []rune(s)[utf8.RuneCountInString(s)-1]) {
		return s
	}
	return s + "."
}

// short is enough of an ID to name a backup.
func short(id russet.BackupID) string { return plainWord(string(id)[:min(len(id), 8)]) }

// plainWord is what may stand in a command that a person copies into a shell:
// letters and digits of ASCII, dots and dashes.
func plainWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return -1
	}, s)
}
