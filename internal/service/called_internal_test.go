package service

import (
	"testing"

	"russet"
)

// TestCalled: two devices of one name are told apart, by their models if those
// differ.
func TestCalled(t *testing.T) {
	device := func(udid russet.UDID, name, product string) russet.Device {
		return russet.Device{UDID: udid, Name: name, Product: product}
	}
	s := &Service{states: map[russet.UDID]*state{}}
	known := []russet.Device{
		device("00008140-0001", "Anna", "iPhone 16 Pro"), device("00008140-0002", "iPhone", "iPhone SE"),
		device("00008140-0003", "iPhone", "iPhone 16 Pro"), device("00008140-0004", "iphone", "iPhone 16 Pro"), device("1", "iPhone", ""),
	}
	for _, d := range known[1:] {
		s.states[d.UDID] = &state{Device: d}
	}
	s.devices.devices = known[:2]
	for i, want := range []string{"Anna", "iPhone (iPhone SE)", "iPhone (…0003)", "iphone (…0004)", "iPhone (…1)"} {
		if got := s.called(known[i]); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
