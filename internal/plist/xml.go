package plist

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// uidKey marks the dictionary that stands for a UID in XML.
const uidKey = "CF$UID"

// xmlDecoder turns tags into Go values.
type xmlDecoder struct {
	scanner
	depth, objects int
	keys           map[string]string // keys repeat: one copy of each
	skip           []string          // keys of the root whose values are passed over
}

func parseXML(data []byte, lim Limits, skip []string) (any, error) {
	d := xmlDecoder{
		scanner: scanner{in: cleaned(data)},
		depth:   lim.Depth,
		objects: lim.Objects,
		keys:    make(map[string]string),
		skip:    skip,
	}
	if err := d.prolog(); err != nil {
		return nil, err
	}
	root, err := d.next()
	if err != nil {
		return nil, err
	}
	if root.name != "plist" || !root.start {
		return nil, &Error{Kind: ErrFormat, Offset: root.at, Reason: "XML that is no property list"}
	}
	first, err := d.next()
	if err != nil {
		return nil, err
	}
	v, err := d.value(first)
	if err != nil {
		return nil, err
	}
	if end, err := d.next(); err != nil {
		return nil, err
	} else if end.start || end.name != "plist" {
		return nil, syntaxError(end.at, "more than one value")
	}
	if err := d.prolog(); err != nil { // comments may follow
		return nil, err
	}
	if d.pos != len(d.in) {
		return nil, syntaxError(d.pos, "something after the end")
	}
	return v, nil
}

func (d *xmlDecoder) value(t tag) (any, error) {
	if !t.start {
		return nil, syntaxError(t.at, "unexpected </%s>", t.name)
	}
	if d.objects--; d.objects < 0 {
		return nil, &Error{Kind: ErrLimit, Offset: t.at, Reason: "too many objects"}
	}
	switch t.name {
	case "dict", "array":
		if d.depth--; d.depth < 0 {
			return nil, &Error{Kind: ErrLimit, Offset: t.at, Reason: "nested too deeply"}
		}
		defer func() { d.depth++ }()
		if t.name == "dict" {
			return d.dict(t)
		}
		return d.array(t)
	}
	text, err := d.text(t)
	if err != nil {
		return nil, err
	}
	v, ok := d.leaf(t.name, text)
	if !ok {
		return nil, syntaxError(t.at, "bad <%s>", t.name)
	}
	return v, nil
}

func (d *xmlDecoder) leaf(name string, text []byte) (any, bool) {
	switch name {
	case "string":
		return validString(text), true
	case "integer":
		return xmlInteger(strings.TrimSpace(string(text)))
	case "real":
		f, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
		return f, err == nil
	case "true", "false":
		return name == "true", len(text) == 0
	case "date":
		t, err := time.Parse(time.RFC3339, strings.TrimSpace(string(text)))
		return t.UTC(), err == nil
	case "data":
		return xmlData(text)
	}
	return nil, false
}

func validString(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// xmlInteger accepts a sign and 0x, as CoreFoundation's reader does.
func xmlInteger(s string) (any, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	if !negative {
		digits = strings.TrimPrefix(s, "+")
	}
	base := 10
	if len(digits) > 2 && strings.EqualFold(digits[:2], "0x") {
		digits, base = digits[2:], 16
	}
	n, err := strconv.ParseUint(digits, base, 64)
	if err != nil || (negative && n > 1<<63) {
		return nil, false
	}
	if negative {
		return -int64(n), true
	}
	return number{bits: n}.value(), true
}

// xmlData decodes base64 in lines, with or without its padding.
func xmlData(text []byte) ([]byte, bool) {
	packed := make([]byte, 0, len(text))
	for _, c := range text {
		if !isSpace(c) {
			packed = append(packed, c)
		}
	}
	for range 2 {
		if n := len(packed); n > 0 && packed[n-1] == '=' {
			packed = packed[:n-1]
		}
	}
	// Decoding in place: base64 never writes ahead of where it reads.
	n, err := base64.RawStdEncoding.Decode(packed, packed)
	return append(make([]byte, 0, n), packed[:n]...), err == nil
}

func (d *xmlDecoder) array(open tag) (any, error) {
	out := []any{}
	if open.empty {
		return out, nil
	}
	for {
		t, err := d.next()
		if err != nil {
			return nil, err
		}
		if !t.start && t.name == "array" {
			return out, nil
		}
		v, err := d.value(t)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
}

func (d *xmlDecoder) dict(open tag) (any, error) {
	out := Dict{}
	var skip []string
	skip, d.skip = d.skip, nil // it is the root's alone
	if open.empty {
		return out, nil
	}
	for {
		t, err := d.next()
		if err != nil {
			return nil, err
		}
		if !t.start && t.name == "dict" {
			return uidOrDict(out), nil
		}
		if !t.start || t.name != "key" {
			return nil, syntaxError(t.at, "<%s> where a key belongs", t.name)
		}
		key, err := d.key(t)
		if err != nil {
			return nil, err
		}
		if t, err = d.next(); err != nil {
			return nil, err
		}
		if slices.Contains(skip, key) {
			err = d.passOver(t)
		} else {
			out[key], err = d.value(t)
		}
		if err != nil {
			return nil, err
		}
	}
}

// passOver reads to the end of an element and decodes nothing of it.
func (d *xmlDecoder) passOver(t tag) error {
	for depth := 0; ; {
		switch {
		case t.empty:
		case t.name != "dict" && t.name != "array" && t.start:
			if _, err := d.text(t); err != nil {
				return err
			}
		case t.start:
			depth++
		default:
			depth--
		}
		if depth <= 0 {
			return nil
		}
		var err error
		if t, err = d.next(); err != nil {
			return err
		}
	}
}

func (d *xmlDecoder) key(t tag) (string, error) {
	text, err := d.text(t)
	if err != nil {
		return "", err
	}
	if key, ok := d.keys[string(text)]; ok {
		return key, nil
	}
	key := validString(text)
	d.keys[key] = key
	return key, nil
}

// uidOrDict recognises what CoreFoundation writes for a UID.
func uidOrDict(d Dict) any {
	if n, ok := d[uidKey].(int64); ok && len(d) == 1 && n >= 0 && n <= math.MaxUint32 {
		return UID(n)
	}
	return d
}
