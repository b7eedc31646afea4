package host_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/phonetest"
	"russet/vphone"
)

// Descriptors of a phone, as sysfs shows them: the device, then its
// configurations; only the last one has the interface that usbmuxd uses.
const (
	closedPhone = "\x12\x01\x00\x02\x00\x00\x00\x40\xac\x05\xa8\x12\x02\x07\x01\x02\x03\x04" + "\x09\x02\x12\x00\x01\x01\x05\xc0\xfa" + "\x09\x04\x00\x00\x03\x06\x01\x01\x0d"
	openPhone   = closedPhone + "\x09\x02\x12\x00\x01\x03\x07\xc0\xfa" + "\x09\x04\x01\x00\x02\xff\xfe\x02\x0e"
)

// put writes files of a system below root; a name that ends in a slash is a
// folder.
func put(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(path, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o600))
	}
}

// TestDoctorCable plugs Anna's phone into a computer whose kernel sees it and
// whose usbmuxd does not.
func TestDoctorCable(t *testing.T) {
	l := newNetlab(t)
	t.Setenv("USBMUXD_SOCKET_ADDRESS", l.Addr())
	dir := t.TempDir()
	p := l.Phone(vphone.Options{Identity: phonetest.Named(1, "Anna")})
	l.pair(l.bare(dir, "", nil), p)
	p.Unplug()
	device := "sys/bus/usb/devices/1-2/"
	root := t.TempDir()
	put(t, root, map[string]string{
		"etc/os-release": "ID=debian\n", "run/systemd/system/": "", "usr/sbin/usbmuxd": "", "dev/bus/usb/001/007": "",
		device + "idVendor": "05ac\n", device + "product": "iPhone\n", device + "busnum": "1\n", device + "devnum": "7\n",
		device + "serial": strings.ReplaceAll(p.UDID(), "-", "") + "\n", device + "descriptors": openPhone,
	})
	wants := func(what, want string) {
		t.Helper()
		h := host.Open(host.Options{Home: home.Place{Dir: dir, Data: dir, Moved: true}})
		defer func() { must(t, h.Close()) }()
		h.LookAt(root, time.Millisecond)
		findings := examine(t, h, "")
		if got := bad(findings); got != want+" service-never backup-never" {
			t.Errorf("%s: found %q, want %q", what, got, want)
		}
		for _, f := range findings {
			if string(f.Code) == want && !strings.Contains(f.What, `"Anna"`) {
				t.Errorf("%s: it does not say whose phone it is: %s", want, f.What)
			}
		}
	}
	wants("hot-plugging is broken", "usb-unnoticed")
	put(t, root, map[string]string{device + "descriptors": closedPhone})
	wants("it was locked for an hour", "usb-restricted")
	put(t, root, map[string]string{
		device + "descriptors": openPhone, "proc/700/comm": "usbmuxd\n", "proc/700/status": "Uid:\t54321\t54321\t54321\t54321\nGid:\t54321\t54321\t54321\t54321\n",
	})
	wants("udev gave the device to nobody", "usb-forbidden")
	must(t, os.Chmod(root+"/dev/bus/usb/001/007", 0o666))
	wants("it may be opened, and is not", "usb-unnoticed")
	must(t, os.Remove(root+"/dev/bus/usb/001/007"))
	put(t, root, map[string]string{".dockerenv": ""})
	wants("the container's list is frozen", "container-frozen")
	must(t, os.Remove(root+"/.dockerenv"))

	t.Setenv("USBMUXD_SOCKET_ADDRESS", "UNIX:"+root+"/nothing")
	wants("it does not run", "usbmuxd-stopped")
	must(t, os.Remove(root+"/usr/sbin/usbmuxd"))
	wants("it is not installed", "usbmuxd-missing")
}

// TestDoctorSilentMux: a usbmuxd that hangs is waited for once.
func TestDoctorSilentMux(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "russet")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	listener, err := net.Listen("unix", dir+"/mux")
	must(t, err)
	t.Cleanup(func() { must(t, listener.Close()) }) // whoever calls waits in the queue
	l := newNetlab(t)
	home := t.TempDir()
	l.pair(l.bare(home, l.Addr(), nil), l.Phone(vphone.Options{Identity: phonetest.Named(1, "Anna")}))
	h := l.bare(home, "UNIX:"+dir+"/mux", nil)
	start := time.Now()
	if got := bad(examine(t, h, "")); !strings.HasPrefix(got, "usbmuxd-silent ") {
		t.Errorf("found %q", got)
	}
	if took := time.Since(start); took > 25*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestDoctorHomeElsewhere: russet's own folder on a network disk, and in the
// part of a container that goes with it.
func TestDoctorHomeElsewhere(t *testing.T) {
	l := newNetlab(t)
	home := t.TempDir()
	h := l.bare(home, l.Addr(), nil)
	root := t.TempDir()
	h.LookAt(root, time.Millisecond)
	put(t, root, map[string]string{"proc/self/mountinfo": "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:44 / " + home + " rw - nfs4 nas:/home rw\n"})
	wantFindings(t, h, "home-network cable-empty")
	put(t, root, map[string]string{".dockerenv": "", "proc/self/mountinfo": "1 0 0:30 / / rw - overlay overlay rw\n"})
	wantFindings(t, h, "home-passing cable-empty")
}
