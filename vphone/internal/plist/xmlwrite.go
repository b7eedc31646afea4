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

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
`

// XML writes v as an XML property list. Control characters that XML forbids
// are left out; dictionary keys are sorted.
func XML(v any) ([]byte, error) {
	dst, err := appendXML([]byte(xmlHead), v, 0)
	if err != nil {
		return nil, err
	}
	return append(dst, "</plist>\n"...), nil
}

func appendXML(dst []byte, v any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("write property list: nested deeper than %d", maxDepth)
	}
	indent := strings.Repeat("\t", depth)
	dst = append(dst, indent...)
	switch v := v.(type) {
	case map[string]any:
		return appendXMLDict(dst, v, indent, depth)
	case []any:
		return appendXMLList(dst, v, indent, depth)
	case []string:
		list := make([]any, len(v))
		for i := range v {
			list[i] = v[i]
		}
		return appendXMLList(dst, list, indent, depth)
	case bool:
		return fmt.Appendf(dst, "<%t/>\n", v), nil
	case UID:
		return fmt.Appendf(dst, "<dict><key>CF$UID</key><integer>%d</integer></dict>\n", uint64(v)), nil
	case int, int32, int64, uint16, uint32, uint64:
		return fmt.Appendf(dst, "<integer>%d</integer>\n", v), nil
	case float64:
		return append(append(append(dst, "<real>"...), formatReal(v)...), "</real>\n"...), nil
	case string:
		return append(appendEscaped(append(dst, "<string>"...), v), "</string>\n"...), nil
	case time.Time:
		return fmt.Appendf(dst, "<date>%s</date>\n", v.UTC().Format("2006-01-02T15:04:05Z")), nil
	case []byte:
		dst = append(dst, "<data>"...)
		dst = base64.StdEncoding.AppendEncode(dst, v)
		return append(dst, "</data>\n"...), nil
	}
	return nil, fmt.Errorf("write property list: no form for a %T", v)
}

func appendXMLDict(dst []byte, v map[string]any, indent string, depth int) ([]byte, error) {
	dst = append(dst, "<dict>\n"...)
	for _, key := range slices.Sorted(maps.Keys(v)) {
		if v[key] == nil {
			continue
		}
		dst = append(append(append(dst, indent...), '\t'), "<key>"...)
		dst = append(appendEscaped(dst, key), "</key>\n"...)
		var err error
		if dst, err = appendXML(dst, v[key], depth+1); err != nil {
			return nil, err
		}
	}
	return append(append(dst, indent...), "</dict>\n"...), nil
}

func appendXMLList(dst []byte, v []any, indent string, depth int) ([]byte, error) {
	dst = append(dst, "<array>\n"...)
	for _, item := range v {
		var err error
		if dst, err = appendXML(dst, item, depth+1); err != nil {
			return nil, err
		}
	}
	return append(append(dst, indent...), "</array>\n"...), nil
}

// formatReal writes the three values that are no numbers as CoreFoundation does.
func formatReal(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "+infinity"
	case math.IsInf(f, -1):
		return "-infinity"
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func appendEscaped(dst []byte, s string) []byte {
	for _, c := range s {
		switch {
		case forbidden(c):
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '\r':
			dst = append(dst, "&#13;"...)
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
	return dst
}
