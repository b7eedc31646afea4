package plist_test

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"russet/internal/plist"
)

// everything holds each type a property list knows, at its edges.
func everything() plist.Dict {
	return plist.Dict{
		"string":   "plain",
		"empty":    "",
		"unicode":  "Grüße 日本 ☕ 😀",
		"markup":   "<&>\"'\r\n\ttail ",
		"zero":     int64(0),
		"small":    int64(255),
		"two":      int64(256),
		"four":     int64(math.MaxUint32),
		"eight":    int64(math.MaxInt64),
		"minus":    int64(-1),
		"least":    int64(math.MinInt64),
		"most":     uint64(math.MaxUint64),
		"real":     -1.25,
		"tiny":     math.SmallestNonzeroFloat64,
		"infinite": math.Inf(-1),
		"yes":      true,
		"no":       false,
		"data":     []byte("\x00\x01\xff0123456789abcdef0123456789abcdef0123456789abcdef0123456789"),
		"nodata":   []byte{},
		"date":     time.Date(2026, 11, 22, 9, 6, 0, 0, time.UTC),
		"before":   time.Date(1969, 7, 20, 20, 17, 40, 0, time.UTC),
		"uid":      plist.UID(70000),
		"array":    []any{"a", []any{}, plist.Dict{}, []any{int64(1), plist.Dict{"b": "c"}}},
		"long":     string(make18(300)),
	}
}

func make18(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + i%26)
	}
	return b
}

var encodings = map[string]func(any) ([]byte, error){
	"binary": plist.MarshalBinary,
	"xml":    plist.MarshalXML,
}

func TestEveryTypeSurvives(t *testing.T) {
	for name, marshal := range encodings {
		t.Run(name, func(t *testing.T) {
			data, err := marshal(everything())
			if err != nil {
				t.Fatal(err)
			}
			got, err := plist.Parse(data, plist.Limits{})
			if err != nil {
				t.Fatalf("%v in\n%s", err, data)
			}
			if want := any(everything()); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %#v\nwant %#v", got, want)
			}
			again, err := marshal(got)
			if err != nil || string(again) != string(data) {
				t.Errorf("a second encoding differs (%v)", err)
			}
		})
	}
}

func TestGoTypesAreAccepted(t *testing.T) {
	in := map[string]any{
		"ints":    []any{1, int8(-2), int16(3), int32(4), uint(5), uint8(6), uint16(7), uint32(8), uintptr(9)},
		"strings": []string{"a", "b"},
		"dicts":   []plist.Dict{{"x": 1}},
		"map":     map[string]string{"k": "v"},
		"float32": float32(0.5),
	}
	want := plist.Dict{
		"ints": []any{
			int64(1), int64(-2), int64(3), int64(4), int64(5), int64(6), int64(7), int64(8), int64(9),
		},
		"strings": []any{"a", "b"},
		"dicts":   []any{plist.Dict{"x": int64(1)}},
		"map":     plist.Dict{"k": "v"},
		"float32": 0.5,
	}
	for name, marshal := range encodings {
		data, err := marshal(in)
		if err != nil {
			t.Fatal(name, err)
		}
		if got, err := plist.ParseDict(data); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, %v", name, got, err)
		}
	}
}

func TestWhatCannotBeEncoded(t *testing.T) {
	loop := plist.Dict{}
	loop["self"] = loop
	both := map[string]any{
		"nil":       plist.Dict{"x": nil},
		"struct":    struct{}{},
		"pointer":   new(int),
		"loop":      loop,
		"not UTF-8": "caf\xe9",
		"bad key":   plist.Dict{"\xff": 1},
	}
	for name, marshal := range encodings {
		for what, v := range both {
			if _, err := marshal(v); err == nil {
				t.Errorf("%s: %s was encoded", name, what)
			}
		}
	}
	for _, v := range []any{"bell \a", "\uFFFE", time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if _, err := plist.MarshalXML(v); err == nil {
			t.Errorf("XML carried %q", v)
		}
		if _, err := plist.MarshalBinary(v); err != nil {
			t.Errorf("binary refused %q: %v", v, err)
		}
	}
}

func TestParseNeverGuesses(t *testing.T) {
	for _, in := range []string{
		"", " ", "hello = world;", "{ a = b; }", "bplist", "bplist15xxxxxxxxxxx", "\x00<plist/>",
		"<html></html>", "<?xml version='1.0'?><svg/>", "SQLite format 3\x00",
	} {
		if v, err := plist.Parse([]byte(in), plist.Limits{}); !errors.Is(err, plist.ErrFormat) {
			t.Errorf("Parse(%q) = %v, %v", in, v, err)
		}
	}
	data, _ := plist.MarshalBinary([]any{1})
	if _, err := plist.ParseDict(data); !errors.Is(err, plist.ErrFormat) {
		t.Errorf("an array as a dictionary: %v", err)
	}
}

func TestDictReadsOnlyItsType(t *testing.T) {
	d := plist.Dict{
		"s": "x", "i": int64(-7), "u": uint64(math.MaxUint64), "f": 2.5, "b": true, "d": []byte{1},
		"t": time.Unix(1, 0), "m": map[string]any{"k": 1}, "a": []any{"p", 1, "q"}, "n": 12,
	}
	checks := []struct {
		name      string
		got, want any
	}{
		{"String", d.String("s"), "x"},
		{"String of int", d.String("i"), ""},
		{"Int", d.Int("i"), int64(-7)},
		{"Int of a Go int", d.Int("n"), int64(12)},
		{"Int too large", d.Int("u"), int64(0)},
		{"Int of string", d.Int("s"), int64(0)},
		{"Uint", d.Uint("u"), uint64(math.MaxUint64)},
		{"Uint negative", d.Uint("i"), uint64(0)},
		{"Float", d.Float("f"), 2.5},
		{"Float of int", d.Float("i"), -7.0},
		{"Float of uint", d.Float("u"), float64(math.MaxUint64)},
		{"Float of bool", d.Float("b"), 0.0},
		{"Bool", d.Bool("b"), true},
		{"Bool of int", d.Bool("n"), false},
		{"Data", d.Data("d"), []byte{1}},
		{"Data of string", d.Data("s"), []byte(nil)},
		{"Time", d.Time("t"), time.Unix(1, 0)},
		{"Time of none", d.Time("none"), time.Time{}},
		{"Dict", d.Dict("m").Int("k"), int64(1)},
		{"Dict of none", d.Dict("none").Dict("deeper").String("x"), ""},
		{"Array", len(d.Array("a")), 3},
		{"Strings", d.Strings("a"), []string{"p", "q"}},
		{"Has", d.Has("s"), true},
		{"Has none", d.Has("none"), false},
	}
	for _, c := range checks {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s = %#v, want %#v", c.name, c.got, c.want)
		}
	}
}

func TestNamedKeysOfTheRootArePassedOver(t *testing.T) {
	inner := plist.Dict{"icons": "kept", "a": []any{plist.Dict{"b": int64(1)}, true}}
	for name, marshal := range encodings {
		data, err := marshal(plist.Dict{"icons": inner, "empty": plist.Dict{}, "none": "", "keep": inner})
		if err != nil {
			t.Fatal(err)
		}
		got, err := plist.ParseDictWithout(data, "icons", "empty", "none", "missing")
		if want := (plist.Dict{"keep": inner}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	cut := "<plist><dict><key>icons</key><dict><key>a</key>"
	if _, err := plist.ParseDictWithout([]byte(cut), "icons"); !errors.Is(err, plist.ErrSyntax) {
		t.Errorf("cut inside what is passed over: %v", err)
	}
}
