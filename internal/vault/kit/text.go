package kit

import (
	"strings"
	"unicode/utf8"
)

const textWidth = 78

// Text is the kit as plain text.
func (k Kit) Text() string {
	var b strings.Builder
	put := func(indent string, lines []string) {
		for _, line := range lines {
			b.WriteString(strings.TrimRight(indent+line, " "))
			b.WriteByte('\n')
		}
	}
	for i, p := range k.page() {
		if i > 0 && p.style != pageEnd {
			b.WriteByte('\n')
		}
		switch p.style {
		case title:
			put("", []string{p.text, strings.Repeat("=", utf8.RuneCountInString(p.text))})
		case heading:
			put("", []string{p.text, strings.Repeat("-", utf8.RuneCountInString(p.text))})
		case prose:
			put("", wrap(p.text, textWidth, runes))
		case secret:
			put("    ", []string{p.text})
		case command:
			put("    ", shellLines(p.words, textWidth-4, false))
		case listing:
			put("    ", strings.Split(p.text, "\n"))
		case pageEnd:
		}
	}
	return b.String()
}

func runes(s string) float64 { return float64(utf8.RuneCountInString(s)) }

// wrap breaks text between words into lines that measure at most width. A word
// that is wider stands alone, and is cut only if it is wider still than a line.
func wrap(text string, width float64, measure func(string) float64) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && measure(line+" "+word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
		for measure(line) > width {
			head := fitting(line, width, measure)
			lines = append(lines, head)
			line = line[len(head):]
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// fitting is as much of the beginning of s as fits, at least a character.
func fitting(s string, width float64, measure func(string) float64) string {
	end := 0
	for i, r := range s {
		next := i + utf8.RuneLen(r)
		if r == utf8.RuneError {
			next = i + 1
		}
		if end > 0 && measure(s[:next]) > width {
			break
		}
		end = next
	}
	return s[:end]
}
