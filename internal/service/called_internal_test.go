package service

import (
	"path/filepath"
	"strings"
	"testing"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/schedule"
)

// TestCalled: two devices of one name are told apart, by their models if those
// differ.
func TestCalled(t *testing.T) {
	device := func(udid russet.UDID, name, product string) russet.Device {
		return russet.Device{UDID: udid, Name: name, Product: product}
	}
	s := &Service{states: map[russet.UDID]*state{}}
	known := []russet.Device{
		device("00008140-0001", "Anna", "iPhone 16 Pro"), device("00008140-0002", "iPhone", "iPhone SE"),
		device("00008140-0003", "iPhone", "iPhone 16 Pro"), device("00008140-0004", "iphone", "iPhone 16 Pro"), device("1", "iPhone", ""),
	}
	for _, d := range known[1:] {
		s.states[d.UDID] = &state{Device: d}
	}
	s.devices.devices = known[:2]
	for i, want := range []string{"Anna", "iPhone (iPhone SE)", "iPhone (…0003)", "iphone (…0004)", "iPhone (…1)"} {
		if got := s.called(known[i]); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestCalledEverywhere: what a device is called stands on the page, in the
// system's list of services and in messages about its backups.
func TestCalledEverywhere(t *testing.T) {
	const called = "iPhone (…0003)"
	v := newPageView(Status{Devices: []DeviceStatus{{
		Device: russet.Device{UDID: "00008140-0003", Name: "iPhone"}, Called: called, Decision: schedule.Decision{Overdue: true, Text: "late"},
	}}})
	if v.Devices[0].Name != called || v.Needs[0].Title != called+" is overdue" {
		t.Errorf("the page says %q and %q", v.Devices[0].Name, v.Needs[0].Title)
	}
	if got := runningText([]Running{{Name: "iPhone", Called: called}}); got != "backing up "+called {
		t.Errorf("%q is going on", got)
	}
	h := host.Open(host.Options{Home: home.Place{Dir: filepath.Join(t.TempDir(), "home"), Moved: true}})
	defer h.Close()
	s := New(Options{Host: h})
	if err := s.load(false); err != nil {
		t.Fatal(err)
	}
	for _, udid := range []russet.UDID{"00008140-0003", "00008140-0004"} {
		s.states[udid] = &state{Device: russet.Device{UDID: udid, Name: "iPhone", Product: "iPhone SE"}}
	}
	s.damage(russet.Backup{ID: "b", Device: "00008140-0003", Name: "iPhone", Store: "main"}, []russet.Problem{{What: "torn"}}, false)
	if m := s.house.Outbox[0].Message; !strings.Contains(m.Title, called) {
		t.Errorf("a message says %q", m.Title)
	}
}

// TestDamagedOnPage: a phone with a damaged backup is not shown as if all were
// well with it.
func TestDamagedOnPage(t *testing.T) {
	v := newPageView(Status{
		Devices: []DeviceStatus{{Device: russet.Device{UDID: "A", Name: "Anna"}}, {Device: russet.Device{UDID: "B", Name: "Bert"}}},
		Alarms:  []Alarm{{Kind: notify.Damage, Device: "A", Store: "home", Title: "A backup of Anna is damaged"}},
	})
	if a := v.Devices[0]; a.Class != "ill" || len(a.Missing) != 1 || a.Missing[0].Text != "a backup of it in home is damaged, see above" {
		t.Errorf("%+v", a)
	}
	if b := v.Devices[1]; b.Class != "well" || len(b.Missing) != 0 {
		t.Errorf("%+v", b)
	}
}

// TestStoreAwayOnPage: what a store holds that cannot be seen is not known, and
// somebody is told where to look.
func TestStoreAwayOnPage(t *testing.T) {
	v := newPageView(Status{
		Devices: []DeviceStatus{{Device: russet.Device{UDID: "A", Name: "Anna"}, Stores: []StoreBackup{{Name: "home", Problem: "it is not there"}}}},
		Stores:  []StoreStatus{{StoreStatus: host.StoreStatus{StoreSettings: host.StoreSettings{Name: "home"}, Problem: "it is not there"}}},
	})
	facts := v.Devices[0].Facts
	if got := facts[len(facts)-1]; got != (factView{"In home", "not known now (it is not there)"}) {
		t.Errorf("%+v", got)
	}
	if n := v.Needs[0]; n.Next != "See what is the matter with it: russet store status home" {
		t.Errorf("%+v", n)
	}
}
