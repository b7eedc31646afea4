package plist

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// text reads the content of the element just opened, and its end tag. The
// result may be a view of the input.
func (s *scanner) text(open tag) ([]byte, error) {
	if open.empty {
		return nil, nil
	}
	var parts []byte
	for whole := true; ; whole = false {
		i := bytes.IndexByte(s.in[s.pos:], '<')
		if i < 0 {
			return nil, syntaxError(open.at, "<%s> without an end", open.name)
		}
		piece, err := s.plain(s.in[s.pos:s.pos+i], open.name)
		if err != nil {
			return nil, err
		}
		s.pos += i
		switch {
		case s.has("<!--"):
			parts = append(parts, piece...)
			err = s.skipPast("-->", "comment")
		case s.has("<![CDATA["):
			from := s.pos + len("<![CDATA[")
			err = s.skipPast("]]>", "CDATA")
			if err == nil {
				parts = append(parts, piece...)
				parts = append(parts, lineEnds(s.in[from:s.pos-len("]]>")])...)
			}
		default:
			end, err := s.tag()
			if err != nil {
				return nil, err
			}
			if end.start || end.name != open.name {
				return nil, syntaxError(end.at, "<%s> inside <%s>", end.name, open.name)
			}
			if whole {
				return piece, nil
			}
			return append(parts, piece...), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// lineEnds makes every line end a line feed, as XML demands.
func lineEnds(b []byte) []byte {
	if bytes.IndexByte(b, '\r') < 0 {
		return b
	}
	b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(b, []byte("\r"), []byte("\n"))
}

// plain resolves the references in a run of text.
func (s *scanner) plain(b []byte, element string) ([]byte, error) {
	b = lineEnds(b)
	amp := bytes.IndexByte(b, '&')
	if amp < 0 {
		return b, nil
	}
	out := make([]byte, 0, len(b))
	for ; amp >= 0; amp = bytes.IndexByte(b, '&') {
		out = append(out, b[:amp]...)
		b = b[amp+1:]
		end := bytes.IndexByte(b[:min(len(b), 12)], ';')
		if end < 0 {
			return nil, syntaxError(s.pos, "loose & in <%s>", element)
		}
		r, ok := reference(string(b[:end]))
		if !ok {
			return nil, syntaxError(s.pos, "unknown entity %q", b[:end])
		}
		out = utf8.AppendRune(out, r)
		b = b[end+1:]
	}
	return append(out, b...), nil
}

func reference(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, ok := strings.CutPrefix(name, "#")
	base := 10
	if hex, isHex := strings.CutPrefix(digits, "x"); ok && isHex {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if !ok || err != nil || n > utf8.MaxRune || !xmlChar(rune(n)) {
		return 0, false
	}
	return rune(n), true
}

// xmlChar is the production Char of XML 1.0.
func xmlChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r < 0xD800 ||
		r >= 0xE000 && r < 0xFFFE || r > 0xFFFF && r <= utf8.MaxRune
}
