package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/internal/schedule"
)

var now = time.Date(2026, 3, 12, 20, 0, 0, 0, time.UTC)

const (
	annas = russet.UDID("00008140-000650DDEC43D17F")
	bens  = russet.UDID("00008110-000A11112222801E")
)

// well is a household in which nothing is wrong: Anna's phone is on the cable,
// a service runs, last night brought a backup.
func well() Readings {
	return Readings{
		Now: now,
		Computer: Computer{
			System: "linux", Distribution: "debian", Systemd: true, Bus: true, Nodes: true, Program: true, Sleeps: true, Inhibits: true,
			BusPhones:  []BusPhone{{Product: "iPhone", UDID: annas, Data: true, Holder: "usbfs", Node: Node{Path: "/dev/bus/usb/001/004", There: true, UID: 105, GID: 46, Mode: 0o660}}},
			Daemons:    []Process{{PID: 700, Name: "usbmuxd", UID: 105, Groups: []int{46}}},
			Interfaces: []Interface{{Name: "eth0", Multicast: true, Prefixes: []netip.Prefix{netip.MustParsePrefix("192.168.1.10/24")}}},
		},
		Home:    Home{Dir: "/home/anna/.config/russet", FirstStore: "/home/anna/.local/share/russet/backups", Free: 80 << 30},
		Mux:     Mux{Addr: "/var/run/usbmuxd", State: MuxAnswers, Devices: []russet.UDID{annas}},
		Network: Network{Listened: true, Interfaces: []string{"eth0"}, Shared: true, Heard: true},
		Phones:  []Phone{here()},
		Stores:  []Store{{Name: "main", URL: "folder:/srv/phones", Backups: 9, Devices: 1, Free: 500 << 30, SpoolFree: -1}},
		Service: Service{Running: true, Ran: true, Channels: 1},
	}
}

func here() Phone {
	return Phone{
		Device: russet.Device{
			UDID: annas, Name: "Anna's iPhone", Class: "iPhone", ProductType: "iPhone17,1", Product: "iPhone 16 Pro", IOS: "26.3", Connection: "usb",
			Paired: true, Encrypted: true, WiFi: true, Battery: 80, Power: true,
		},
		Here: true, State: PhoneReady, First: now.AddDate(0, -6, 0), Met: now, MetCable: now,
		Policy: schedule.Default(), LastBackup: now.Add(-18 * time.Hour),
		LastRun: &russet.Run{Device: annas, Outcome: "done", Backup: "b1", End: now.Add(-18 * time.Hour)},
	}
}

// gone is Ben's phone, which was here on Wi-Fi two days ago.
func gone(change func(*Phone)) func(*Readings) {
	return func(r *Readings) {
		p := here()
		p.UDID, p.Name = bens, "Ben’s iPhone"
		p.Here, p.State, p.Connection = false, "", "network"
		p.Met, p.MetCable, p.Address = now.Add(-50*time.Hour), now.AddDate(0, -2, 0), "192.168.1.23"
		if change != nil {
			change(&p)
		}
		r.Phones = append(r.Phones, p)
	}
}

// anna changes the phone that is here.
func anna(change func(*Phone)) func(*Readings) {
	return func(r *Readings) { change(&r.Phones[0]) }
}

// withoutPhone is a household whose phone is nowhere and was never met.
func withoutPhone(r *Readings) {
	r.Phones, r.Mux.Devices, r.Computer.BusPhones = nil, nil, nil
}

// unseen puts Anna's phone on the cable without usbmuxd seeing it.
func unseen(r *Readings) { r.Phones, r.Mux.Devices = nil, nil }

// muxless is a computer on which no usbmuxd answers.
func muxless(state MuxState) func(*Readings) {
	return func(r *Readings) {
		unseen(r)
		r.Mux.State, r.Computer.Daemons = state, nil
	}
}

func both(changes ...func(*Readings)) func(*Readings) {
	return func(r *Readings) {
		for _, change := range changes {
			change(r)
		}
	}
}

// A trial is one thing that is wrong, with all that is to be said of it: the
// codes of what is not good, in order, and the exit status.
type trial struct {
	name   string
	change func(*Readings)
	want   string
	kind   russet.Kind
}

func trials() []trial {
	return slices.Concat(homeTrials(), cableTrials(), phoneTrials(), networkTrials(), awayTrials(), serviceTrials(), storeTrials(), historyTrials())
}

func TestExamine(t *testing.T) {
	for _, c := range trials() {
		t.Run(c.name, func(t *testing.T) {
			r := well()
			c.change(&r)
			findings := Examine(r)
			var bad []string
			for _, f := range findings {
				if !f.Good {
					bad = append(bad, string(f.Code))
				}
				readable(t, f)
			}
			if got := strings.Join(bad, " "); got != c.want {
				t.Errorf("found %q, want %q", got, c.want)
				for _, f := range findings {
					t.Logf("%s: %s → %s", f.Code, f.What, f.Hint)
				}
			}
			if got := Worst(findings); got != c.kind {
				t.Errorf("the exit status is %d, want %d", got, c.kind)
			}
		})
	}
}

// readable fails for a sentence that is not one.
func readable(t *testing.T, f Finding) {
	t.Helper()
	for _, s := range []string{f.What, f.Hint} {
		if strings.ContainsAny(s, "{}") || strings.Contains(s, "  ") || strings.HasSuffix(s, ".") || strings.Contains(s, "0001-01-01") {
			t.Errorf("%s: %q", f.Code, s)
		}
	}
	if f.What == "" || f.Good == (f.Hint != "" && f.Code != "phone-plain") {
		t.Errorf("%s: what is to be done: %q", f.Code, f.Hint)
	}
}

// Every case can be found, and is found with the words it needs.
func TestEveryCaseIsTried(t *testing.T) {
	found := map[Code]bool{}
	for _, c := range trials() {
		r := well()
		c.change(&r)
		for _, f := range Examine(r) {
			found[f.Code] = true
		}
	}
	seen := map[Code]bool{}
	for _, s := range Catalogue() {
		for _, c := range s.Cases {
			if seen[c.Code] {
				t.Errorf("%s is in the catalogue twice", c.Code)
			}
			seen[c.Code] = true
			if !found[c.Code] {
				t.Errorf("%s: no trial finds it", c.Code)
			}
			if c.Good && (c.Kind != 0) || !c.Good && c.Next == "" {
				t.Errorf("%s: good %v, kind %d, next %q", c.Code, c.Good, c.Kind, c.Next)
			}
		}
	}
}

// All is well: nothing but good news, in the order in which it matters.
func TestWell(t *testing.T) {
	var codes []string
	for _, f := range Examine(well()) {
		codes = append(codes, string(f.Code))
	}
	want := "home usbmuxd phone-ready service store backup-fresh"
	if got := strings.Join(codes, " "); got != want {
		t.Errorf("found %q, want %q", got, want)
	}
}

// Whom a finding is about stands beside it, for scripts.
func TestWhomItIsAbout(t *testing.T) {
	r := well()
	gone(nil)(&r)
	r.Stores[0].Free = 0
	for _, f := range Examine(r) {
		got := fmt.Sprintf("%s|%s", f.Device, f.Store)
		want := map[Code]string{
			"phone-ready": string(annas) + "|", "away": string(bens) + "|", "store-full": "|main", "home": "|",
		}[f.Code]
		if want != "" && got != want {
			t.Errorf("%s is about %q, want %q", f.Code, got, want)
		}
	}
}

// Phones of one name are told apart, also when one of them is asked for.
func TestNamesakes(t *testing.T) {
	r := well()
	twin := r.Phones[0]
	twin.UDID = "00008110-00000000000000AB"
	r.Phones = append(r.Phones, twin)
	for _, only := range []russet.UDID{"", twin.UDID} {
		r.Only = only
		text := ""
		for _, f := range Examine(r) {
			text += f.What + "\n"
		}
		if !strings.Contains(text, "(…00AB)") || strings.Contains(text, `"`+twin.Name+`"`) {
			t.Errorf("of %q it says:\n%s", only, text)
		}
	}
}
