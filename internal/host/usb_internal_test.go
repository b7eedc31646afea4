package host

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A phone in USB Restricted Mode is in sysfs and nowhere else.
func TestPhonesOnTheBus(t *testing.T) {
	dir := t.TempDir()
	for device, attrs := range map[string]map[string]string{
		"1-1":  {"idVendor": "05ac\n", "product": "iPhone\n"},
		"1-2":  {"idVendor": "05ac\n", "product": "iPad\n"},
		"1-3":  {"idVendor": "05ac\n", "product": "Magic Keyboard\n"},
		"2-1":  {"idVendor": "1d6b\n", "product": "iPhone\n"},
		"usb1": {},
	} {
		if err := os.MkdirAll(filepath.Join(dir, device), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, value := range attrs {
			if err := os.WriteFile(filepath.Join(dir, device, name), []byte(value), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := usbPhones(dir); !slices.Equal(got, []string{"iPhone", "iPad"}) {
		t.Errorf("found %q", got)
	}
	if got := usbPhones(filepath.Join(dir, "nowhere")); got != nil {
		t.Errorf("found %q where there is nothing", got)
	}
}
