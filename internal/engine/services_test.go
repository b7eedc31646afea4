package engine_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"russet"
	"russet/vphone"
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
