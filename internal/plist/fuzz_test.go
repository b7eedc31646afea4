package plist_test

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	howett "howett.net/plist"

	"russet/internal/plist"
)

// oracle reads a list with another reader. It is shown only what ours has
// accepted: it can be killed by hostile lists.
func oracle(data []byte) (v any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	_, err = howett.Unmarshal(data, &v)
	return v, err
}

// agrees compares a value of ours with the other reader's.
func agrees(ours, theirs any) bool {
	switch ours := ours.(type) {
	case plist.Dict:
		m, ok := theirs.(map[string]any)
		if !ok || len(m) != len(ours) {
			return false
		}
		for k, v := range ours {
			if !agrees(v, m[k]) {
				return false
			}
		}
		return true
	case []any:
		a, ok := theirs.([]any)
		if !ok || len(a) != len(ours) {
			return false
		}
		for i := range a {
			if !agrees(ours[i], a[i]) {
				return false
			}
		}
		return true
	case int64:
		u, ok := theirs.(uint64)
		i, isSigned := theirs.(int64)
		return ok && ours >= 0 && u == uint64(ours) || isSigned && i == ours
	case time.Time:
		t, ok := theirs.(time.Time)
		return ok && t.Sub(ours).Abs() < time.Second // it counts in floats
	case float64:
		f, ok := theirs.(float64)
		return ok && (f == ours || math.IsNaN(f) && math.IsNaN(ours))
	case plist.UID:
		u, ok := theirs.(howett.UID)
		return ok && uint64(u) == uint64(ours)
	}
	return reflect.DeepEqual(ours, theirs)
}

func TestAnotherReaderAgrees(t *testing.T) {
	for name, marshal := range encodings {
		v := everything()
		if name == "xml" {
			delete(v, "markup") // it keeps \r\n as it is; XML 1.0, 2.11 says otherwise
		}
		data, err := marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := oracle(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for k, ours := range v {
			if m := theirs.(map[string]any); !agrees(ours, m[k]) {
				t.Errorf("%s: %s: ours %#v, theirs %#v", name, k, ours, m[k])
			}
		}
	}
}

func seed(f *testing.F) {
	for _, marshal := range encodings {
		data, err := marshal(everything())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

func FuzzBinary(f *testing.F) {
	seed(f)
	f.Add(list("\xa1\x00"))
	f.Add(laughs(20, "\x09"))
	f.Add(list("\x5f\x13\xff\xff\xff\xff\xff\xff\xff\xfaab"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := plist.Parse(append([]byte("bplist00"), strings.TrimPrefix(string(data), "bplist00")...), plist.Limits{})
		if err == nil {
			checkRoundTrip(t, v)
		}
	})
}

func FuzzXML(f *testing.F) {
	seed(f)
	f.Add([]byte("<!DOCTYPE a [ <!ENTITY b 'c'> ]><plist><string>&b;</string></plist>"))
	f.Add([]byte("<plist><array><data>AAA=</data><date>2001-01-01T00:00:00Z</date></array></plist>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := plist.Parse(append([]byte("<"), strings.TrimPrefix(string(data), "<")...), plist.Limits{})
		if err == nil {
			checkRoundTrip(t, v)
		}
	})
}

// checkRoundTrip writes a parsed value and has both readers read it.
func checkRoundTrip(t *testing.T, v any) {
	data, err := plist.MarshalBinary(v)
	if err != nil {
		t.Fatalf("cannot write what was read: %v", err)
	}
	again, err := plist.Parse(data, plist.Limits{})
	if err != nil {
		t.Fatalf("cannot read what was written: %v", err)
	}
	// Writing once more compares values without tripping over NaN.
	if rewritten, err := plist.MarshalBinary(again); err != nil || string(rewritten) != string(data) {
		t.Fatalf("changed on the way (%v): %#v", err, v)
	}
	theirs, err := oracle(data)
	if err != nil {
		t.Fatalf("another reader refuses: %v", err)
	}
	if !agrees(again, theirs) {
		t.Fatalf("ours %#v, theirs %#v", again, theirs)
	}
}
