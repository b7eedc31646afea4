package service_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/vphone"
)

// TestNewIOSInAFolder: the last backup of before another iOS is not replaced
// before its owner could archive it, as the message says.
func TestNewIOSInAFolder(t *testing.T) {
	t.Parallel()
	for _, archives := range []bool{true, false} {
		l := newLab(t)
		l.start()
		p := l.phone("Anna's iPhone", vphone.Options{})
		l.step(0)
		last := l.status(p).Stores[0].Backup
		must(t, p.SetIOS("26.6"))
		l.step(23 * time.Hour) // it is due
		told := l.heard(notify.NewIOS)
		if len(told) != 1 || !strings.Contains(told[0].Next, "russet archive "+string(last.ID)[:8]) || !strings.Contains(told[0].Text, "until 11 March, 08:00") {
			t.Fatalf("told: %+v", told)
		}
		d := l.status(p)
		if d.Stores[0].Backup.ID != last.ID || len(d.Decision.Missing) != 1 || d.Decision.Missing[0].Code != "held" {
			t.Fatalf("it was replaced: %+v; missing: %+v", d.Stores[0].Backup, d.Decision.Missing)
		}
		if archives {
			_, err := l.host.Archive(t.Context(), host.Which{Backup: string(last.ID)[:8]}, "before iOS 26.6")
			must(t, err)
			l.service.Recheck()
			l.step(time.Minute)
			list, err := l.host.Backups(t.Context(), "main", russet.UDID(p.UDID()), false)
			must(t, err)
			if len(list) != 2 || list[0].ID != last.ID || list[0].IOS == list[1].IOS {
				t.Errorf("when it is archived: %+v", list)
			}
			continue
		}
		l.step(23 * time.Hour)
		if d := l.status(p); d.Stores[0].Backup.ID != last.ID {
			t.Errorf("it was replaced too soon: %+v", d.Stores[0].Backup)
		}
		l.step(2 * time.Hour)
		if d := l.status(p); d.Stores[0].Backup.IOS != "26.6" {
			t.Errorf("nobody archived it, and nothing comes after it: %+v", d.Decision)
		}
	}
}

// TestNewIOSBesideAVault: where a vault has a backup of before, nothing waits.
func TestNewIOSBesideAVault(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	_, err := l.host.AddStore(t.Context(), "folder", "folder:"+filepath.Join(l.dir, "folder"))
	must(t, err)
	l.addVault("vault")
	must(t, l.bothStores("folder", "vault"))
	l.step(0)
	l.step(time.Minute)
	d := l.status(p)
	if d.Stores[0].Backup == nil || d.Stores[1].Backup == nil {
		t.Fatalf("not in both: %+v", d.Decision)
	}
	kept := d.Stores[1].Backup.ID
	must(t, p.SetIOS("26.6"))
	l.step(23 * time.Hour)
	if told := l.heard(notify.NewIOS); len(told) != 1 || !strings.Contains(told[0].Next, string(kept)[:8]) {
		t.Errorf("told: %+v", told)
	}
	if d := l.status(p); d.Stores[0].Backup.IOS != "26.6" {
		t.Errorf("the folder waits: %+v", d.Decision)
	}
}
