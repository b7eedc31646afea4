package plist

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	xmlHeader = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
`
	xmlFooter = "</plist>\n"
	// base64Line is how many bytes Apple's writer puts on a line of data.
	base64Line = 51
)

// MarshalXML encodes a value as Apple writes XML lists. A string holding what
// XML cannot carry (control characters, bytes that are not UTF-8) is an
// error: use MarshalBinary. Dates lose their fractions of a second.
func MarshalXML(v any) ([]byte, error) {
	e := xmlEncoder{out: []byte(xmlHeader)}
	if err := e.value(v, 0); err != nil {
		return nil, err
	}
	return append(e.out, xmlFooter...), nil
}

type xmlEncoder struct{ out []byte }

func (e *xmlEncoder) line(depth int, text string) {
	for range depth {
		e.out = append(e.out, '\t')
	}
	e.out = append(e.out, text...)
	e.out = append(e.out, '\n')
}

func (e *xmlEncoder) value(v any, depth int) error {
	if depth > maxEncodeDepth {
		return fmt.Errorf("encode property list: nested more than %d deep", maxEncodeDepth)
	}
	switch v := v.(type) {
	case string:
		return e.text(depth, "string", v)
	case bool:
		e.line(depth, "<"+strconv.FormatBool(v)+"/>")
		return nil
	case []byte:
		e.data(depth, v)
		return nil
	case float64:
		e.line(depth, "<real>"+formatReal(v)+"</real>")
		return nil
	case float32:
		return e.value(float64(v), depth)
	case time.Time:
		return e.date(depth, v)
	case UID:
		return xmlDict(e, map[string]uint64{uidKey: uint64(v)}, depth)
	case []any:
		return xmlArray(e, v, depth)
	case []string:
		return xmlArray(e, v, depth)
	case []Dict:
		return xmlArray(e, v, depth)
	case Dict:
		return xmlDict(e, v, depth)
	case map[string]any:
		return xmlDict(e, v, depth)
	case map[string]string:
		return xmlDict(e, v, depth)
	}
	n, ok := integer(v)
	if !ok {
		return fmt.Errorf("encode property list: no such type: %T", v)
	}
	s := strconv.FormatUint(n.bits, 10)
	if n.negative {
		s = strconv.FormatInt(int64(n.bits), 10)
	}
	e.line(depth, "<integer>"+s+"</integer>")
	return nil
}

func formatReal(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "+infinity"
	case math.IsInf(f, -1):
		return "-infinity"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func (e *xmlEncoder) text(depth int, element, s string) error {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !xmlChar(r) }) {
		return fmt.Errorf("encode property list: XML cannot carry %q", s)
	}
	if strings.ContainsAny(s, "&<>\r") {
		s = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;").Replace(s)
	}
	e.line(depth, "<"+element+">"+s+"</"+element+">")
	return nil
}

func (e *xmlEncoder) date(depth int, t time.Time) error {
	t = t.UTC()
	if t.Year() < 0 || t.Year() > 9999 {
		return fmt.Errorf("encode property list: XML cannot carry the year %d", t.Year())
	}
	e.line(depth, "<date>"+t.Format("2006-01-02T15:04:05Z")+"</date>")
	return nil
}

func (e *xmlEncoder) data(depth int, b []byte) {
	e.out = slices.Grow(e.out, len(b)*3/2+2*depth+20)
	e.line(depth, "<data>")
	for part := range slices.Chunk(b, base64Line) {
		for range depth {
			e.out = append(e.out, '\t')
		}
		e.out = base64.StdEncoding.AppendEncode(e.out, part)
		e.out = append(e.out, '\n')
	}
	e.line(depth, "</data>")
}

func xmlArray[T any](e *xmlEncoder, a []T, depth int) error {
	if len(a) == 0 {
		e.line(depth, "<array/>")
		return nil
	}
	e.line(depth, "<array>")
	for _, v := range a {
		if err := e.value(v, depth+1); err != nil {
			return err
		}
	}
	e.line(depth, "</array>")
	return nil
}

func xmlDict[T any](e *xmlEncoder, d map[string]T, depth int) error {
	if len(d) == 0 {
		e.line(depth, "<dict/>")
		return nil
	}
	e.line(depth, "<dict>")
	for _, k := range slices.Sorted(maps.Keys(d)) {
		if err := e.text(depth+1, "key", k); err != nil {
			return err
		}
		if err := e.value(d[k], depth+1); err != nil {
			return fmt.Errorf("under %q: %w", k, err)
		}
	}
	e.line(depth, "</dict>")
	return nil
}
