package vphone_test

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"io"
	"strings"
	"testing"
	"time"

	"russet/vphone"
	"russet/vphone/disk"
	"russet/vphone/internal/wire"
)

func TestNotifications(t *testing.T) {
	p := newPhone(t, vphone.Options{Passcode: "1"})
	c := pair(t, p)
	const proxy = "com.apple.mobile.notification_proxy"
	observer, poster := c.service(p, proxy), c.service(p, proxy)
	observer.send("Command", "ObserveNotification", "Name", "com.example.one")
	observer.send("Command", "ObserveNotification", "Name", "com.apple.springboard.lockstate")
	settle(observer)
	poster.send("Command", "PostNotification", "Name", "com.example.two")
	poster.send("Command", "PostNotification", "Name", "com.example.one")
	settle(poster)
	p.Lock()
	for _, want := range []string{"com.example.one", "com.apple.springboard.lockstate"} {
		if got := observer.receive(); got["Command"] != "RelayNotification" || got["Name"] != want {
			t.Errorf("relayed %v, want %q", got, want)
		}
	}
	if got := poster.ask("Command", "Shutdown"); got["Command"] != "ProxyDeath" {
		t.Errorf("Shutdown: %v", got)
	}
	if _, err := wire.Read(poster.conn); !errors.Is(err, io.EOF) {
		t.Errorf("after Shutdown: %v", err)
	}
}

// settle waits until a notification proxy has read what was sent: it answers to
// what it posts itself.
func settle(c *client) {
	c.t.Helper()
	own := fmt.Sprintf("settle %p", c)
	c.send("Command", "ObserveNotification", "Name", own)
	c.send("Command", "PostNotification", "Name", own)
	if got := c.receive(); got["Name"] != own {
		c.t.Fatalf("got %v", got)
	}
}

// usbmuxd observes the end of the Trust dialog before it is trusted.
func TestInsecureNotifications(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	p.SetTrust(vphone.Ask)
	c := newComputer(t, "A")
	l := c.lockdown(p)
	reply := l.want("", "Request", "StartService", "Service", "com.apple.mobile.insecure_notification_proxy")
	if reply["EnableServiceSSL"] != nil {
		t.Errorf("StartService: %v", reply)
	}
	proxy := &client{t: t, conn: c.dial(p, uint16(reply["Port"].(int64)))}
	proxy.send("Command", "ObserveNotification", "Name", "com.example.secret")
	proxy.send("Command", "ObserveNotification", "Name", "com.apple.mobile.lockdown.request_pair")
	c.pairOn(l, "PairingDialogResponsePending")
	proxy.send("Command", "PostNotification", "Name", "com.apple.mobile.lockdown.request_pair")
	proxy.receive() // its own: it has read everything
	p.PostNotification("com.example.secret")
	if err := p.TapTrust(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := proxy.receive(); got["Name"] != "com.apple.mobile.lockdown.request_pair" {
		t.Errorf("relayed %v", got)
	}
}

// diskOfApps has two applications, with something before and after them.
func diskOfApps(t *testing.T) disk.Disk {
	t.Helper()
	d := disk.NewMemory()
	for _, domain := range []string{"AppDomain-com.example.chess", "AppDomain-org.example.notes", "AppDomainGroup-group.x", "HomeDomain"} {
		now := time.Now()
		for _, e := range []disk.Entry{
			{Domain: domain, Kind: disk.Dir, Mode: 0o40755, ModTime: now, ChangeTime: now, Birth: now},
			{Domain: domain, Path: "data", Kind: disk.File, Mode: 0o100644, Class: 3, ModTime: now, ChangeTime: now, Birth: now},
		} {
			var content io.Reader
			if e.Kind == disk.File {
				content = strings.NewReader("12345")
			}
			if err := d.Put(&e, content); err != nil {
				t.Fatal(err)
			}
		}
	}
	return d
}

func TestApplications(t *testing.T) {
	p := newPhone(t, vphone.Options{Disk: diskOfApps(t)})
	c := pair(t, p)
	proxy := c.service(p, "com.apple.mobile.installation_proxy")
	list := proxy.ask("Command", "Browse", "ClientOptions", dict("ApplicationType", "User",
		"ReturnAttributes", []any{"CFBundleIdentifier", "ApplicationSINF", "iTunesMetadata", "DynamicDiskUsage"}))
	apps, _ := list["CurrentList"].([]any)
	if len(apps) != 2 || list["Status"] != "BrowsingApplications" {
		t.Fatalf("Browse: %v", list)
	}
	app, _ := apps[1].(map[string]any)
	if app["CFBundleIdentifier"] != "org.example.notes" || app["DynamicDiskUsage"] != int64(5) || len(app) != 4 {
		t.Errorf("second application: %v", app)
	}
	if got := proxy.receive(); got["Status"] != "Complete" {
		t.Errorf("end of Browse: %v", got)
	}
	if got := proxy.ask("Command", "Browse", "ClientOptions", dict("ApplicationType", "System")); got["Status"] != "Complete" {
		t.Errorf("system applications: %v", got)
	}
	found := proxy.ask("Command", "Lookup", "ClientOptions", dict("BundleIDs", []any{"com.example.chess", "com.example.none"}))
	result, _ := found["LookupResult"].(map[string]any)
	chess, _ := result["com.example.chess"].(map[string]any)
	if len(result) != 1 || chess["CFBundleDisplayName"] != "Chess" || found["Status"] != "Complete" {
		t.Errorf("Lookup: %v", found)
	}
	if got := proxy.ask("Command", "Dance"); got["Error"] != "InvalidCommand" {
		t.Errorf("nonsense: %v", got)
	}
}

func TestIcons(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	springboard := pair(t, p).service(p, "com.apple.springboardservices")
	one, _ := springboard.ask("command", "getIconPNGData", "bundleId", "a.b")["pngData"].([]byte)
	two, _ := springboard.ask("command", "getIconPNGData", "bundleId", "a.c")["pngData"].([]byte)
	if bytes.Equal(one, two) {
		t.Error("two applications have the same icon")
	}
	img, err := png.Decode(bytes.NewReader(one))
	if err != nil || img.Bounds().Dx() != 60 {
		t.Errorf("icon: %v", err)
	}
	if got := springboard.ask("command", "getWallpaper"); len(got) != 0 {
		t.Errorf("nonsense: %v", got)
	}
}

func TestDiagnostics(t *testing.T) {
	for _, c := range []struct{ version, want string }{{"17.3.1", "Success"}, {"17.4", "MobileGestaltDeprecated"}} {
		p := newPhone(t, vphone.Options{Passcode: "1", Identity: vphone.Identity{ProductVersion: c.version}})
		relay := pair(t, p).service(p, "com.apple.mobile.diagnostics_relay")
		reply := relay.ask("Request", "MobileGestalt", "MobileGestaltKeys", []any{"PasswordConfigured"})
		gestalt, _ := reply["Diagnostics"].(map[string]any)["MobileGestalt"].(map[string]any)
		if gestalt["Status"] != c.want || (gestalt["PasswordConfigured"] == true) != (c.want == "Success") {
			t.Errorf("iOS %s: %v", c.version, gestalt)
		}
		reply = relay.ask("Request", "IORegistry", "EntryClass", "IOPMPowerSource")
		power, _ := reply["Diagnostics"].(map[string]any)["IORegistry"].(map[string]any)
		if power["CurrentCapacity"] != int64(80) {
			t.Errorf("power source: %v", power)
		}
		if got := relay.ask("Request", "Dance"); got["Status"] != "UnknownRequest" {
			t.Errorf("nonsense: %v", got)
		}
		if got := relay.ask("Request", "Goodbye"); got["Status"] != "Success" {
			t.Errorf("Goodbye: %v", got)
		}
	}
}

func TestHeartbeat(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	heart := pair(t, p).service(p, "com.apple.mobile.heartbeat")
	if got := heart.receive(); got["Command"] != "Marco" || got["Interval"] != int64(10) {
		t.Errorf("got %v", got)
	}
	heart.send("Command", "Nonsense")
	if _, err := wire.Read(heart.conn); !errors.Is(err, io.EOF) {
		t.Errorf("without Polo: %v", err)
	}
}
