package conformance

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// radioPhone is a virtual iPhone with a radio in a network of its own, and a
// cable: a Unix socket, which no network namespace holds back.
type radioPhone struct {
	*place
	name, socket, control string
}

// phone makes a phone and switches it on.
func (l *lan) phone(name, addr string, flags ...string) *radioPhone {
	l.t.Helper()
	program, err := vphoneProgram()
	if err != nil {
		l.t.Fatal(err)
	}
	prefix := netip.MustParsePrefix(addr)
	dir := l.t.TempDir()
	p := &radioPhone{place: l.place(name, prefix), name: name, socket: filepath.Join(dir, "mux"), control: filepath.Join(dir, "ctl")}
	folder := filepath.Join(dir, "phone")
	made := p.run(nil, program, append([]string{"make", folder, "--name", name}, flags...)...)
	must(l.t, "vphone make", made, 0)
	d := p.start(nil, program, "serve", folder, "--socket", p.socket, "--control", p.control, "--network", prefix.Addr().String(), "--announce")
	d.await(30*time.Second, "USBMUXD_SOCKET_ADDRESS")
	return p
}

// ctl does what the phone's owner would do.
func (p *radioPhone) ctl(args ...string) string {
	p.lan.t.Helper()
	program, err := vphoneProgram()
	if err != nil {
		p.lan.t.Fatal(err)
	}
	o := p.run(nil, program, append([]string{"ctl", p.control}, args...)...)
	must(p.lan.t, "vphone ctl "+strings.Join(args, " "), o, 0)
	return o.text
}

// computer is a place with a russet.
type computer struct {
	*place
	env []string
}

// computer makes one; mux is the socket its cable ends at, or "" for a
// computer without usbmuxd.
func (l *lan) computer(name, addr, mux string) *computer {
	l.t.Helper()
	dir := l.t.TempDir()
	if mux == "" {
		mux = filepath.Join(dir, "none")
	}
	return &computer{place: l.place(name, netip.MustParsePrefix(addr)), env: []string{
		asRusset + "=1", "RUSSET_HOME=" + filepath.Join(dir, "home"), "HOME=" + dir, "USBMUXD_SOCKET_ADDRESS=UNIX:" + mux, "NO_COLOR=1", "COLUMNS=200",
	}}
}

func (c *computer) russet(args ...string) outcome {
	c.lan.t.Helper()
	return c.run(c.env, os.Args[0], args...)
}

// without is the same computer with its usbmuxd gone.
func (c *computer) without(mux string) *computer {
	d := *c
	d.env = append([]string{}, c.env...)
	d.env = append(d.env, "USBMUXD_SOCKET_ADDRESS=UNIX:"+mux+".gone")
	return &d
}

// seen is what "russet devices" says of the only phone.
func (c *computer) seen() (d struct{ Name, Connection, Address, Problem string }) {
	c.lan.t.Helper()
	o := c.russet("devices", "--json")
	var all []struct{ Name, Connection, Address, Problem string }
	if err := json.Unmarshal([]byte(o.text), &all); err != nil {
		c.lan.t.Logf("devices: %s", o.text)
		return d
	}
	if len(all) != 1 {
		return d
	}
	return all[0]
}

// trust pairs over the cable, opens the phone's Wi-Fi and makes a first backup.
func (c *computer) trust(p *radioPhone) {
	t := c.lan.t
	t.Helper()
	must(t, "pair", c.russet("pair", p.name), 0)
	must(t, "Wi-Fi on", c.russet("devices", "wifi", p.name, "on"), 0)
	must(t, "backup on the cable", c.russet("backup", p.name), 0)
}

// TestWiFiBackup pairs a phone on the cable, pulls it, and backs up over the
// air on a computer that has no usbmuxd any more. Phones before iOS 26.4
// announce their own address, later ones a made-up one and a proof.
func TestWiFiBackup(t *testing.T) {
	for _, ios := range []string{"18.6", "26.5"} {
		t.Run(ios, func(t *testing.T) {
			t.Parallel()
			l := newLAN(t)
			p := l.phone("anna", "10.77.0.11/24", "--ios", ios)
			c := l.computer("desk", "10.77.0.1/24", p.socket)
			c.trust(p)
			if d := c.seen(); d.Connection != "usb" {
				t.Errorf("on the cable and in the air it is listed as %+v", d)
			}
			p.ctl("unplug")
			p.ctl("churn", "1", "heavy")
			c = c.without(p.socket)
			eventually(t, 30*time.Second, "the phone to be seen", func() bool { return c.seen().Connection == "network" })
			if d := c.seen(); d.Address != "10.77.0.11" || d.Problem != "" {
				t.Errorf("in the air it is listed as %+v", d)
			}
			must(t, "backup over Wi-Fi", c.russet("backup", p.name), 0, "is backed up")
			must(t, "verify", c.russet("verify", "--all", "--full"), 0)
			must(t, "backups", c.russet("backups"), 0)

			// Switched off in the air, it leaves at once, and only a cable helps.
			must(t, "Wi-Fi off", c.russet("devices", "wifi", p.name, "off", "--yes"), 0)
			must(t, "backup after that", c.russet("backup", p.name), 10)
		})
	}
}

// TestWiFiLost takes the radio away in mid-run, brings the phone back at
// another address, and then on the cable: each run goes on where the one
// before stopped.
func TestWiFiLost(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	p := l.phone("anna", "10.77.0.11/24", "--size", "120MB")
	c := l.computer("desk", "10.77.0.1/24", p.socket)
	must(t, "pair", c.russet("pair", p.name), 0)
	must(t, "Wi-Fi on", c.russet("devices", "wifi", p.name, "on"), 0)
	p.ctl("unplug")
	eventually(t, 30*time.Second, "the phone to be seen", func() bool { return c.seen().Connection == "network" })
	p.slow("60mbit")

	run := c.start(c.env, os.Args[0], "backup", p.name, "--json")
	run.await(time.Minute, `"stage":"receiving"`)
	p.radio(false)
	lost := time.Now()
	select {
	case <-run.done:
	case <-time.After(3 * time.Minute):
		t.Fatal("the radio is off, and the run goes on for three minutes")
	}
	t.Logf("noticed after %s", time.Since(lost).Round(time.Second))
	if code := run.cmd.ProcessState.ExitCode(); code != 15 {
		t.Errorf("exit status %d, want 15 (interrupted)\n%s", code, clip(run.says()))
	}

	// It comes back elsewhere.
	l.ip("-n", p.ns, "addr", "flush", "dev", p.link, "scope", "global")
	l.ip("-n", p.ns, "addr", "add", "10.77.0.12/24", "dev", p.link)
	p.radio(true)
	p.ctl("network", "10.77.0.12")
	eventually(t, time.Minute, "the phone at its new address", func() bool { return c.seen().Address == "10.77.0.12" })
	run = c.start(c.env, os.Args[0], "backup", p.name, "--json")
	run.await(time.Minute, "going on where the last run stopped")
	run.await(time.Minute, `"stage":"receiving"`)
	p.ctl("network", "off")
	select {
	case <-run.done:
	case <-time.After(3 * time.Minute):
		t.Fatal("the phone has left the network, and the run goes on for three minutes")
	}
	if code := run.cmd.ProcessState.ExitCode(); code != 15 {
		t.Errorf("exit status %d, want 15 (interrupted)\n%s", code, clip(run.says()))
	}
	p.ctl("plug")
	must(t, "backup on the cable", c.russet("backup", p.name), 0, "is backed up")
	must(t, "verify", c.russet("verify", "--all", "--full"), 0)
}

// TestServe has the service live beside a phone: it backs up by itself over the
// air, comes back when the router restarts, and is told apart from others.
func TestServe(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	p := l.phone("anna", "10.77.0.11/24", "--ios", "26.5")
	c := l.computer("desk", "10.77.0.1/24", p.socket)
	p.ctl("power", "80", "on")
	must(t, "pair", c.russet("pair", p.name), 0)
	must(t, "Wi-Fi on", c.russet("devices", "wifi", p.name, "on"), 0)
	must(t, "at any hour", c.russet("policy", "set", "--all", "--quiet", "none", "--locked", "no"), 0)
	p.ctl("unplug")
	c = c.without(p.socket)
	serve := c.start(c.env, os.Args[0], "serve")
	finished := func() int { return strings.Count(c.russet("backups", "--json").text, `"id"`) }
	eventually(t, 90*time.Second, "a first backup by itself", func() bool { return finished() == 1 })
	must(t, "a second service", c.russet("serve"), 16)
	if o := c.russet("status"); o.exit != 0 || !strings.Contains(o.text, "backed up") {
		t.Errorf("status %d: %s", o.exit, o.text)
	}
	// A person asks through the service while the phone is elsewhere and back.
	p.radio(false)
	eventually(t, 4*time.Minute, "the phone to be gone", func() bool { d := c.seen(); return d.Name == "" || d.Problem != "" })
	p.radio(true)
	eventually(t, time.Minute, "the phone to be back", func() bool { d := c.seen(); return d.Connection == "network" && d.Problem == "" })
	p.ctl("churn", "1")
	must(t, "backup", c.russet("backup", p.name), 0, "is backed up")
	serve.stop()
	if code := serve.cmd.ProcessState.ExitCode(); code != 0 && code != 130 {
		t.Errorf("the service ended with %d\n%s", code, clip(serve.says()))
	}
	must(t, "verify", c.russet("verify", "--all", "--full"), 0)
}

// slow bounds what a place can send in a second.
func (p *place) slow(rate string) {
	p.lan.t.Helper()
	o := p.run(nil, "tc", "qdisc", "replace", "dev", p.link, "root", "tbf", "rate", rate, "burst", "64kb", "latency", "50ms")
	must(p.lan.t, "tc", o, 0)
}

// TestWiFiSecondComputer carries the pairing to a computer that never had a
// cable.
func TestWiFiSecondComputer(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	p := l.phone("anna", "10.77.0.11/24", "--ios", "26.5")
	c := l.computer("desk", "10.77.0.1/24", p.socket)
	c.trust(p)
	p.ctl("unplug")
	dir := t.TempDir()
	file, password := filepath.Join(dir, "anna.pairing"), filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("a password for the way\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "export", c.russet("devices", "export-pairing", p.name, file, "--password-file", password), 0)
	nas := l.computer("nas", "10.77.0.2/24", "")
	must(t, "nobody is known there", nas.russet("backup"), 10)
	must(t, "import", nas.russet("devices", "import-pairing", file, "--password-file", password), 0)
	eventually(t, 30*time.Second, "the phone to be seen", func() bool { return nas.seen().Connection == "network" })
	must(t, "backup on the second computer", nas.russet("backup", p.name), 0, "is backed up")
	must(t, "verify", nas.russet("verify", "--all", "--full"), 0)
}

// TestWiFiOtherSubnet has the phone behind a router, where no multicast goes:
// it is found at the address somebody gave.
func TestWiFiOtherSubnet(t *testing.T) {
	t.Parallel()
	l, far := newLAN(t), newLANNamed(t, "far")
	p := far.phone("anna", "10.78.0.11/24")
	c := l.computer("desk", "10.77.0.1/24", p.socket)
	c.trust(p)
	p.ctl("unplug")
	router := l.place("router", netip.MustParsePrefix("10.77.0.254/24"))
	far.join(router, "far0", "10.78.0.254/24")
	must(t, "forward", router.run(nil, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1"), 0)
	l.ip("-n", c.ns, "route", "add", "default", "via", "10.77.0.254")
	l.ip("-n", p.ns, "route", "add", "default", "via", "10.78.0.254")
	l.ip("-n", p.ns, "addr", "add", "10.78.0.12/24", "dev", p.link)
	p.ctl("network", "10.78.0.12") // not where it was last
	c = c.without(p.socket)        // whose usbmuxd would know
	if d := c.seen(); d.Name != "" {
		t.Errorf("it is seen through a router: %+v", d)
	}
	must(t, "address", c.russet("devices", "add-address", p.name, "10.78.0.12"), 0)
	must(t, "backup through a router", c.russet("backup", p.name), 0, "is backed up")
}
