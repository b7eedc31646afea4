package plist_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"russet/internal/plist"
)

// list builds a binary list of hand-written objects; object 0 is the root.
func list(objects ...string) []byte {
	out := []byte("bplist00")
	var table []byte
	for _, o := range objects {
		table = binary.BigEndian.AppendUint16(table, uint16(len(out)))
		out = append(out, o...)
	}
	return frame(append(out, table...), 2, 1, uint64(len(objects)), 0, uint64(len(out)))
}

func frame(body []byte, offSize, refSize byte, count, top, table uint64) []byte {
	body = append(body, 0, 0, 0, 0, 0, 0, offSize, refSize)
	for _, v := range []uint64{count, top, table} {
		body = binary.BigEndian.AppendUint64(body, v)
	}
	return body
}

func TestBinaryIntegersAndDates(t *testing.T) {
	cases := map[string]struct {
		object string
		want   any
	}{
		"one byte is unsigned":    {"\x10\xff", int64(255)},
		"four bytes are unsigned": {"\x12\xff\xff\xff\xff", int64(math.MaxUint32)},
		"eight bytes are signed":  {"\x13\xff\xff\xff\xff\xff\xff\xff\xfe", int64(-2)},
		"sixteen, small":          {"\x14" + strings.Repeat("\x00", 15) + "\x05", int64(5)},
		"sixteen, large":          {"\x14" + strings.Repeat("\x00", 8) + strings.Repeat("\xff", 8), uint64(math.MaxUint64)},
		"sixteen, negative":       {"\x14" + strings.Repeat("\xff", 16), int64(-1)},
		"float32":                 {"\x22\x3f\x00\x00\x00", 0.5},
		"half a second":           {"\x33\x3f\xe0\x00\x00\x00\x00\x00\x00", time.Unix(978307200, 5e8).UTC()},
		"uid of two bytes":        {"\x81\x01\x00", plist.UID(256)},
		"latin-1 in ASCII":        {"\x52a\xe9", "a\uFFFD"},
		"lone surrogate":          {"\x61\xd8\x00", "\uFFFD"},
	}
	for name, c := range cases {
		got, err := plist.Parse(list(c.object), plist.Limits{})
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %#v, %v; want %#v", name, got, err, c.want)
		}
	}
}

func TestHostileBinary(t *testing.T) {
	const huge = "\x80\x00\x00\x00\x00\x00\x00\x00"
	cases := map[string][]byte{
		"magic only":               []byte("bplist00"),
		"one byte short":           list("\x09")[:41],
		"UTF-16 length 2^63":       list("\x6f\x13" + huge + "ab"),
		"ASCII length wraps":       list("\x5f\x13\xff\xff\xff\xff\xff\xff\xff\xfa" + "ab"),
		"data length wraps":        list("\x4f\x13\xff\xff\xff\xff\xff\xff\xff\xf0"),
		"dict count 2^63":          list("\xdf\x13" + huge),
		"array count wraps":        list("\xaf\x13\x7f\xff\xff\xff\xff\xff\xff\xff"),
		"length of 16 bytes":       list("\x5f\x14" + strings.Repeat("\x00", 16)),
		"length that is no int":    list("\x5f\x50"),
		"length cut off":           list("\x5f\x13\x00"),
		"text past the end":        list("\x55ab"),
		"int past the end":         list("\x13\x00"),
		"int of 32 bytes":          list("\x15" + strings.Repeat("\x00", 32)),
		"real of 2 bytes":          list("\x21\x00\x00"),
		"date that is no number":   list("\x33\x7f\xf8\x00\x00\x00\x00\x00\x00"),
		"date beyond time":         list("\x33\x7f\xe0\x00\x00\x00\x00\x00\x00"),
		"uid of 16 bytes":          list("\x8f" + strings.Repeat("\x00", 16)),
		"null":                     list("\x00"),
		"fill":                     list("\x0f"),
		"set":                      list("\xc0"),
		"reference beyond":         list("\xa1\x07"),
		"key that is an int":       list("\xd1\x01\x01", "\x10\x01"),
		"array that holds itself":  list("\xa1\x00"),
		"dict that holds itself":   list("\xd1\x01\x00", "\x51k"),
		"no objects":               frame([]byte("bplist00\x09\x08"), 1, 1, 0, 0, 9),
		"root beyond":              frame([]byte("bplist00\x09\x08"), 1, 1, 1, 1, 9),
		"offset size 0":            frame([]byte("bplist00\x09\x08"), 0, 1, 1, 0, 9),
		"offset size 9":            frame([]byte("bplist00\x09\x08"), 9, 1, 1, 0, 9),
		"reference size 0":         frame([]byte("bplist00\x09\x08"), 1, 0, 1, 0, 9),
		"table in the header":      frame([]byte("bplist00\x09\x08"), 1, 1, 1, 0, 4),
		"table beyond":             frame([]byte("bplist00\x09\x08"), 1, 1, 1, 0, math.MaxUint64),
		"count times size wraps":   frame([]byte("bplist00\x09\x08\x08"), 2, 1, 1<<63+1, 0, 9),
		"offset into the header":   frame([]byte("bplist00\x09\x03"), 1, 1, 1, 0, 9),
		"offset into the table":    frame([]byte("bplist00\x09\x09"), 1, 1, 1, 0, 9),
		"two arrays in each other": list("\xa1\x01", "\xa1\x00"),
	}
	for name, in := range cases {
		v, err := plist.Parse(in, plist.Limits{})
		if !errors.Is(err, plist.ErrSyntax) && !errors.Is(err, plist.ErrLimit) {
			t.Errorf("%s: got %v, %v", name, v, err)
		}
	}
}

// laughs is a list whose every level refers twice to the one below.
func laughs(levels int, leaf string) []byte {
	objects := make([]string, levels+1)
	for i := range levels {
		objects[i] = "\xa2" + string([]byte{byte(i + 1), byte(i + 1)})
	}
	objects[levels] = leaf
	return list(objects...)
}

func TestSharedObjectsAreCountedAsOftenAsTheyAppear(t *testing.T) {
	if _, err := plist.Parse(laughs(5, "\x09"), plist.Limits{}); err != nil {
		t.Errorf("32 leaves: %v", err)
	}
	for _, leaf := range []string{"\x09", "\xa0", "\x4e0123456789abcd"} {
		if _, err := plist.Parse(laughs(100, leaf), plist.Limits{}); !errors.Is(err, plist.ErrLimit) {
			t.Errorf("2^100 leaves %q: %v", leaf, err)
		}
	}
	data := laughs(6, "\x4f\x11\x40\x00"+strings.Repeat("x", 0x4000))
	if _, err := plist.Parse(data, plist.Limits{}); !errors.Is(err, plist.ErrLimit) {
		t.Errorf("64 copies of 16 KiB: %v", err)
	}
}

func TestLimitsHold(t *testing.T) {
	deep := any("x")
	for range 10 {
		deep = []any{deep}
	}
	for name, marshal := range encodings {
		data, err := marshal(deep)
		if err != nil {
			t.Fatal(err)
		}
		for what, lim := range map[string]plist.Limits{
			"depth": {Depth: 9}, "objects": {Objects: 10}, "bytes": {Bytes: len(data) - 1},
		} {
			if _, err := plist.Parse(data, lim); !errors.Is(err, plist.ErrLimit) {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
		if _, err := plist.Parse(data, plist.Limits{Depth: 10, Objects: 11, Bytes: len(data)}); err != nil {
			t.Errorf("%s at its limits: %v", name, err)
		}
	}
}

func TestDecodedValuesAreCopies(t *testing.T) {
	for name, marshal := range encodings {
		data, err := marshal(plist.Dict{"key": "value", "data": []byte("data")})
		if err != nil {
			t.Fatal(err)
		}
		d, err := plist.ParseDict(data)
		if err != nil {
			t.Fatal(err)
		}
		clear(data)
		if d.String("key") != "value" || !bytes.Equal(d.Data("data"), []byte("data")) {
			t.Errorf("%s: the value changed with its input: %v", name, d)
		}
	}
}

func TestDocReadsInPlace(t *testing.T) {
	data := list("\xd2\x01\x02\x03\x04", "\x51k", "\x51u", "\x43abc", "\x80\x2a")
	doc, err := plist.OpenBinary(data)
	if err != nil {
		t.Fatal(err)
	}
	root, ok := doc.Dict(doc.Top())
	if !ok || root.Len() != 2 {
		t.Fatalf("root: %v, %d entries", ok, root.Len())
	}
	k, ok := doc.Lookup(&root, "k")
	b, isData := doc.Data(k)
	if !ok || !isData || string(b) != "abc" {
		t.Errorf("k = %q, %v, %v", b, ok, isData)
	}
	if at, ok := doc.Offset(k); !ok || data[at] != 0x43 {
		t.Errorf("offset of k = %d, %v", at, ok)
	}
	u, _ := doc.Lookup(&root, "u")
	if uid, ok := doc.UID(u); !ok || uid != 42 {
		t.Errorf("u = %v, %v", uid, ok)
	}
	if _, ok := doc.Lookup(&root, "none"); ok {
		t.Error("found a key that is not there")
	}
	if _, ok := doc.Int(k); ok {
		t.Error("data read as an integer")
	}
}
