package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"russet"
	"russet/internal/engine"
	"russet/mobilesync"
	"russet/vphone"
	"russet/vphone/agent"
)

// A phone whose services beside the backup's fail can be backed up.
func TestBackupWithoutTheOtherServices(t *testing.T) {
	t.Parallel()
	for name, wound := range map[string]func(*testing.T, *vphone.Phone){
		"no sync lock": func(t *testing.T, p *vphone.Phone) {
			// Where the lock's file should be stands a folder.
			if err := os.Mkdir(filepath.Join(p.MediaDir(), "com.apple.itunes.lock_sync"), 0o700); err != nil {
				t.Fatal(err)
			}
		},
		"afc breaks off": func(_ *testing.T, p *vphone.Phone) {
			p.Inject(vphone.Fault{On: "com.apple.afc", AfterBytes: 1, Do: vphone.Drop})
		},
		"no notices": func(_ *testing.T, p *vphone.Phone) {
			p.Inject(vphone.Fault{On: "com.apple.mobile.notification_proxy", AfterBytes: 1, Do: vphone.Drop})
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, vphone.Options{}, fewFiles())
			wound(t, l.phone)
			l.mustBackUp()
		})
	}
}

// A phone that refuses the backup for a moment only is backed up.
func TestBackupRefusedForAMoment(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	l.phone.LimitService("com.apple.mobilebackup2", true)
	_, err := l.backUp(t.Context())
	if russet.KindOf(err) != russet.Busy {
		t.Errorf("refused for good: %v", err)
	}
	l.phone.LimitService("com.apple.mobilebackup2", true)
	time.AfterFunc(time.Second, func() { l.phone.LimitService("com.apple.mobilebackup2", false) })
	l.mustBackUp()
}

// A phone that does not tell its apps once does not lose them from the list that
// a restore needs.
func TestAppsOfTheLastBackup(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	apps := func() *mobilesync.Info {
		info, err := mobilesync.ReadInfo(l.latest().Folder())
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	l.phone.LimitService("com.apple.mobile.installation_proxy", true)
	if r := l.mustBackUp(); len(r.Notes) != 1 || len(apps().InstalledApplications) != 0 {
		t.Errorf("never told: %q, %d apps", r.Notes, len(apps().InstalledApplications))
	}
	l.phone.LimitService("com.apple.mobile.installation_proxy", false)
	if r := l.mustBackUp(); len(r.Notes) != 0 {
		t.Errorf("told: %q", r.Notes)
	}
	told := apps()
	l.phone.LimitService("com.apple.mobile.installation_proxy", true)
	l.change(1)
	if r := l.mustBackUp(); len(r.Notes) != 1 {
		t.Errorf("not told: %q", r.Notes)
	}
	kept := apps()
	if len(told.Applications) == 0 || !reflect.DeepEqual(kept.Applications, told.Applications) || !slices.Equal(kept.InstalledApplications, told.InstalledApplications) {
		t.Errorf("%d apps of %d, %d noted of %d", len(kept.InstalledApplications), len(told.InstalledApplications), len(kept.Applications), len(told.Applications))
	}
}

// A phone that is given up for lost is not waited for once more to say goodbye.
func TestGoodbyeToAPhoneThatIsLost(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	l.phone.Faults().Update(func(c *agent.Config) { c.Stall = agent.Stall{At: 10, For: time.Minute} })
	ctx, cancel := context.WithCancelCause(t.Context())
	opts := l.options()
	var lost time.Time
	opts.Events = func(e russet.Event) {
		if e.Stage == russet.Preparing && lost.IsZero() {
			lost = time.Now()
			l.phone.Inject(vphone.Fault{On: "com.apple.afc", AfterBytes: 1, Do: vphone.Stall, For: time.Minute})
			cancel(&russet.Error{Kind: russet.Interrupted, What: "it gives no sign of life", Hint: "try again"})
		}
	}
	draft := l.begin(t.Context(), false)
	_, err := engine.Backup(ctx, l.connect(), draft, opts)
	if took := time.Since(lost); russet.KindOf(err) != russet.Interrupted || took >= 9*time.Second { // the goodbye to one that is there may take ten
		t.Errorf("the run ended %v later: %v", took, err)
	}
	if err := draft.Suspend(t.Context()); err != nil {
		t.Error(err)
	}
}
