package agent_test

import (
	"testing"
	"testing/synctest"
	"time"

	"russet/vphone/disk"
)

// TestPauses: a phone may be slow without anything going wrong.
func TestPauses(t *testing.T) {
	for name, value := range map[string]string{
		"slow-start": "70s", "stall-message": "40s@20", "stall-sent": "15s@3000",
	} {
		synctest.Test(t, func(t *testing.T) {
			p, h := newPhone(t), newHost(t)
			p.furnish(10)
			set(t, p, name, value)
			start := time.Now()
			backup(t, p, h)
			if took := time.Since(start); took < 15*time.Second || took > 71*time.Second {
				t.Errorf("%s: the backup took %v", name, took)
			}
			set(t, p, "slow-start", "0s")
			check(t, p, h)
		})
	}
}

func TestPurge(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	p.furnish(3)
	set(t, p, "purge", "on")
	command := map[string]any{"MessageName": "Backup", "TargetIdentifier": udid}
	h.free = 10_000_000
	asked := int64(0)
	h.stop = func(message string, args []any) bool {
		if message == "DLMessagePurgeDiskSpace" {
			asked, _ = args[0].(int64)
		}
		return false
	}
	want(t, p, h, command, 105)
	upload := asked - 2<<30 - 128<<20 + h.free
	if upload < 100_000 || upload > 200_000 {
		t.Errorf("asked for %d bytes, which is for an upload of %d", asked, upload)
	}
	h.purged = 1 << 30
	backup(t, p, h)
	check(t, p, h)
}

// TestOldVersionIsMovedAside: a backup of version 2.4 is no base.
func TestOldVersionIsMovedAside(t *testing.T) {
	p, h := backedUp(t, "")
	if err := h.root.put(udid+"/Status.plist", statusPlist(t, "finished", "new", "2.4")); err != nil {
		t.Fatal(err)
	}
	aside := ""
	h.stop = func(message string, args []any) bool {
		if message == "DLMessageMoveItems" && aside == "" {
			moves, _ := args[0].(map[string]any)
			aside, _ = moves[udid].(string)
		}
		return false
	}
	backup(t, p, h)
	if len(aside) != len(udid+"-20060102-150405") {
		t.Errorf("moved to %q", aside)
	}
	if len(h.root.children) != 1 {
		t.Errorf("%d folders are left, want one", len(h.root.children))
	}
	check(t, p, h)
}

// TestNewClassNeedsANewKeybag: a bag without class 17 can't wrap the keys of
// class 7 files.
func TestNewClassNeedsANewKeybag(t *testing.T) {
	p, h := backedUp(t, "secret")
	bag := keybagOf(t, h)
	p.put("HomeDomain", "Library/seven", "class seven", func(e *disk.Entry) { e.Class = 7 })
	backup(t, p, h)
	if keybagOf(t, h) == bag {
		t.Error("the keybag is the old one")
	}
	check(t, p, h)
}

// TestTwoSessionsTakeTurns: a second host waits for the first.
func TestTwoSessionsTakeTurns(t *testing.T) {
	p := newPhone(t)
	p.furnish(30)
	one, two := newHost(t), newHost(t)
	done := make(chan error, 1)
	go func() {
		_, err := session(p, one, map[string]any{"MessageName": "Backup", "TargetIdentifier": udid})
		done <- err
	}()
	backup(t, p, two)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	check(t, p, one)
	check(t, p, two)
}
