package reach_test

import (
	"strings"
	"testing"

	"russet"
	"russet/internal/reach"
)

func TestFindDevice(t *testing.T) {
	devices := []russet.Device{
		{UDID: "00008140-000650DDEC43D17F", Name: "Anna’s iPhone", Connection: "usb"},
		{UDID: "00008140-000650DDEC43D17F", Name: "Anna’s iPhone", Connection: "network"},
		{UDID: "00008140-001EB3E7B90CCDCF", Name: "Bert"},
		{UDID: "0123456789abcdef0123456789abcdef01234567", Name: "iPad"},
		{UDID: "1123456789abcdef0123456789abcdef01234567", Name: "iPad"},
	}
	for _, test := range []struct {
		word string
		want russet.UDID
		kind russet.Kind
		says string
	}{
		{word: "00008140-000650DDEC43D17F", want: "00008140-000650DDEC43D17F"},
		{word: "00008140000650ddec43d17f", want: "00008140-000650DDEC43D17F"},
		{word: "Anna’s iPhone", want: "00008140-000650DDEC43D17F"},
		{word: "anna's iphone", want: "00008140-000650DDEC43D17F"},
		{word: "bert", want: "00008140-001EB3E7B90CCDCF"},
		{word: "00008140-001", want: "00008140-001EB3E7B90CCDCF"},
		{word: "1", want: "1123456789abcdef0123456789abcdef01234567"},
		{word: "00008140", kind: russet.Usage, says: "Bert"},
		{word: "iPad", kind: russet.Usage, says: "0123456789abcdef0123456789abcdef01234567"},
		{word: "Carla", kind: russet.NotConnected, says: "Anna"},
		{word: "", kind: russet.NotConnected},
	} {
		got, err := reach.FindDevice(devices, test.word)
		if got.UDID != test.want || russet.KindOf(err) != test.kind {
			t.Errorf("FindDevice(%q) = %s, %v", test.word, got.UDID, err)
		}
		if e, ok := err.(*russet.Error); ok && !strings.Contains(e.Hint, test.says) {
			t.Errorf("FindDevice(%q): the hint %q does not name %q", test.word, e.Hint, test.says)
		}
	}
}

func TestCableWinsOverNetwork(t *testing.T) {
	got, err := reach.FindDevice([]russet.Device{
		{UDID: "00008140-000650DDEC43D17F", Name: "a", Connection: "usb"},
		{UDID: "00008140-000650DDEC43D17F", Name: "a", Connection: "network"},
	}, "a")
	if err != nil || got.Connection != "usb" {
		t.Errorf("got %v, %v", got, err)
	}
}
