package plist_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	howett "howett.net/plist"

	"russet/vphone/internal/plist"
)

// everything is one tree with every kind of value at the edges of its range.
func everything() map[string]any {
	return map[string]any{
		"empty":   map[string]any{},
		"list":    []any{"a", "a", int64(1), []any{}, map[string]any{"a": "a"}},
		"text":    "naïve \U0001F4F1 <&>\r\n",
		"blank":   "",
		"small":   int64(255),
		"middle":  int64(65536),
		"big":     int64(math.MaxInt64),
		"minus":   int64(-13),
		"least":   int64(math.MinInt64),
		"real":    2.1,
		"yes":     true,
		"no":      false,
		"data":    bytes.Repeat([]byte{0, 1, 254}, 200),
		"nothing": []byte{},
		"date":    time.Date(2026, 8, 1, 12, 30, 15, 0, time.UTC),
		"uid":     plist.UID(70000),
	}
}

func TestWriteThenRead(t *testing.T) {
	want := everything()
	for _, form := range []struct {
		name  string
		write func(any) ([]byte, error)
	}{{"binary", plist.Binary}, {"XML", plist.XML}} {
		t.Run(form.name, func(t *testing.T) {
			data, err := form.write(want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := plist.Unmarshal(data)
			if err != nil {
				t.Fatalf("%v in\n%s", err, data)
			}
			if !reflect.DeepEqual(got, any(want)) {
				t.Errorf("got  %#v\nwant %#v", got, want)
			}
		})
	}
}

func TestOthersReadWhatIsWritten(t *testing.T) {
	tree := everything()
	delete(tree, "uid") // the other library spells it with a type of its own
	for name, write := range map[string]func(any) ([]byte, error){"binary": plist.Binary, "XML": plist.XML} {
		data, err := write(tree)
		if err != nil {
			t.Fatal(err)
		}
		var theirs map[string]any
		if _, err := howett.Unmarshal(data, &theirs); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := howett.Marshal(theirs, howett.BinaryFormat)
		if err != nil {
			t.Fatal(err)
		}
		got, err := plist.Unmarshal(again)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, any(tree)) {
			t.Errorf("%s: got %#v\nwant %#v", name, got, tree)
		}
	}
}

func TestStatusCodesOfHosts(t *testing.T) {
	for name, form := range map[string]string{
		"64 bits signed":    "\x13\xff\xff\xff\xff\xff\xff\xff\xf3",
		"128 bits unsigned": "\x14\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xf3",
		"128 bits signed":   "\x14\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf3",
	} {
		trailer := "\x08" + strings.Repeat("\x00", 6) + "\x01\x01" +
			"\x00\x00\x00\x00\x00\x00\x00\x01" + strings.Repeat("\x00", 8) +
			strings.Repeat("\x00", 7) + string(rune(8+len(form)))
		got, err := plist.Unmarshal([]byte("bplist00" + form + trailer))
		if err != nil || got != int64(-13) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for _, text := range []string{"-13", "18446744073709551603", "0xfffffffffffffff3"} {
		got, err := plist.Unmarshal([]byte("<plist><integer>" + text + "</integer></plist>"))
		if err != nil || got != int64(-13) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func TestXMLAsOthersWriteIt(t *testing.T) {
	const doc = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "x">
<!-- a > b --><plist version="1.0"><dict>
<key>A&#x26;B</key><string>one <![CDATA[<two>]]> &lt;three&gt;` + "\x07" + `</string>
<key>n</key><integer> 010 </integer><key>d</key><data>
	AAE
	C</data><key>t</key><true /><key>f</key><false></false><key>e</key><string/>
</dict></plist>`
	got, err := plist.Unmarshal([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"A&B": "one <two> <three>", "n": int64(10), "d": []byte{0, 1, 2}, "t": true, "f": false, "e": "",
	}
	if !reflect.DeepEqual(got, any(want)) {
		t.Errorf("got %#v", got)
	}
}

func TestRefused(t *testing.T) {
	for name, doc := range map[string]string{
		"nothing":        "",
		"no list":        "hello",
		"cut":            "<plist><dict><key>a</key>",
		"entity":         "<plist><string>&boom;</string></plist>",
		"bad real":       "<plist><real>x</real></plist>",
		"bad data":       "<plist><data>%</data></plist>",
		"element":        "<plist><blob/></plist>",
		"deep":           "<plist>" + strings.Repeat("<array>", 100),
		"mixed":          "<plist><string><true/></string></plist>",
		"only the magic": "bplist00",
		"giant count":    "bplist00\xdf\x13\x7f\xff\xff\xff\xff\xff\xff\xff\x08" + trailer(1, 18),
		"giant text":     "bplist00\x5f\x13\x7f\xff\xff\xff\xff\xff\xff\xff\x08" + trailer(1, 18),
		"itself":         "bplist00\xa1\x00\x08" + trailer(1, 10),
	} {
		if v, err := plist.Unmarshal([]byte(doc)); !errors.Is(err, plist.ErrSyntax) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}

func trailer(count, table byte) string {
	zero := strings.Repeat("\x00", 7)
	return zero[:6] + "\x01\x01" + zero + string(rune(count)) + zero + "\x00" + zero + string(rune(table))
}

// Thirty arrays, each holding the next one twice, are a billion values.
func TestSharedContainersAreBounded(t *testing.T) {
	doc := []byte("bplist00")
	var offsets []byte
	for i := range byte(30) {
		offsets = append(offsets, byte(len(doc)))
		doc = append(doc, 0xa2, i+1, i+1)
	}
	offsets = append(offsets, byte(len(doc)))
	doc = append(doc, 0x08)
	table := byte(len(doc))
	doc = append(append(doc, offsets...), trailer(31, table)...)
	if _, err := plist.Unmarshal(doc); !errors.Is(err, plist.ErrSyntax) {
		t.Errorf("got %v", err)
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, write := range []func(any) ([]byte, error){plist.Binary, plist.XML} {
		data, err := write(everything())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("<plist><dict><key>CF$UID</key><integer>4</integer></dict></plist>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := plist.Unmarshal(data)
		if err != nil {
			return
		}
		first, err := plist.Binary(v)
		if err != nil {
			t.Fatalf("write what was read: %v", err)
		}
		again, err := plist.Unmarshal(first)
		if err != nil {
			t.Fatalf("read what was written: %v", err)
		}
		second, err := plist.Binary(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("not stable: %v\n%x\n%x", err, first, second)
		}
		if _, err := plist.XML(v); err != nil {
			t.Fatal(err)
		}
	})
}

// An archived file record, as the backup agent writes up to a million.
func BenchmarkAppendBinary(b *testing.B) {
	record := map[string]any{
		"$version": 100000, "$archiver": "NSKeyedArchiver", "$top": map[string]any{"root": plist.UID(1)},
		"$objects": []any{
			"$null",
			map[string]any{
				"$class": plist.UID(3), "RelativePath": plist.UID(2), "Size": 12345, "Mode": 33188, "UserID": 501,
				"GroupID": 501, "LastModified": 1700000000, "LastStatusChange": 1700000000, "Birth": 1700000000,
				"InodeNumber": 123456, "ProtectionClass": 3, "Flags": 0,
			},
			"Library/SMS/sms.db",
			map[string]any{"$classname": "MBFile", "$classes": []any{"MBFile", "NSObject"}},
		},
	}
	var e plist.Encoder
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = e.AppendBinary(dst[:0], record); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(dst)))
}
