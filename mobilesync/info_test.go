package mobilesync_test

import (
	"bytes"
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"russet/internal/plist"
	"russet/mobilesync"
)

func fullInfo() *mobilesync.Info {
	return &mobilesync.Info{
		BuildVersion: "22G86", DeviceName: "Anna's iPhone", DisplayName: "Anna's iPhone", GUID: mobilesync.NewGUID(),
		ICCID: "1", IMEI: "2", IMEI2: "3", MEID: "4", PhoneNumber: "+41 00", ProductName: "iPhone 12",
		ProductType: "iPhone13,2", ProductVersion: "18.6", SerialNumber: "F00", UDID: "00008101-000a11112222001e",
		ITunesVersion: "12.13", LastBackupDate: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC),
		InstalledApplications: []string{"org.example.app"},
		Applications: map[string]mobilesync.InfoApplication{"org.example.app": {
			ApplicationSINF: []byte{1}, ITunesMetadata: []byte{2}, PlaceholderIcon: []byte{3}, IsDemotedApp: true,
			Other: map[string]any{"New": "key"},
		}},
		ITunesFiles:    map[string][]byte{"iTunesPrefs": {4}},
		ITunesSettings: map[string]any{"a": int64(1)},
		IBooksData:     []byte{5},
		Other:          map[string]any{"Future Key": []any{"kept"}},
	}
}

func TestInfoSurvives(t *testing.T) {
	for _, name := range []string{"Anna's iPhone", "bell \a in a name"} {
		want := fullInfo()
		want.DeviceName = name
		data, err := want.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if xml := bytes.HasPrefix(data, []byte("<?xml")); xml != (name == "Anna's iPhone") {
			t.Errorf("%q is written as %.8q", name, data)
		}
		got, err := mobilesync.ParseInfo(data)
		if err != nil {
			t.Fatal(err)
		}
		got.ITunesSettings = map[string]any(got.ITunesSettings)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		d, err := plist.ParseDict(data)
		if err != nil || d.String("Target Type") != "Device" || d.String("Unique Identifier") != "00008101-000A11112222001E" {
			t.Errorf("%v, %v", d, err)
		}
	}
}

func TestAnEmptyInfoHasItsContainers(t *testing.T) {
	data, err := new(mobilesync.Info).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	d, err := plist.ParseDict(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"Applications", "Installed Applications", "iTunes Files", "iTunes Settings"} {
		if !d.Has(key) {
			t.Errorf("no %q", key)
		}
	}
	if d.Has("IMEI") || d.Has("Last Backup Date") {
		t.Error("keys without values are written")
	}
}

func TestMiniInfoAndStatusSurvive(t *testing.T) {
	m := miniFS(t, "encrypted")
	info, err := mobilesync.ReadInfo(m)
	if err != nil || info.DeviceName != "Synthetic iPhone" || info.ProductType != "iPhone13,2" || len(info.Other) > 0 {
		t.Errorf("%+v, %v", info, err)
	}
	status, err := mobilesync.ReadStatus(m)
	if err != nil {
		t.Fatal(err)
	}
	for name, again := range map[string]func() ([]byte, error){"Info.plist": info.Marshal, "Status.plist": status.Marshal} {
		data, err := again()
		if err != nil {
			t.Fatal(err)
		}
		was, err := plist.ParseDict(m[name].Data)
		if err != nil {
			t.Fatal(err)
		}
		if is, err := plist.ParseDict(data); err != nil || !reflect.DeepEqual(is, was) {
			t.Errorf("%s: got %v, want %v (%v)", name, is, was, err)
		}
	}
}

func TestOddInfos(t *testing.T) {
	data, err := plist.MarshalBinary(plist.Dict{"GUID": []byte{0xAB, 0x01}, "Device Name": 7, "Applications": "none"})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := mobilesync.ParseInfo(data); err != nil || info.GUID != "AB01" || info.DeviceName != "" || info.Applications != nil {
		t.Errorf("%+v, %v", info, err)
	}
	if _, err := mobilesync.ReadInfo(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	for _, data := range []string{"", "junk"} {
		if _, err := mobilesync.ReadInfo(fstest.MapFS{"Info.plist": {Data: []byte(data)}}); !errors.Is(err, mobilesync.ErrDamaged) {
			t.Errorf("%q: %v", data, err)
		}
	}
}

func TestSummarize(t *testing.T) {
	m := miniFS(t, "encrypted")
	info := fullInfo()
	info.Applications["big"] = mobilesync.InfoApplication{PlaceholderIcon: bytes.Repeat([]byte{1}, 1<<20)}
	data, err := info.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	m["Info.plist"].Data = data
	s, err := mobilesync.Summarize(m)
	if err != nil || s.Info.DeviceName != "Anna's iPhone" || !s.Status.Finished() || !s.Manifest.IsEncrypted {
		t.Errorf("%+v, %v", s, err)
	}
	if s.Info.Applications != nil || s.Info.ITunesFiles != nil {
		t.Error("the icons were read")
	}
	// What Finder leaves for some seconds, and a run in progress.
	m["Info.plist"].Data = nil
	if m["Status.plist"].Data, err = (mobilesync.Status{SnapshotState: "moving"}).Marshal(); err != nil {
		t.Fatal(err)
	}
	if s, err = mobilesync.Summarize(m); err != nil || s.Info.DeviceName != "" || s.Status.SnapshotState != "moving" {
		t.Errorf("%+v, %v", s, err)
	}
	delete(m, "Status.plist")
	if _, err = mobilesync.Summarize(m); err != nil {
		t.Error(err)
	}
	if _, err = mobilesync.Summarize(fstest.MapFS{}); !errors.Is(err, mobilesync.ErrNoManifest) {
		t.Errorf("no backup: %v", err)
	}
}

func TestGUIDs(t *testing.T) {
	a, b := mobilesync.NewGUID(), mobilesync.NewGUID()
	if a == b || len(a) != 32 || strings.ToUpper(a) != a {
		t.Errorf("%q, %q", a, b)
	}
}

func BenchmarkSummarize(b *testing.B) {
	info := fullInfo()
	for i := range 300 { // 58 MB, as Finder writes them
		icon := bytes.Repeat([]byte{byte(i)}, 140<<10)
		info.Applications["org.example."+string(rune('a'+i))] = mobilesync.InfoApplication{PlaceholderIcon: icon}
	}
	data, err := info.Marshal()
	if err != nil {
		b.Fatal(err)
	}
	m := miniFS(b, "plain")
	m["Info.plist"].Data = data
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mobilesync.Summarize(m); err != nil {
			b.Fatal(err)
		}
	}
}
