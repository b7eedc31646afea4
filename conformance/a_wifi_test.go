package conformance

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"russet/vphone"
)

// A household is phones of one vphone serve on a network, and a computer there.
type household struct {
	t    *testing.T
	desk *place
	dir  string
	tool string // vphone
}

// newHousehold makes phones of the given versions of iOS, seeds 1, 2, …, at
// 10.78.0.11, 12, …; they answer no heartbeat and want none.
func newHousehold(t *testing.T, versions ...string) *household {
	t.Helper()
	l := newLAN(t)
	tool, err := vphoneProgram()
	if err != nil {
		t.Fatal(err)
	}
	h := &household{t: t, desk: l.place("desk", netip.MustParsePrefix("10.78.0.1/24")), dir: t.TempDir(), tool: tool}
	radio := l.place("phones", netip.MustParsePrefix("10.78.0.11/24"))
	args := []string{"serve", "--socket", h.path("mux"), "--control", h.path("ctl"), "--announce", "--heartbeat", "0"}
	var addresses []string
	for i, version := range versions {
		address := fmt.Sprintf("10.78.0.%d", 11+i)
		if i > 0 {
			l.ip("-n", radio.ns, "addr", "add", address+"/24", "dev", radio.link)
		}
		addresses = append(addresses, address)
		dir := h.path(fmt.Sprint("phone", i))
		must(t, "make", radio.run(nil, tool, "make", dir, "--seed", fmt.Sprint(i+1), "--ios", version), 0)
		args = append(args, dir)
	}
	serve := radio.start(nil, tool, append(args, "--network", strings.Join(addresses, ","))...)
	serve.await(20*time.Second, addresses[len(addresses)-1])
	return h
}

// client runs one of the programs at the desk.
func (h *household) client(name string, args ...string) outcome {
	h.t.Helper()
	mux := "UNIX:" + h.path("mux")
	if name == pmd3 {
		mux = h.path("mux")
	}
	return h.desk.run([]string{"USBMUXD_SOCKET_ADDRESS=" + mux, "HOME=" + h.dir, "NO_COLOR=1", "TERM=dumb", "COLUMNS=200"}, name, args...)
}

func (h *household) path(name string) string { return filepath.Join(h.dir, name) }

func (h *household) ctl(args ...string) {
	h.t.Helper()
	must(h.t, "vphone ctl "+strings.Join(args, " "), h.desk.run(nil, h.tool, append([]string{"ctl", h.path("ctl")}, args...)...), 0)
}

const busConfig = `<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/>
<allow send_type="method_call"/><allow send_type="signal"/><allow send_type="method_return"/><allow send_type="error"/>
<allow receive_type="method_call"/><allow receive_type="signal"/><allow receive_type="method_return"/><allow receive_type="error"/>
</policy></busconfig>`

// browse starts avahi-daemon at the desk, with a message bus and a /run of its
// own, and avahi-browse, which reports what comes and goes.
func (h *household) browse(service string) *daemon {
	h.t.Helper()
	bus := h.path("bus")
	for name, text := range map[string]string{
		"bus.conf":   fmt.Sprintf(busConfig, bus),
		"avahi.conf": "[server]\nuse-ipv4=yes\nuse-ipv6=yes\nallow-interfaces=" + h.desk.link + "\n[wide-area]\nenable-wide-area=no\n",
	} {
		if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
			h.t.Fatal(err)
		}
	}
	h.desk.start(nil, "dbus-daemon", "--config-file="+h.path("bus.conf"), "--nofork", "--nopidfile")
	eventually(h.t, 10*time.Second, "a message bus", func() bool {
		conn, err := net.Dial("unix", bus)
		return err == nil && conn.Close() == nil
	})
	env := []string{"DBUS_SYSTEM_BUS_ADDRESS=unix:path=" + bus}
	daemon := h.desk.start(env, "unshare", "-m", "sh", "-c",
		"mount -t tmpfs none /run && exec avahi-daemon -f "+h.path("avahi.conf")+" --no-drop-root --no-chroot --no-rlimits")
	daemon.await(20*time.Second, "Server startup complete")
	return h.desk.start(env, "avahi-browse", "-rpk", service)
}

// TestAvahi has Debian's browser of multicast DNS see phones come and go.
func TestAvahi(t *testing.T) {
	need(t, "avahi-daemon", "avahi-browse", "dbus-daemon", "unshare")
	h := newHousehold(t, "18.6", "26.6")
	b := h.browse("_apple-mobdev2._tcp")
	mac := strings.ReplaceAll(vphone.NewIdentity(1).WiFiAddress, ":", `\058`) + `\064fe80`
	b.await(20*time.Second, mac)
	// Resolved: the address, lockdownd's port, and what stands in TXT.
	b.await(20*time.Second, ";10.78.0.11;62078;\n")
	b.await(20*time.Second, `;10.78.0.12;62078;"identifier=`)
	record(t, "A", "avahi-browse", "find phones of iOS 18 and 26", outcome{text: b.says()}, "ok")
	h.ctl("@"+vphone.NewIdentity(1).UDID, "wifi", "off")
	b.await(20*time.Second, "-;"+h.desk.link+";IPv4;"+mac)
	before := strings.Count(b.says(), "identifier=")
	h.ctl("@"+vphone.NewIdentity(2).UDID, "private-address", "rotate")
	eventually(t, 20*time.Second, "the second phone under another name", func() bool {
		return strings.Count(b.says(), "identifier=") > before && strings.Count(b.says(), "\n-;"+h.desk.link+";IPv4;") == 2
	})
	record(t, "A", "avahi-browse", "see them leave and change their name", outcome{text: b.says()}, "ok")
}

// TestWithoutTheCable backs phones up that were found on the network.
func TestWithoutTheCable(t *testing.T) {
	need(t, pmd3, "idevice_id", "idevicebackup2")
	for i, version := range []string{"18.6", "26.6"} {
		t.Run(version, func(t *testing.T) {
			h := newHousehold(t, version)
			udid, backups := vphone.NewIdentity(1).UDID, t.TempDir()
			step := func(client, operation, says string, args ...string) {
				t.Helper()
				o := h.client(client, args...)
				must(t, client+" "+strings.Join(args, " "), o, 0, says)
				record(t, "A", client, operation+" over Wi-Fi, iOS "+version, o, "ok")
			}
			must(t, "pair", h.client(pmd3, "lockdown", "pair", "--udid", udid), 0)
			h.ctl("unplug")
			step(pmd3, "find the phone", udid, "bonjour", "mobdev2")
			step(pmd3, "backup, full,", "", "backup2", "backup", "--full", backups, "--mobdev2", "--udid", udid)
			if _, err := os.Stat(filepath.Join(backups, udid, "Manifest.db")); err != nil {
				t.Error(err)
			}
			if i > 0 {
				return // libimobiledevice finds no phones; usbmuxd does that for it
			}
			step("idevicebackup2", "backup", "Backup Successful.", "-n", "-u", udid, "backup", backups)
		})
	}
}
