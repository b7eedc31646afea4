package agent_test

import (
	"testing"

	"russet/vphone/agent"
	"russet/vphone/disk"
)

type entry = disk.Entry

func TestUnreadableFiles(t *testing.T) {
	for _, c := range []struct{ name, value string }{
		{"fail", "#3"}, {"vanish", "#3"}, {"fail", "CameraRollDomain/Media/DCIM/IMG_0001.HEIC"},
	} {
		p, h := newPhone(t), newHost(t)
		p.furnish(10)
		set(t, p, c.name, c.value)
		backup(t, p, h)
		if blobs, rows := len(h.files(udid))-3, countFiles(t, p, plain); blobs != rows-1 {
			t.Errorf("%s %s: %d files in the backup, want all but one of %d", c.name, c.value, blobs, rows)
		}
		restored(t, h, "")
		set(t, p, c.name, "")
		backup(t, p, h)
		check(t, p, h)
	}
}

// TestUnreadableKeepsTheOldVersion: a file that can't be read this time stays
// as it was; one that is gone goes.
func TestUnreadableKeepsTheOldVersion(t *testing.T) {
	for name, kept := range map[string]bool{"fail": true, "vanish": false} {
		p, h := newPhone(t), newHost(t)
		p.password = "secret"
		p.furnish(10)
		backup(t, p, h)
		p.put("HomeDomain", "Library/empty", "no longer", touch)
		set(t, p, name, "HomeDomain/Library/empty")
		backup(t, p, h)
		if _, ok := contents(t, restored(t, h, "secret"), nil)["HomeDomain/Library/empty"]; ok != kept {
			t.Errorf("%s: the old version is there: %v, want %v", name, ok, kept)
		}
	}
}

func TestSizesThatLie(t *testing.T) {
	for _, name := range []string{"grow", "shrink"} {
		for _, password := range []string{"", "secret"} {
			p, h := newPhone(t), newHost(t)
			p.password = password
			p.furnish(10)
			set(t, p, name, "CameraRollDomain/Media/DCIM/IMG_0001.HEIC")
			set(t, p, "wrong-total", "-5000")
			backup(t, p, h)
			got := restored(t, h, password)
			e, err := got.disk.Lookup("CameraRollDomain", "Media/DCIM/IMG_0001.HEIC")
			if err != nil {
				t.Fatal(err)
			}
			if grown := e.Size > 100_000; grown != (name == "grow") {
				t.Errorf("%s: %d bytes came back", name, e.Size)
			}
		}
	}
}

func TestShapesOfEmptyFiles(t *testing.T) {
	for value, size := range map[string]int64{"padded": 16, "bare": 0, "keyless": 0} {
		p, h := newPhone(t), newHost(t)
		p.password = "secret"
		p.furnish(3)
		p.put("HomeDomain", "Library/seven", "class seven", func(e *disk.Entry) { e.Class = 7 })
		set(t, p, "empty-file", value)
		set(t, p, "properties", "on")
		backup(t, p, h)
		check(t, p, h)
		small := 0
		for _, n := range h.files(udid) {
			if n == size {
				small++
			}
		}
		if small == 0 {
			t.Errorf("%s: no file of %d bytes", value, size)
		}
	}
}

func TestFaultNames(t *testing.T) {
	var f agent.Faults
	for _, name := range agent.FaultNames() {
		if err := f.Set(name, "certainly not"); err == nil && name != "vanish" && name != "fail" && name != "grow" && name != "shrink" {
			t.Errorf("%s takes anything", name)
		}
	}
	for name, value := range map[string]string{
		"drop-sent": "12", "stall-message": "40s@12", "slow-start": "1m", "fail": "#3", "purge": "on", "empty-file": "bare",
	} {
		if err := f.Set(name, value); err != nil {
			t.Error(err)
		}
	}
	c := f.Config()
	if c.DropSent != 12 || c.Stall.At != 12 || c.SlowStart.Minutes() != 1 || c.Fail != "#3" || !c.Purge || c.EmptyFile != agent.EmptyBare {
		t.Errorf("%+v", c)
	}
	if err := f.Set("gremlins", "on"); err == nil {
		t.Error("an unknown fault was taken")
	}
}
