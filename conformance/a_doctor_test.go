package conformance

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"russet/vphone"
)

// ask runs "russet doctor" at the desk and returns the codes of what it found.
func (h *household) ask(home string) []string {
	h.t.Helper()
	o := h.russet(home, "doctor", "--json")
	var findings []struct{ Code, What string }
	if err := json.Unmarshal([]byte(o.text), &findings); err != nil {
		h.t.Fatalf("%v in %s", err, o.text)
	}
	var codes []string
	for _, f := range findings {
		codes = append(codes, f.Code)
		h.t.Logf("%s: %s", f.Code, f.What)
	}
	return codes
}

// russet is russet at the desk, with a usbmuxd only if it is named.
func (h *household) russet(home string, args ...string) outcome {
	h.t.Helper()
	self, err := os.Executable()
	if err != nil {
		h.t.Fatal(err)
	}
	env := []string{asRusset + "=1", "RUSSET_HOME=" + home, "HOME=" + h.dir, "TZ=UTC"}
	if args[0] == "pair" {
		env = append(env, "USBMUXD_SOCKET_ADDRESS=UNIX:"+h.path("mux"))
	}
	return h.desk.run(env, self, args...)
}

// TestDoctorOnTheNetwork goes through what keeps a phone from being seen over
// Wi-Fi. No client of others is in it; it lives here for its network.
func TestDoctorOnTheNetwork(t *testing.T) {
	h := newHousehold(t, "18.6", "26.6")
	anna, ben := vphone.NewIdentity(1).UDID, vphone.NewIdentity(2).UDID
	home := t.TempDir()
	must(t, "pair", h.russet(home, "pair", anna), 0)
	for _, udid := range []string{anna, ben} {
		h.ctl("@"+udid, "wifi", "on")
		h.ctl("@"+udid, "unplug")
	}
	expect := func(what string, want ...string) {
		t.Helper()
		t.Log(what)
		got := h.ask(home)
		for _, code := range want {
			if no, ok := strings.CutPrefix(code, "no "); ok && slices.Contains(got, no) || !ok && !slices.Contains(got, code) {
				t.Errorf("%s: %q, want %s", what, got, code)
			}
		}
	}
	silent, elsewhere := "network-silent", "away-network"
	if _, err := os.Stat("/.dockerenv"); err == nil {
		silent, elsewhere = "network-container", "away-deaf" // the desk is behind a bridge, and looks like a container
	}
	expect("it is there", "phone-plain", "usbmuxd-unneeded", "no away", "no network")

	desk := h.desk
	desk.lan.ip("-n", desk.ns, "route", "add", "unreachable", "10.78.0.11")
	expect("a wall between the two", "network", "network-strangers", "away-unreachable", "no usb-none")
	desk.lan.ip("-n", desk.ns, "route", "del", "unreachable", "10.78.0.11")

	h.ctl("@"+anna, "wifi", "off")
	expect("it has left, another is there", "network", "network-strangers", "away-asleep")
	h.ctl("@"+ben, "wifi", "off")
	holder := desk.start(nil, "python3", "-c", "import socket, sys, time\ns = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\ns.bind(('::', 5353))\nprint('held', flush=True)\ntime.sleep(600)")
	holder.await(10*time.Second, "held")
	expect("another program has the port", "network-port", "away-deaf")
	holder.stop()
	expect("nobody is there", silent, "away-deaf", "no network-strangers")
	desk.lan.ip("-n", desk.ns, "addr", "add", "10.99.0.1/24", "dev", desk.link)
	desk.lan.ip("-n", desk.ns, "addr", "del", "10.78.0.1/24", "dev", desk.link)
	expect("the desk is in another network", elsewhere)
	desk.lan.ip("-n", desk.ns, "link", "set", desk.link, "down")
	expect("the desk is in none", "network-none", "away-deaf")
}
