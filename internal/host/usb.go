package host

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// usbDevices is where Linux shows what is plugged in. On other systems it is
// not there, and the answer is "none".
const usbDevices = "/sys/bus/usb/devices"

// appleVendor is Apple's number on the USB.
const appleVendor = "05ac"

// usbPhones lists the phones and tablets the kernel sees, by their names. One
// that was locked for about an hour is here and not in usbmuxd's list.
func usbPhones(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var phones []string
	for _, e := range entries {
		attr := func(name string) string {
			data, err := readLimited(filepath.Join(dir, e.Name(), name), 64<<10)
			if err != nil {
				return ""
			}
			return strings.TrimRight(string(data), "\x00\n ")
		}
		product := attr("product")
		if attr("idVendor") == appleVendor && slices.Contains([]string{"iPhone", "iPad", "iPod"}, product) {
			phones = append(phones, product)
		}
	}
	return phones
}
