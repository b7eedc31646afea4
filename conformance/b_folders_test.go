package conformance

import (
	"fmt"
	"path/filepath"
	"testing"
)

// TestSameFolder backs one phone up with idevicebackup2 and with russet and
// compares the folders: after a full backup, after a day, and encrypted.
func TestSameFolder(t *testing.T) {
	t.Parallel()
	need(t, "idevicepair", "idevicebackup2")
	for name, password := range map[string]string{"plain": "", "encrypted": "pass"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, 31, false)
			if err := l.phone.SetBackupPassword(password); err != nil {
				t.Fatal(err)
			}
			theirs := t.TempDir()
			ours := l.store(t)
			must(t, "pair", l.run(t, "idevicepair", "-u", l.udid(), "pair"), 0)
			for day, operation := range []string{"full backup", "a day later", "another day later"} {
				if day > 0 {
					l.live(t, day)
				}
				o := l.run(t, "idevicebackup2", "-u", l.udid(), "backup", theirs)
				must(t, "idevicebackup2 backup", o, 0, "Backup Successful.")
				o = l.russet(t, "backup", l.udid())
				must(t, "russet backup", o, 0)
				equalFolders(t, filepath.Join(theirs, l.udid()), filepath.Join(ours, l.udid()), password)
				record(t, "B", "idevicebackup2 and russet", fmt.Sprintf("%s, %s", operation, name), o, "the folders are equal")
			}
		})
	}
}

// store gives the lab's russet a folder store, and pairs.
func (l *lab) store(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	must(t, "store add", l.russet(t, "store", "add", "lab", "folder:"+dir), 0)
	must(t, "pair", l.russet(t, "pair", l.udid()), 0)
	return dir
}
