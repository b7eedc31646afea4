package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"russet"
)

// appleVendor is Apple's number on the USB.
const appleVendor = "05ac"

// busDir is where Linux shows what is plugged in.
const busDir = "sys/bus/usb/devices"

// recoveries are Apple's numbers for phones that wait for new firmware: DFU,
// and recovery mode (libirecovery's udev rules).
func recoveries() []string { return []string{"1227", "1280", "1281", "1282", "1283"} }

// bus lists the phones and tablets the kernel sees. On other systems it sees
// nothing.
func (w world) bus() (there bool, phones []BusPhone) {
	entries, err := os.ReadDir(w.path(busDir))
	if err != nil || len(entries) == 0 {
		return false, nil
	}
	for _, e := range entries {
		dir := busDir + "/" + e.Name()
		if w.word(dir+"/idVendor") != appleVendor {
			continue
		}
		product := w.word(dir + "/product")
		recovery := slices.Contains(recoveries(), w.word(dir+"/idProduct"))
		if !recovery && !slices.Contains([]string{"iPhone", "iPad", "iPod"}, product) {
			continue
		}
		p := BusPhone{Product: product, Recovery: recovery, Data: offersData([]byte(w.read(dir + "/descriptors")))}
		if !recovery { // then its serial number is another
			p.UDID = udidOf(w.word(dir + "/serial"))
		}
		p.Holder = w.holder(dir)
		p.Node = w.node(dir)
		phones = append(phones, p)
	}
	return true, phones
}

// udidOf makes the serial number of the USB descriptor a UDID: newer devices
// leave out its dash there (protocol.md 1.4).
func udidOf(serial string) russet.UDID {
	if len(serial) == 24 && !strings.Contains(serial, "-") {
		serial = serial[:8] + "-" + serial[8:]
	}
	if udid := russet.UDID(serial); udid.Valid() {
		return udid
	}
	return ""
}

// The kinds of descriptors (USB 2.0, table 9-5) and how short the ones that
// are read may be.
const (
	interfaceDescriptor = 4
	interfaceLength     = 9
)

// offersData reports whether any configuration of a device has the interface
// that usbmuxd uses: class 255, subclass 254, protocol 2. data are the
// descriptors as sysfs shows them, the device's and then its configurations'.
func offersData(data []byte) bool {
	for len(data) >= 2 {
		n := int(data[0])
		if n < 2 || n > len(data) {
			return false
		}
		if data[1] == interfaceDescriptor && n >= interfaceLength && data[5] == 0xff && data[6] == 0xfe && data[7] == 2 {
			return true
		}
		data = data[n:]
	}
	return false
}

// holder is the driver that has the interface for data; "" if none has.
func (w world) holder(device string) string {
	name := filepath.Base(device)
	found, err := filepath.Glob(w.path(device) + "/" + name + ":*")
	if err != nil {
		return ""
	}
	for _, dir := range found {
		rel := device + "/" + filepath.Base(dir)
		if w.word(rel+"/bInterfaceClass") != "ff" || w.word(rel+"/bInterfaceSubClass") != "fe" || w.word(rel+"/bInterfaceProtocol") != "02" {
			continue
		}
		if driver, err := os.Readlink(filepath.Join(dir, "driver")); err == nil {
			return filepath.Base(driver)
		}
	}
	return ""
}

// node finds the file through which a device is reached.
func (w world) node(device string) Node {
	n := Node{UID: -1, GID: -1}
	bus, errBus := strconv.Atoi(w.word(device + "/busnum"))
	number, errNumber := strconv.Atoi(w.word(device + "/devnum"))
	if errBus != nil || errNumber != nil {
		return n
	}
	n.Path = fmt.Sprintf("/dev/bus/usb/%03d/%03d", bus, number)
	info, err := os.Stat(w.path(n.Path))
	if err != nil {
		return n
	}
	n.There, n.Mode = true, info.Mode()
	n.UID, n.GID = owners(info)
	return n
}
