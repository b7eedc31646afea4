package doctor

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// tree makes a folder that looks like the root of a system: files by their
// paths, links with "-> target" as content, folders with "/" at their end.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		dir := filepath.Dir(path)
		if strings.HasSuffix(name, "/") {
			dir = path
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		target, link := strings.CutPrefix(content, "-> ")
		switch {
		case strings.HasSuffix(name, "/"):
		case link:
			err = os.Symlink(target, path)
		default:
			err = os.WriteFile(path, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// The descriptors of an iPhone: the device, and configurations as they were
// listed for an iPhone 4 (andy-pearce.com, iphone_usbmuxd): PTP; audio and HID;
// PTP with the mux.
var (
	deviceBytes = "\x12\x01\x00\x02\x00\x00\x00\x40\xac\x05\xa8\x12\x02\x07\x01\x02\x03\x04"
	ptpBytes    = "\x09\x02\x27\x00\x01\x01\x05\xc0\xfa" + "\x09\x04\x00\x00\x03\x06\x01\x01\x0d" + "\x07\x05\x02\x02\x00\x02\x00" + "\x07\x05\x81\x02\x00\x02\x00" + "\x07\x05\x83\x03\x40\x00\x0a"
	audioBytes  = "\x09\x02\x12\x00\x01\x02\x06\xc0\xfa" + "\x09\x04\x00\x00\x00\x01\x01\x00\x00"
	muxBytes    = "\x09\x02\x3e\x00\x02\x03\x07\xc0\xfa" + "\x09\x04\x00\x00\x00\x06\x01\x01\x0d" + "\x09\x04\x01\x00\x02\xff\xfe\x02\x0e" + "\x07\x05\x04\x02\x00\x02\x00" + "\x07\x05\x85\x02\x00\x02\x00"
)

const mountinfo = `24 30 0:22 / /proc rw,nosuid shared:5 - proc proc rw
30 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
41 30 0:44 / /home/anna\040b rw,relatime shared:7 - nfs4 nas:/home rw,vers=4.2
42 30 8:2 / /var/lib/lockdown ro,relatime shared:8 - ext4 /dev/sdb1 rw
43 30 8:3 / /srv rw,relatime - ext4 /dev/sdc1 rw
44 43 8:4 / /srv rw,relatime - xfs /dev/sdd1 ro
too short
`

// debian is a Debian computer with an iPhone that lets its data through and an
// iPad that does not.
func debian() map[string]string {
	phone, pad := "sys/bus/usb/devices/1-2/", "sys/bus/usb/devices/1-1.4/"
	return map[string]string{
		"etc/os-release":                     "PRETTY_NAME=\"Raspberry Pi OS\"\nID=raspios\nID_LIKE=\"debian\"\n",
		"run/systemd/system/":                "",
		"usr/sbin/usbmuxd":                   "",
		"sys/power/state":                    "freeze mem\n",
		"usr/bin/systemd-inhibit":            "",
		phone + "idVendor":                   "05ac\n",
		phone + "product":                    "iPhone\n",
		phone + "serial":                     "00008140000650DDEC43D17F\n",
		phone + "busnum":                     "1\n",
		phone + "devnum":                     "7\n",
		phone + "descriptors":                deviceBytes + ptpBytes + audioBytes + muxBytes,
		phone + "1-2:4.1/bInterfaceClass":    "ff\n",
		phone + "1-2:4.1/bInterfaceSubClass": "fe\n",
		phone + "1-2:4.1/bInterfaceProtocol": "02\n",
		phone + "1-2:4.1/driver":             "-> ../../../../bus/usb/drivers/usbfs",
		phone + "1-2:4.0/bInterfaceClass":    "06\n",
		pad + "idVendor":                     "05ac\n",
		pad + "product":                      "iPad\n",
		pad + "serial":                       "2b6f0cc904d137be2e1730235f5664094b831186\x00\n",
		pad + "busnum":                       "1\n",
		pad + "devnum":                       "9\n",
		pad + "descriptors":                  deviceBytes + ptpBytes,
		"sys/bus/usb/devices/1-5/idVendor":   "05ac\n",
		"sys/bus/usb/devices/1-5/idProduct":  "1281\n",
		"sys/bus/usb/devices/1-5/product":    "Apple Mobile Device (Recovery Mode)\n",
		"sys/bus/usb/devices/1-5/serial":     "CPID:8101 CPRV:11 CPFM:03 SCEP:01 BDID:0C ECID:0006 IBFL:3D SRNM:[F2L]\n",
		"sys/bus/usb/devices/1-3/idVendor":   "05ac\n",
		"sys/bus/usb/devices/1-3/product":    "Magic Keyboard\n",
		"sys/bus/usb/devices/2-1/idVendor":   "1d6b\n",
		"sys/bus/usb/devices/2-1/product":    "iPhone\n",
		"sys/bus/usb/devices/usb1/speed":     "480\n",
		"dev/bus/usb/001/007":                "",
		"proc/1/comm":                        "systemd\n",
		"proc/700/comm":                      "usbmuxd\n",
		"proc/700/status":                    "Name:\tusbmuxd\nUid:\t105\t105\t105\t105\nGid:\t46\t46\t46\t46\nGroups:\t46 47 \n",
		"proc/812/comm":                      "russet\n",
		"proc/812/cmdline":                   "/usr/bin/russet\x00serve\x00",
		"proc/812/environ":                   "HOME=/var/lib/russet\x00XDG_CONFIG_HOME=\x00",
		"proc/812/status":                    "Uid:\t998\t998\t998\t998\n",
		"proc/813/comm":                      "russet\n",
		"proc/813/cmdline":                   "russet\x00doctor\x00",
		"proc/self/mountinfo":                mountinfo,
		"var/lib/lockdown/":                  "",
	}
}

func TestLook(t *testing.T) {
	if pathSeparator := string(filepath.Separator); pathSeparator != "/" {
		t.Skip("the folders of a Linux system")
	}
	root := tree(t, debian())
	c := Look(root)
	if c.Distribution != "debian" || !c.Systemd || c.Container != "" || !c.Bus || !c.Nodes || !c.Program {
		t.Errorf("%+v", c)
	}
	if c.Records != "/var/lib/lockdown" || c.RecordsTrouble != "it is mounted read-only" {
		t.Errorf("records: %q %q", c.Records, c.RecordsTrouble)
	}
	if len(c.BusPhones) != 3 || !c.BusPhones[2].Recovery || c.BusPhones[2].UDID != "" {
		t.Fatalf("on the bus: %+v", c.BusPhones)
	}
	pad, phone := c.BusPhones[0], c.BusPhones[1]
	if phone.Product != "iPhone" || phone.UDID != "00008140-000650DDEC43D17F" || !phone.Data || phone.Holder != "usbfs" ||
		phone.Node.Path != "/dev/bus/usb/001/007" || !phone.Node.There {
		t.Errorf("%+v", phone)
	}
	if pad.Product != "iPad" || pad.UDID != "2b6f0cc904d137be2e1730235f5664094b831186" || pad.Data || pad.Holder != "" || pad.Node.There {
		t.Errorf("%+v", pad)
	}
	want := []Process{{PID: 700, Name: "usbmuxd", UID: 105, Groups: []int{46, 46, 47}}}
	if !reflect.DeepEqual(c.Daemons, want) {
		t.Errorf("daemons: %+v", c.Daemons)
	}
	want = []Process{{PID: 812, Name: serveName, UID: 998, Home: "/var/lib/russet/.config/russet", Seen: true}}
	if !reflect.DeepEqual(c.Serving, want) {
		t.Errorf("serving: %+v", c.Serving)
	}
}

func TestLookAtNothing(t *testing.T) {
	c := Look(t.TempDir())
	if c.Bus || c.BusPhones != nil || c.Nodes || c.Program || c.Container != "" || c.Daemons != nil || c.RecordsTrouble != "" {
		t.Errorf("%+v", c)
	}
}

func TestContainers(t *testing.T) {
	for file, want := range map[string]string{
		".dockerenv": "Docker", "run/.containerenv": "Podman", "run/systemd/container": "lxc", "proc/self/environ": "Podman",
	} {
		text := "lxc\n"
		if want == "Podman" {
			text = "HOME=/\x00container=podman\x00TERM=xterm\x00"
		}
		root := tree(t, map[string]string{file: text, "proc/self/mountinfo": "1 0 0:1 / / rw - overlay overlay rw\n2 1 8:1 / /data rw - ext4 /dev/sda rw\n"})
		if got := world(root).container(); got != want {
			t.Errorf("with %s: %q", file, got)
		}
		if _, passing := HomeDisk(root, "/root/.config/russet"); !passing {
			t.Errorf("with %s: what lies in the container's own layer goes with it", file)
		}
		if _, passing := HomeDisk(root, "/data/russet"); passing {
			t.Errorf("with %s: what is mounted stays", file)
		}
	}
}

func TestMounts(t *testing.T) {
	for dir, want := range map[string]mount{
		"/home/anna b/.config/russet": {"/home/anna b", "nfs4", false},
		"/home/anna":                  {"/", "ext4", false},
		"/var/lib/lockdown":           {"/var/lib/lockdown", "ext4", true},
		"/var/lib/lockdownx":          {"/", "ext4", false},
		"/srv/phones":                 {"/srv", "xfs", true},
	} {
		if got := mountIn(mountinfo, dir); got != want {
			t.Errorf("%s: %+v", dir, got)
		}
	}
	root := tree(t, map[string]string{"proc/self/mountinfo": mountinfo})
	if network, passing := HomeDisk(root, "/home/anna b/.config/russet"); network != "nfs4" || passing {
		t.Errorf("%q, %v", network, passing)
	}
}

// A process may use a file as its user, as one of its groups, or as anybody.
func TestOpens(t *testing.T) {
	node := Node{There: true, UID: 105, GID: 46, Mode: 0o660}
	for _, c := range []struct {
		process Process
		mode    os.FileMode
		want    bool
	}{
		{Process{UID: 0}, 0o000, true},
		{Process{UID: 105}, 0o660, true},
		{Process{UID: 105}, 0o460, false},
		{Process{UID: 9, Groups: []int{1, 46}}, 0o660, true},
		{Process{UID: 9, Groups: []int{1, 46}}, 0o646, false},
		{Process{UID: 9, Groups: []int{1}}, 0o664, false},
		{Process{UID: 9, Groups: []int{1}}, 0o666, true},
	} {
		node.Mode = c.mode
		if got := c.process.opens(node); got != c.want {
			t.Errorf("%+v with %#o: %v", c.process, c.mode, got)
		}
	}
}

// A device on the cable sends its own descriptors.
func FuzzDescriptors(f *testing.F) {
	for _, s := range []string{deviceBytes + ptpBytes + audioBytes + muxBytes, deviceBytes + ptpBytes, "\x00\x04", "\x09\x04", "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if offersData(data) && !strings.Contains(string(data), "\xff\xfe\x02") {
			t.Errorf("an interface that is not there in %x", data)
		}
	})
}
