package agent_test

import (
	"slices"
	"strings"
	"testing"

	"russet/vphone/disk"
)

func TestFullBackup(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	p.furnish(300)
	backup(t, p, h)
	check(t, p, h)
}

// TestOrderOfRequests pins the sequence seen in transcripts of real phones.
func TestOrderOfRequests(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	p.furnish(200)
	backup(t, p, h)
	var got []string
	for _, name := range h.seen {
		name = strings.TrimPrefix(strings.TrimPrefix(name, "DLMessage"), "DL")
		if len(got) == 0 || got[len(got)-1] != name {
			got = append(got, name)
		}
	}
	want := []string{
		"DownloadFiles", "GetFreeDiskSpace", "CreateDirectory", "UploadFiles", "MoveItems", "UploadFiles",
		"RemoveItems", "UploadFiles", "DownloadFiles", "ContentsOfDirectory", "ProcessMessage",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%v, want\n%v", got, want)
	}
}

func TestIncrementalSendsOnlyChanges(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	p.furnish(300)
	backup(t, p, h)
	for round := range 3 {
		p.put("HomeDomain", "Library/new"+strings.Repeat("x", round), "new", nil)
		p.put("AppDomainGroup-group.example", "files/00007.bin", strings.Repeat("changed", round), func(e *disk.Entry) {
			for range round + 1 {
				touch(e)
			}
		})
		if err := p.disk.Remove("AppDomainGroup-group.example", "files/0002"+string(rune('0'+round))+".bin"); err != nil {
			t.Fatal(err)
		}
		p.faults.ResetCounters()
		backup(t, p, h)
		if n := sentFiles(p); n != 2 {
			t.Errorf("round %d: %d files were sent, want 2", round, n)
		}
		check(t, p, h)
	}
	p.faults.ResetCounters()
	backup(t, p, h)
	if n := sentFiles(p); n != 0 {
		t.Errorf("%d files were sent although nothing had changed", n)
	}
}

func TestDamagedBackupIsMadeAnew(t *testing.T) {
	for name, damage := range map[string]func(root *node){
		"file gone":     func(root *node) { removeOne(root) },
		"manifest gone": func(root *node) { root.remove("Manifest.db") },
		"manifest cut": func(root *node) {
			n := root.find("Manifest.db")
			n.data = n.data[:5000]
		},
		"plist gone":  func(root *node) { root.remove("Manifest.plist") },
		"plist empty": func(root *node) { root.find("Manifest.plist").data = nil },
		"status gone": func(root *node) { root.remove("Status.plist") },
	} {
		t.Run(name, func(t *testing.T) {
			p, h := newPhone(t), newHost(t)
			p.furnish(20)
			backup(t, p, h)
			damage(h.root.find(udid))
			p.faults.ResetCounters()
			backup(t, p, h)
			if n := sentFiles(p); n != countFiles(t, p, plain) {
				t.Errorf("%d files were sent, want all", n)
			}
			check(t, p, h)
		})
	}
}

// removeOne removes one file of a backup's 256 folders.
func removeOne(root *node) {
	for _, folder := range root.children {
		for name := range folder.children {
			delete(folder.children, name)
			return
		}
	}
}

func TestHostTooSmall(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	p.furnish(20)
	command := map[string]any{"MessageName": "Backup", "TargetIdentifier": udid}
	h.free = 100 << 20
	response := want(t, p, h, command, 105)
	if text, _ := response["ErrorDescription"].(string); text != "Insufficient free disk space on drive to back up (MBErrorDomain/105)" {
		t.Error(text)
	}
	if len(h.files(udid)) != 0 {
		t.Error("something was written")
	}
	h.free = 1 << 30
	backup(t, p, h)
	check(t, p, h)
}

func TestRefusals(t *testing.T) {
	command := func(name string) map[string]any {
		return map[string]any{"MessageName": name, "TargetIdentifier": udid, "SourceIdentifier": udid}
	}
	for _, c := range []struct {
		name    string
		phone   func(*phone)
		command map[string]any
		code    int64
	}{
		{"locked", func(p *phone) { p.locked = true }, command("Backup"), 208},
		{"nobody types", func(p *phone) { set(t, p, "passcode-gone", "on") }, command("Backup"), 208},
		{"managed", condition("managed-off"), command("Backup"), 22},
		{"not set up", condition("setup-unfinished"), command("Backup"), 212},
		{"restoring from iCloud", condition("icloud-restore"), command("Backup"), 25},
		{"must be encrypted", condition("requires-encryption"), command("Backup"), 207},
		{"find my", condition("find-my"), command("Restore"), 211},
		{"no backup", nil, command("Restore"), 204},
		{"list", nil, command("List"), 205},
		{"info", nil, command("Info"), 205},
		{"info, encrypted", func(p *phone) { p.password = "x" }, command("Info"), 207},
		{"unback", nil, command("Unback"), 4},
		{"extract", nil, command("Extract"), 4},
		{"remove", nil, command("Remove"), 1},
		{"erase", nil, command("EraseDevice"), 22},
		{"cloud", nil, command("EnableCloudBackup"), 1},
		{"another phone", nil, map[string]any{"MessageName": "Backup", "TargetIdentifier": "x"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPhone(t)
			if c.phone != nil {
				c.phone(p)
			}
			want(t, p, newHost(t), c.command, c.code)
		})
	}
}

func condition(name string) func(*phone) {
	return func(p *phone) { p.conditions = map[string]bool{name: true} }
}

func TestUnknownCommandEndsTheSession(t *testing.T) {
	if response, err := session(newPhone(t), newHost(t), map[string]any{"MessageName": "CancelBackup"}); err == nil {
		t.Errorf("answered with %v", response)
	}
}
