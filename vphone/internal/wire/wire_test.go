package wire_test

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"

	"russet/vphone/internal/wire"
)

func TestThereAndBack(t *testing.T) {
	want := map[string]any{"Request": "QueryType", "N": int64(3)}
	var stream bytes.Buffer
	if err := wire.WriteXML(&stream, want); err != nil {
		t.Fatal(err)
	}
	if err := wire.WriteBinary(&stream, want); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := wire.Read(&stream)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	if _, err := wire.Read(&stream); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestBadMessages(t *testing.T) {
	for name, stream := range map[string]string{
		"giant length": "\xff\xff\xff\xff",
		"cut":          "\x00\x00\x00\x10<plist>",
		"cut length":   "\x00\x00",
		"not a dict":   "\x00\x00\x00\x16<plist><true/></plist>",
	} {
		if got, err := wire.Read(strings.NewReader(stream)); err == nil || err == io.EOF {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
