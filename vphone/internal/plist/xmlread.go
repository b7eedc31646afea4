package plist

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An xmlReader reads the small part of XML that property lists use. Entities
// of its own a document cannot define, so nothing expands.
type xmlReader struct {
	rest []byte
}

func readXML(data []byte) (any, error) {
	r := xmlReader{rest: data}
	tag, err := r.tag()
	if err != nil {
		return nil, err
	}
	if tag.name != "plist" || tag.empty || tag.closes {
		return nil, syntax("neither binary nor XML")
	}
	if tag, err = r.tag(); err != nil {
		return nil, err
	}
	return r.value(tag, 0)
}

// A tag is what stands between < and >, without attributes.
type tag struct {
	name   string
	closes bool // </name>
	empty  bool // <name/>
}

// tag skips blanks, comments, declarations, and reads the next tag.
func (r *xmlReader) tag() (tag, error) {
	for {
		at := bytes.IndexByte(r.rest, '<')
		if at < 0 {
			return tag{}, syntax("XML ends too early")
		}
		r.rest = r.rest[at+1:]
		end := ">"
		switch {
		case bytes.HasPrefix(r.rest, []byte("!--")):
			end = "-->"
		case bytes.HasPrefix(r.rest, []byte("?")):
			end = "?>"
		case bytes.HasPrefix(r.rest, []byte("![CDATA[")):
			return tag{}, syntax("text outside a value")
		}
		inner, after, ok := bytes.Cut(r.rest, []byte(end))
		if !ok {
			return tag{}, syntax("XML tag without an end")
		}
		r.rest = after
		if len(inner) == 0 || inner[0] == '!' || inner[0] == '?' {
			continue
		}
		var t tag
		inner, t.closes = bytes.CutPrefix(inner, []byte("/"))
		inner, t.empty = bytes.CutSuffix(inner, []byte("/"))
		if i := bytes.IndexAny(inner, " \t\r\n"); i >= 0 {
			inner = inner[:i]
		}
		t.name = string(inner)
		return t, nil
	}
}

func (r *xmlReader) value(t tag, depth int) (any, error) {
	if depth > maxDepth {
		return nil, syntax("nested deeper than %d", maxDepth)
	}
	if t.closes {
		return nil, syntax("</%.20s> where a value was expected", t.name)
	}
	switch t.name {
	case "dict":
		return r.dict(t, depth)
	case "array":
		return r.array(t, depth)
	case "true", "false":
		if !t.empty {
			if _, err := r.text(t); err != nil {
				return nil, err
			}
		}
		return t.name == "true", nil
	}
	text, err := r.text(t)
	if err != nil {
		return nil, err
	}
	switch t.name {
	case "string":
		return text, nil
	case "integer":
		return parseInteger(strings.TrimSpace(text))
	case "real":
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return nil, syntax("real %.40q", text)
		}
		return f, nil
	case "data":
		return parseData(text)
	case "date":
		return parseDate(strings.TrimSpace(text))
	}
	return nil, syntax("element <%.20s>", t.name)
}

func (r *xmlReader) array(t tag, depth int) (any, error) {
	list := []any{}
	if t.empty {
		return list, nil
	}
	for {
		item, err := r.tag()
		if err != nil {
			return nil, err
		}
		if item.closes && item.name == "array" {
			return list, nil
		}
		v, err := r.value(item, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
}

func (r *xmlReader) dict(t tag, depth int) (any, error) {
	dict := map[string]any{}
	if t.empty {
		return dict, nil
	}
	for {
		key, err := r.tag()
		if err != nil {
			return nil, err
		}
		if key.closes && key.name == "dict" {
			return uidOf(dict), nil
		}
		if key.name != "key" || key.closes {
			return nil, syntax("<%.20s> where a key was expected", key.name)
		}
		name, err := r.text(key)
		if err != nil {
			return nil, err
		}
		item, err := r.tag()
		if err != nil {
			return nil, err
		}
		if dict[name], err = r.value(item, depth+1); err != nil {
			return nil, err
		}
	}
}

// uidOf turns the XML spelling of a UID, {CF$UID: n}, into one.
func uidOf(dict map[string]any) any {
	if n, ok := dict["CF$UID"].(int64); ok && len(dict) == 1 {
		return UID(n)
	}
	return dict
}

// text reads up to the closing tag of t.
func (r *xmlReader) text(t tag) (string, error) {
	if t.empty {
		return "", nil
	}
	var text []byte
	for {
		at := bytes.IndexByte(r.rest, '<')
		if at < 0 {
			return "", syntax("<%.20s> without an end", t.name)
		}
		var err error
		if text, err = appendText(text, r.rest[:at]); err != nil {
			return "", err
		}
		r.rest = r.rest[at:]
		if raw, ok := bytes.CutPrefix(r.rest, []byte("<![CDATA[")); ok {
			inner, after, ok := bytes.Cut(raw, []byte("]]>"))
			if !ok {
				return "", syntax("character data without an end")
			}
			text, r.rest = append(text, inner...), after
			continue
		}
		end, err := r.tag()
		if err != nil {
			return "", err
		}
		if !end.closes || end.name != t.name {
			return "", syntax("<%.20s> inside <%.20s>", end.name, t.name)
		}
		return cleaned(text), nil
	}
}

// appendText resolves the five entities of XML and character numbers.
func appendText(dst, src []byte) ([]byte, error) {
	for {
		at := bytes.IndexByte(src, '&')
		if at < 0 {
			return append(dst, src...), nil
		}
		dst = append(dst, src[:at]...)
		name, after, ok := bytes.Cut(src[at+1:], []byte(";"))
		if !ok || len(name) > 10 {
			return nil, syntax("entity without an end")
		}
		c, ok := entity(string(name))
		if !ok {
			return nil, syntax("entity %q", name)
		}
		dst, src = utf8.AppendRune(dst, c), after
	}
}

func entity(name string) (rune, bool) {
	switch name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	number, ok := strings.CutPrefix(name, "#")
	if !ok {
		return 0, false
	}
	base := 10
	if hex, ok := strings.CutPrefix(number, "x"); ok {
		number, base = hex, 16
	}
	n, err := strconv.ParseUint(number, base, 32)
	return rune(n), err == nil && n <= utf8.MaxRune
}
