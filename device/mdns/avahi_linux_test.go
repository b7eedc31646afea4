package mdns_test

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"russet/device/mdns"
)

// An avahi is avahi-daemon on a node, with a D-Bus of its own to speak to it.
type avahi struct {
	node *node
	bus  string
}

// startAvahi runs avahi-daemon with files of its own below /run.
func startAvahi(t *testing.T, n *node, name, iface string) *avahi {
	t.Helper()
	for _, program := range []string{"dbus-daemon", "avahi-daemon", "avahi-publish", "avahi-browse", "unshare"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, program+" is not installed: conformance/install does that")
		}
	}
	dir := t.TempDir()
	a := &avahi{node: n, bus: "unix:path=" + filepath.Join(dir, "bus")}
	write(t, filepath.Join(dir, "bus.conf"), `<busconfig><type>system</type><listen>`+a.bus+`</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>`)
	write(t, filepath.Join(dir, "avahi.conf"), fmt.Sprintf("[server]\nhost-name=%s\nallow-interfaces=%s\n[wide-area]\nenable-wide-area=no\n[publish]\npublish-workstation=no\n", name, iface))
	a.start(t, "dbus-daemon", "--nofork", "--nopidfile", "--config-file="+filepath.Join(dir, "bus.conf"))
	eventually(t, 20*time.Second, "the bus takes connections", func() bool {
		conn, err := net.Dial("unix", filepath.Join(dir, "bus"))
		return err == nil && conn.Close() == nil
	})
	a.start(t, "unshare", "--mount", "sh", "-c", `mount -t tmpfs none /run && exec "$@"`, "sh",
		"avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits", "--file="+filepath.Join(dir, "avahi.conf"))
	eventually(t, 20*time.Second, "avahi answers", func() bool { return a.command("avahi-browse", "-pt", "_none._tcp").Run() == nil })
	return a
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (a *avahi) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS="+a.bus, "LC_ALL=C.UTF-8")
	return cmd
}

// start runs a program until stop, or until the test ends.
func (a *avahi) start(t *testing.T, name string, args ...string) (stop func()) {
	t.Helper()
	cmd := a.command(name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	var err error
	a.node.do(func() { err = cmd.Start() })
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }() // its status is that of a signal
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("%s:\n%s", name, out.Bytes())
		}
	})
	return stop
}

// TestBesideAvahi: avahi announces a phone, and on this computer another avahi
// has port 5353 as well, before the browser or after it. Both hear the phone
// and its farewell.
func TestBesideAvahi(t *testing.T) {
	for name, first := range map[string]bool{"avahi first": true, "browser first": false} {
		t.Run(name, func(t *testing.T) {
			computer, phone := lan(t)
			phone.address(t, "wifi", "fd77::20/64")
			computer.address(t, "lan", "fd77::1/64")
			there := startAvahi(t, phone, "Annas-iPhone", "wifi")
			publish := func() (stop func()) {
				return there.start(t, "avahi-publish", "-s", label, mdns.Service, "32498", "identifier=x", "authTag#0=AAAAAAAAAAA=")
			}
			stop := publish()
			var b *mdns.Browser
			if !first {
				b, _ = browse(t, computer)
				eventually(t, 10*time.Second, "found, alone", found(b))
			}
			here := startAvahi(t, computer, "computer", "lan")
			if first {
				b, _ = browse(t, computer)
			}
			eventually(t, 10*time.Second, "found, beside avahi", found(b))
			eventually(t, 10*time.Second, "an IPv6 address", func() bool { return len(b.Adverts()[0].Addrs) >= 2 })
			a := b.Adverts()[0]
			t.Logf("%+v", a)
			if a.Instance != label || a.Host != "Annas-iPhone.local" || a.Port != 32498 || a.Interface != "lan" ||
				a.Addrs[0] != addrs("192.168.77.20")[0] || !slices.Contains(a.Text, "identifier=x") || !slices.Contains(a.Text, "authTag#0=AAAAAAAAAAA=") {
				t.Errorf("found %+v", a)
			}
			// The other avahi is not disturbed.
			var out []byte
			eventually(t, 20*time.Second, "avahi-browse finds it as well", func() bool {
				out, _ = here.command("avahi-browse", "-prt", mdns.Service).Output()
				return strings.Contains(string(out), "192.168.77.20;32498;")
			})
			if s := b.State(); !s.Shared || s.Problem != "" {
				t.Errorf("%+v", s)
			}
			stop()
			eventually(t, 8*time.Second, "the farewell", lost(b))
			stop = publish()
			eventually(t, 10*time.Second, "it is back", found(b))
			stop()
		})
	}
}

// TestWithoutIPv4: a network where everybody has an IPv6 address and nothing
// else; with link-local ones alone the interface is part of the address.
func TestWithoutIPv4(t *testing.T) {
	for name, prefixes := range map[string][2]string{
		"unique local":    {"fd77::1/64", "fd77::20/64"},
		"link-local only": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			computer, phone := host(t), host(t)
			wire(t, computer, phone)
			if prefixes[0] != "" {
				computer.address(t, "lan", prefixes[0])
				phone.address(t, "wifi", prefixes[1])
			}
			there := startAvahi(t, phone, "Annas-iPhone", "wifi")
			there.start(t, "avahi-publish", "-s", label, mdns.Service, "32498")
			b, _ := browse(t, computer)
			eventually(t, 10*time.Second, "it is found", found(b))
			a := b.Adverts()[0]
			t.Logf("%+v", a)
			want := func(ip netip.Addr) bool { return ip == addrs("fd77::20")[0] }
			if prefixes[0] == "" {
				want = func(ip netip.Addr) bool { return ip.IsLinkLocalUnicast() && ip.Zone() == "lan" }
			}
			if !slices.ContainsFunc(a.Addrs, want) {
				t.Errorf("%+v", a)
			}
		})
	}
}
