package notify

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is how much of a stranger's word is told: a phone's name has up to
// 63 bytes, but nothing on the way to us enforces that.
const maxName = 80

// Clean makes a stranger's word, such as the name of a phone, fit to stand in a
// message: on one line, without characters that are not seen or that turn the
// direction of what stands around them, and not long. Parts of emoji and the
// joiners of Persian and Indian scripts stay.
func Clean(s string) string {
	var b strings.Builder
	gap, runes := false, 0
	for _, r := range s {
		if r != '\u200c' && r != '\u200d' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) || r == utf8.RuneError) {
			gap = true // one space for any number of them
			continue
		}
		if runes++; runes > maxName {
			b.WriteRune('…')
			break
		}
		if gap && b.Len() > 0 {
			b.WriteByte(' ')
		}
		gap = false
		b.WriteRune(r)
	}
	return b.String()
}

// cleanText is Clean for a sentence of our own that quotes strangers: it may be
// longer and have several lines. What %q made of joiners is undone.
func cleanText(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, `\u200d`, "\u200d"), `\u200c`, "\u200c")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\u200c', r == '\u200d':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == utf8.RuneError:
			return ' '
		default:
			return r
		}
	}, s)
	return cut(strings.TrimSpace(s), maxText)
}

// maxText is more than any of our sentences, and less than any channel takes.
const maxText = 1200

// cut shortens s to a number of characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
