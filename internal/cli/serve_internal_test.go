package cli

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/internal/host"
	"russet/internal/schedule"
	"russet/internal/service"
)

// What strangers named neither begins a line of its own nor moves the cursor.
func TestLineHandler(t *testing.T) {
	var b strings.Builder
	log := slog.New(newLineHandler(&b, slog.LevelInfo, false)).With("home", "/a b").WithGroup("g")
	log.Debug("not this")
	log.Info("a backup\nbegins", "name", "Anna's\r\n\x1b[2Jphone", "none", "", "error", error(nil), "n", 7)
	log.Warn("careful", "error", errors.New(`a "b"`), slog.Group("more", "k", "v"))
	want := "a backup\ufffdbegins  home=\"/a b\"  g.name=Anna's\ufffd\ufffd\ufffd[2Jphone  g.n=7\n" +
		"warn: careful  home=\"/a b\"  g.error=\"a \\\"b\\\"\"  g.more.k=v\n"
	if b.String() != want {
		t.Errorf("got  %q\nwant %q", b.String(), want)
	}
}

// A name is only part of a command when no shell makes something else of it.
func TestNameFor(t *testing.T) {
	const udid = "00008140-000650DDEC43D17F"
	for name, want := range map[string]string{
		"anna": "anna", "Anna's iPhone": `"Anna's iPhone"`, "Jürgen": "Jürgen", "Anna’s (old)": `"Anna’s (old)"`,
		"": udid, "$(reboot)": udid, "a`b`": udid, `a"b`: udid, "a\nb": udid, "-rf": udid, "%PATH%": udid, "a;b": udid, "a!b": udid, "🌵": udid,
	} {
		if got := nameFor(service.DeviceStatus{Device: russet.Device{UDID: udid, Name: name}, Called: name}); got != want {
			t.Errorf("%q is typed %s, want %s", name, got, want)
		}
	}
}

// The one or two things that are left to do, the most needed first.
func TestTodos(t *testing.T) {
	anna := service.DeviceStatus{Device: russet.Device{Name: "anna", Paired: true, Encrypted: true}, Present: true}
	bert := service.DeviceStatus{Device: russet.Device{Name: "bert", Untrusted: true}, Present: true}
	cleo := service.DeviceStatus{Device: russet.Device{Name: "cleo", Paired: true}, Present: true}
	away := service.DeviceStatus{Device: russet.Device{Name: "away"}, Seen: time.Now(), Decision: schedule.Decision{}}
	twin := service.DeviceStatus{Device: russet.Device{UDID: "00008140-000650DDEC43D17F", Name: "anna", Untrusted: true}, Called: "anna (…D17F)", Present: true}
	silent := service.DeviceStatus{Device: russet.Device{Name: "dora", Problem: "does not answer"}, Seen: time.Now(), Present: true}
	lost := service.DeviceStatus{Device: russet.Device{Name: "eve", Untrusted: true, Connection: "network"}, Seen: time.Now(), Present: true}
	broken := service.StoreStatus{StoreStatus: host.StoreStatus{StoreSettings: host.StoreSettings{Name: "nas"}, Problem: "it does not answer"}}
	for _, c := range []struct {
		what    string
		status  service.Status
		channel string
		want    []string
	}{
		{"all done", service.Status{Devices: []service.DeviceStatus{anna, away}}, "", nil},
		{"forgotten on the network", service.Status{Devices: []service.DeviceStatus{lost}}, "", []string{"russet pair eve"}},
		{"here and silent", service.Status{Devices: []service.DeviceStatus{silent}}, "", nil},
		{"bare", service.Status{}, "notify", []string{"russet pair", "notify"}},
		{"no usbmuxd", service.Status{Problems: []string{"usbmuxd is not installed"}}, "notify", []string{"russet doctor", "russet pair"}},
		{"not paired", service.Status{Devices: []service.DeviceStatus{bert}}, "notify", []string{"russet pair bert", "notify"}},
		{"two of a name", service.Status{Devices: []service.DeviceStatus{twin}}, "", []string{"russet pair 00008140-000650DDEC43D17F"}},
		{"another not paired", service.Status{Devices: []service.DeviceStatus{anna, bert}}, "", []string{"russet pair bert"}},
		{"not encrypted", service.Status{Devices: []service.DeviceStatus{cleo}}, "", []string{"russet encryption on cleo"}},
		{"most needed", service.Status{Devices: []service.DeviceStatus{bert, cleo}, Stores: []service.StoreStatus{broken}}, "notify", []string{"russet pair bert", "russet store status nas"}},
	} {
		var got []string
		for _, todo := range todos(c.status, c.channel) {
			got = append(got, todo.Command)
		}
		if strings.Join(got, ", ") != strings.Join(c.want, ", ") {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

// What --stop did can be read by programs.
func TestStopJSON(t *testing.T) {
	var out, errs strings.Builder
	home := t.TempDir()
	a := &app{terminal: &terminal{out: &out, err: &errs}, getenv: func(key string) string {
		return map[string]string{"RUSSET_HOME": home}[key]
	}}
	if status := a.run(t.Context(), []string{"serve", "--stop", "--json"}); status != 0 || out.String() != `{"stopped":false}`+"\n" || errs.String() != "" {
		t.Errorf("%d: %q, %q", status, out.String(), errs.String())
	}
}

// A phone is told apart, and described, in one pair of brackets.
func TestDescribed(t *testing.T) {
	d := russet.Device{Name: "Anna (work)", Product: "iPhone SE", IOS: "18.6"}
	for called, want := range map[string]string{
		"Anna (work)":             "Anna (work) (iPhone SE, iOS 18.6)",
		"Anna (work) (…D17F)":     "Anna (work) (…D17F, iPhone SE, iOS 18.6)",
		"Anna (work) (iPhone SE)": "Anna (work) (iPhone SE, iOS 18.6)",
	} {
		if got := described(service.DeviceStatus{Device: d, Called: called}); got != want {
			t.Errorf("%q", got)
		}
	}
}
