package plist

import (
	"bytes"
	"slices"
	"strings"
)

// scanner cuts the small part of XML that property lists use into tags and
// text. It knows no entities but the five of XML and numeric ones, skips the
// document type and never fetches or defines anything.
type scanner struct {
	in  []byte
	pos int
}

// tag is one element's start, end, or (when empty) both.
type tag struct {
	name         string
	start, empty bool
	at           int
}

// cleaned drops the control characters XML forbids. Lists of lockdownd hold
// them at times, in names that people typed; other clients drop them too.
func cleaned(data []byte) []byte {
	forbidden := func(c byte) bool { return c < 0x20 && c != '\t' && c != '\n' && c != '\r' }
	i := slices.IndexFunc(data, forbidden)
	if i < 0 {
		return data
	}
	out := make([]byte, i, len(data))
	copy(out, data)
	for _, c := range data[i:] {
		if !forbidden(c) {
			out = append(out, c)
		}
	}
	return out
}

func (s *scanner) skipSpace() {
	for s.pos < len(s.in) && isSpace(s.in[s.pos]) {
		s.pos++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func (s *scanner) has(prefix string) bool {
	return bytes.HasPrefix(s.in[s.pos:], []byte(prefix))
}

// skipPast moves behind the next occurrence of end.
func (s *scanner) skipPast(end, what string) error {
	i := bytes.Index(s.in[s.pos:], []byte(end))
	if i < 0 {
		return syntaxError(s.pos, "%s without an end", what)
	}
	s.pos += i + len(end)
	return nil
}

// prolog skips the XML declaration, comments, processing instructions and
// the document type.
func (s *scanner) prolog() error {
	s.in = bytes.TrimPrefix(s.in, []byte("\xEF\xBB\xBF"))
	for {
		s.skipSpace()
		var err error
		switch {
		case s.has("<?xml"):
			err = s.declaration()
		case s.has("<?"):
			err = s.skipPast("?>", "processing instruction")
		case s.has("<!--"):
			err = s.skipPast("-->", "comment")
		case s.has("<!DOCTYPE"):
			err = s.doctype()
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// declaration refuses an encoding whose bytes would be misread.
func (s *scanner) declaration() error {
	at := s.pos
	if err := s.skipPast("?>", "XML declaration"); err != nil {
		return err
	}
	_, after, found := strings.Cut(string(s.in[at:min(s.pos, at+1024)]), "encoding")
	if !found {
		return nil
	}
	name := strings.ToLower(strings.Trim(after, "= \t\r\n"))
	if len(name) > 0 {
		name, _, _ = strings.Cut(name[1:], name[:1])
	}
	switch name {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return nil
	}
	return syntaxError(at, "encoding %q", name)
}

// doctype skips a document type with its internal subset, unread.
func (s *scanner) doctype() error {
	at, nesting := s.pos, 0
	var quote byte
	for ; s.pos < len(s.in); s.pos++ {
		switch c := s.in[s.pos]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '<' || c == '[':
			nesting++
		case c == '>' || c == ']':
			if nesting--; nesting == 0 {
				s.pos++
				return nil
			}
		}
	}
	return syntaxError(at, "document type without an end")
}

// next returns the next tag, over white space and comments.
func (s *scanner) next() (tag, error) {
	for {
		s.skipSpace()
		if s.pos == len(s.in) {
			return tag{}, syntaxError(s.pos, "list cut short")
		}
		var err error
		switch {
		case s.has("<!--"):
			err = s.skipPast("-->", "comment")
		case s.has("<?"):
			err = s.skipPast("?>", "processing instruction")
		case s.in[s.pos] != '<':
			return tag{}, syntaxError(s.pos, "text between elements")
		default:
			return s.tag()
		}
		if err != nil {
			return tag{}, err
		}
	}
}

// tag reads a tag at the current '<'; attributes are passed over.
func (s *scanner) tag() (tag, error) {
	t := tag{start: true, at: s.pos}
	i := s.pos + 1
	if i < len(s.in) && s.in[i] == '/' {
		t.start = false
		i++
	}
	from := i
	for i < len(s.in) && (s.in[i]|0x20 >= 'a' && s.in[i]|0x20 <= 'z') {
		i++
	}
	t.name = elementName(s.in[from:i])
	var quote byte
	for ; i < len(s.in); i++ {
		switch c := s.in[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '<':
			return t, syntaxError(i, "tag in a tag")
		case c == '>':
			t.empty = t.start && s.in[i-1] == '/'
			s.pos = i + 1
			return t, nil
		}
	}
	return t, syntaxError(t.at, "tag without an end")
}

// elementName saves an allocation for every element that is known.
func elementName(b []byte) string {
	switch string(b) {
	case "dict":
		return "dict"
	case "key":
		return "key"
	case "string":
		return "string"
	case "integer":
		return "integer"
	case "array":
		return "array"
	case "data":
		return "data"
	case "date":
		return "date"
	case "true":
		return "true"
	case "false":
		return "false"
	}
	return string(b)
}
