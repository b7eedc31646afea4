package agent_test

import (
	"crypto/sha1"
	"encoding/hex"
	"testing"
	"time"

	"russet/vphone/internal/plist"
)

func idOf(name string) string {
	sum := sha1.Sum([]byte(name))
	return hex.EncodeToString(sum[:])
}

func change(old, next string) map[string]any {
	c := map[string]any{"MessageName": "ChangePassword", "TargetIdentifier": udid}
	if old != "" {
		c["OldPassword"] = old
	}
	if next != "" {
		c["NewPassword"] = next
	}
	return c
}

func TestChangePassword(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	for _, c := range []struct {
		name, old, next string
		code            int64
		password        string
	}{
		{"off when off", "x", "", 207, ""},
		{"nothing", "", "", 1, ""},
		{"on", "", "one", 0, "one"},
		{"on when on", "", "two", 207, "one"},
		{"change, wrong", "two", "three", 207, "one"},
		{"change", "one", "two", 0, "two"},
		{"off, wrong", "one", "", 207, "two"},
		{"off", "two", "", 0, ""},
	} {
		want(t, p, h, change(c.old, c.next), c.code)
		if p.password != c.password {
			t.Errorf("%s: the password is %q, want %q", c.name, p.password, c.password)
		}
	}
	p.locked = true
	want(t, p, h, change("", "one"), 208)
	p.locked, p.password, p.conditions = false, "one", map[string]bool{"requires-encryption": true}
	want(t, p, h, change("one", ""), 207)
}

// TestPasswordChangeMakesAFullBackup: everything is sent again under a new
// keybag, and only then.
func TestPasswordChangeMakesAFullBackup(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	p.furnish(30)
	backup(t, p, h)
	bag := keybagOf(t, h)
	for i, c := range []struct {
		old, next string
		full      bool
	}{
		{"", "one", true}, {"", "", false}, {"one", "two", true}, {"", "", false}, {"two", "", true},
	} {
		if c.old != "" || c.next != "" {
			want(t, p, h, change(c.old, c.next), 0)
		}
		p.put("HomeDomain", "Library/empty", "", func(e *entry) { e.ModTime = e.ModTime.Add(time.Duration(i+1) * time.Hour) })
		p.faults.ResetCounters()
		backup(t, p, h)
		all := countFiles(t, p, func(e *entry) bool { return p.password != "" || plain(e) })
		if n := sentFiles(p); (n == all) != c.full {
			t.Errorf("%q to %q: %d of %d files were sent", c.old, c.next, n, all)
		}
		if next := keybagOf(t, h); (next != bag) != c.full {
			t.Errorf("%q to %q: a new keybag: %v", c.old, c.next, next != bag)
		} else {
			bag = next
		}
		check(t, p, h)
	}
}

func keybagOf(t *testing.T, h *host) string {
	t.Helper()
	d, err := plist.UnmarshalDict(h.root.find(udid + "/Manifest.plist").data)
	if err != nil {
		t.Fatal(err)
	}
	bag, _ := d["BackupKeyBag"].([]byte)
	return string(bag)
}

// TestEncryptionTravels: a restore of an encrypted backup switches encryption
// on, unless system files are left out.
func TestEncryptionTravels(t *testing.T) {
	_, h := backedUp(t, "secret")
	for system, password := range map[bool]string{true: "secret", false: ""} {
		p := newPhone(t)
		want(t, p, h, quietly(map[string]any{"Password": "secret", "RestoreSystemFiles": system}), 0)
		if p.password != password {
			t.Errorf("system files %v: password %q, want %q", system, p.password, password)
		}
	}
}
