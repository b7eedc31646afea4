package agent_test

import (
	"strings"
	"testing"

	"russet/vphone/disk"
	"russet/vphone/internal/plist"
)

// backedUp is a phone and a host that holds its backup.
func backedUp(t *testing.T, password string) (*phone, *host) {
	t.Helper()
	p, h := newPhone(t), newHost(t)
	p.password = password
	p.furnish(150)
	backup(t, p, h)
	return p, h
}

func quietly(more map[string]any) map[string]any {
	o := map[string]any{"RestoreDontCopyBackup": true, "RestoreShouldReboot": false}
	for name, value := range more {
		o[name] = value
	}
	return restoreCommand(o)
}

func TestRestoreRefusals(t *testing.T) {
	_, plainHost := backedUp(t, "")
	_, secretHost := backedUp(t, "secret")
	root := func(h *host) *node { return h.root.find(udid) }
	for _, c := range []struct {
		name   string
		host   *host
		change func(root *node) error
		o      map[string]any
		code   int64
	}{
		{"wrong password", secretHost, nil, map[string]any{"Password": "wrong"}, 207},
		{"no password", secretHost, nil, nil, 207},
		{"no status", plainHost, func(n *node) error { n.remove("Status.plist"); return nil }, nil, 204},
		{"status is garbage", plainHost, func(n *node) error { return n.put("Status.plist", []byte("x")) }, nil, 205},
		{"empty backup", plainHost, func(n *node) error { return n.put("Status.plist", statusPlist(t, "finished", "empty", "3.3")) }, nil, 204},
		{"ancient backup", plainHost, func(n *node) error { return n.put("Status.plist", statusPlist(t, "finished", "new", "2.0")) }, nil, 203},
		{"backup of the future", plainHost, func(n *node) error { return n.put("Status.plist", statusPlist(t, "finished", "new", "4.0")) }, nil, 203},
		{"no manifest", plainHost, func(n *node) error { n.remove("Manifest.plist"); return nil }, nil, 204},
		{"manifest is garbage", plainHost, func(n *node) error { return n.put("Manifest.db", []byte("x")) }, nil, 205},
		{"newer iOS", plainHost, func(n *node) error { return n.put("Info.plist", infoPlist(t, "18.6.1")) }, nil, 203},
		{"older iOS", plainHost, func(n *node) error { return n.put("Info.plist", infoPlist(t, "9.3")) }, nil, 0},
		{"file missing", plainHost, func(n *node) error { removeOne(n); return nil }, nil, 205},
		{"file cut", secretHost, func(n *node) error { return cutOne(n) }, map[string]any{"Password": "secret"}, 205},
		{"all is well", secretHost, nil, map[string]any{"Password": "secret"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := c.host.copy()
			h.t = t
			if c.change != nil {
				if err := c.change(root(h)); err != nil {
					t.Fatal(err)
				}
			}
			want(t, newPhone(t), h, quietly(c.o), c.code)
		})
	}
}

func infoPlist(t *testing.T, version string) []byte {
	t.Helper()
	data, err := plist.XML(map[string]any{"Product Version": version})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func statusPlist(t *testing.T, state, backup, version string) []byte {
	t.Helper()
	data, err := plist.Binary(map[string]any{"Version": version, "BackupState": backup, "SnapshotState": state})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// cutOne shortens one file of a backup's 256 folders.
func cutOne(root *node) error {
	for _, folder := range root.children {
		for name, file := range folder.children {
			return folder.put(name, file.data[:len(file.data)-1])
		}
	}
	return nil
}

// TestDigestsAreChecked damages a file whose length stays.
func TestDigestsAreChecked(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	p.put("HomeDomain", "Library/x", "content", nil)
	backup(t, p, h)
	name := "HomeDomain-Library/x"
	id := idOf(name)
	n := h.root.find(udid + "/" + id[:2] + "/" + id)
	n.data = []byte("CONTENT")
	got := newPhone(t)
	want(t, got, h, quietly(nil), 205)
	if _, err := got.disk.Lookup("HomeDomain", "Library/x"); err == nil {
		t.Error("the damaged file was restored")
	}
}

// TestRestoreScope: without system files only apps and media come back, and
// only there does what was not in the backup go.
func TestRestoreScope(t *testing.T) {
	p, h := backedUp(t, "")
	for _, c := range []struct {
		name   string
		o      map[string]any
		system bool // system domains are restored
		extra  bool // an app's file that is not in the backup stays
	}{
		{"as idevicebackup2 without flags", map[string]any{"RestoreSystemFiles": false}, false, false},
		{"keeping", map[string]any{"RestoreSystemFiles": false, "RemoveItemsNotRestored": false}, false, true},
		{"everything", nil, true, false},
	} {
		got := newPhone(t)
		got.put("AppDomain-org.example.app", "Documents/extra", "extra", nil)
		got.put("HomeDomain", "Library/extra", "extra", nil)
		want(t, got, h, quietly(c.o), 0)
		have := contents(t, got, nil)
		_, system := have["HomeDomain/Library/empty"]
		_, extra := have["AppDomain-org.example.app/Documents/extra"]
		_, extraSystem := have["HomeDomain/Library/extra"]
		if system != c.system || extra != c.extra || extraSystem == c.system {
			t.Errorf("%s: system %v, extra %v, extra in system %v", c.name, system, extra, extraSystem)
		}
		if c.name == "everything" {
			differ(t, have, contents(t, p, plain))
		}
	}
}

func TestRestoreOneApp(t *testing.T) {
	_, h := backedUp(t, "")
	command := quietly(map[string]any{"RestoreSystemFiles": false})
	command["ApplicationIDs"] = []any{"org.example.app"}
	got := newPhone(t)
	want(t, got, h, command, 0)
	for name := range contents(t, got, nil) {
		if strings.HasPrefix(name, "AppDomain") && !strings.HasPrefix(name, "AppDomain-org.example.app") {
			t.Errorf("%q was restored", name)
		}
	}
}

// TestRestoreOfInterruptedBackups: an interrupted run leaves the one before,
// or itself when all had arrived.
func TestRestoreOfInterruptedBackups(t *testing.T) {
	for stop, now := range map[string]bool{"DLMessageMoveItems": true, "DLMessageUploadFiles": false} {
		p, h := backedUp(t, "secret")
		before := contents(t, p, nil)
		p.put("HomeDomain", "Library/empty", "changed", touch)
		p.put("HomeDomain", "Library/new", "new", nil)
		left := 2 // Status.plist and one more, or the second move
		h.stop = func(message string, _ []any) bool {
			if message == stop {
				left--
			}
			return left == 0
		}
		interrupt(t, p, h)
		h.stop = nil
		want := before
		if now {
			want = contents(t, p, nil)
		}
		differ(t, contents(t, restored(t, h, "secret"), nil), want)
	}
}

// TestCopyOfOwnBackup: unless told otherwise a phone makes the host copy its
// own backup first.
func TestCopyOfOwnBackup(t *testing.T) {
	p, h := backedUp(t, "")
	data, err := plist.XML(map[string]any{"Display Name": "Anna", "Target Identifier": udid})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.root.put(udid+"/Info.plist", data); err != nil {
		t.Fatal(err)
	}
	want(t, p, h, restoreCommand(map[string]any{}), 0)
	if p.reboots != 1 {
		t.Errorf("%d reboots, want 1", p.reboots)
	}
	for name, folder := range h.root.children {
		if name == udid {
			continue
		}
		info, err := plist.UnmarshalDict(folder.children["Info.plist"].data)
		if err != nil || info["Target Identifier"] != name || info["Display Name"] == "Anna" {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		if len(h.files(name)) != len(h.files(udid)) {
			t.Errorf("%s holds %d files, want %d", name, len(h.files(name)), len(h.files(udid)))
		}
		return
	}
	t.Error("no copy was made")
}

func TestFullPhone(t *testing.T) {
	_, h := backedUp(t, "")
	p := newPhone(t)
	p.disk = full{p.disk}
	want(t, p, h, quietly(nil), 106)
}

// full is a disk without room.
type full struct{ disk.Disk }

func (full) Free() (int64, error) { return 1000, nil }
