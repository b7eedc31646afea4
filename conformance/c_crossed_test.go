package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestOurFolder has others restore and read what russet kept.
func TestOurFolder(t *testing.T) {
	t.Parallel()
	need(t, "idevicepair", "idevicebackup2", pmd3)
	for name, password := range map[string]string{"plain": "", "encrypted": "pass"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, 41, false)
			if err := l.phone.SetBackupPassword(password); err != nil {
				t.Fatal(err)
			}
			store := l.store(t)
			must(t, "russet backup", l.russet(t, "backup", l.udid()), 0)
			l.live(t, 1)
			must(t, "russet backup", l.russet(t, "backup", l.udid()), 0)
			export := filepath.Join(t.TempDir(), "export")
			must(t, "russet export", l.russet(t, "export", "latest", export), 0)

			blank := newLab(t, 42, true)
			must(t, "pair", blank.run(t, "idevicepair", "-u", blank.udid(), "pair"), 0)
			o := blank.limRestore(t, l.udid(), password, store)
			same(t, l, blank, compareRestored(password))
			record(t, "C", "idevicebackup2", "restore of our folder, "+name, o, "the restored phone equals the original")

			blank = newLab(t, 43, true)
			must(t, "pair", blank.pmd3(t, "lockdown", "pair"), 0)
			o = blank.pmd3Restore(t, l.udid(), password, export)
			same(t, l, blank, compareRestored(password))
			record(t, "C", pmd3, "restore of our export, "+name, o, "the restored phone equals the original")

			if password != "" {
				for library, n := range readable(t, store, l, password) {
					record(t, "C", library, "read our encrypted folder", outcome{},
						fmt.Sprintf("%d of %d files equal, the rest are its own refusals, each explained in the suite", n, len(contents(t, l))))
				}
			}
		})
	}
}

// TestTheirFolder has russet import, verify and restore what others made.
func TestTheirFolder(t *testing.T) {
	t.Parallel()
	need(t, "idevicepair", "idevicebackup2", pmd3)
	for _, client := range []string{"idevicebackup2", pmd3} {
		for name, password := range map[string]string{"plain": "", "encrypted": "pass"} {
			t.Run(client+" "+name, func(t *testing.T) {
				t.Parallel()
				l, blank := newLab(t, 51, false), newLab(t, 52, true)
				if err := l.phone.SetBackupPassword(password); err != nil {
					t.Fatal(err)
				}
				dir := t.TempDir()
				theirBackup(t, client, l, dir)

				blank.store(t)
				secret := filepath.Join(t.TempDir(), "password")
				if err := os.WriteFile(secret, []byte(password+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				step := func(operation string, args ...string) {
					t.Helper()
					if password != "" {
						args = append(args, "--password-file", secret)
					}
					o := blank.russet(t, args...)
					must(t, "russet "+operation, o, 0)
					record(t, "D", "russet", fmt.Sprintf("%s of %s's folder, %s", operation, client, name), o, "ok")
				}
				step("import", "import", dir)
				step("verify --full", "verify", "--all", "--full")
				step("restore", "restore", "latest", "--device", blank.udid(), "--yes")
				same(t, l, blank, compareRestored(password))
			})
		}
	}
}

func theirBackup(t *testing.T, client string, l *lab, dir string) {
	t.Helper()
	if client == pmd3 {
		must(t, "pair", l.pmd3(t, "lockdown", "pair"), 0)
		must(t, "backup", l.pmd3(t, "backup2", "backup", dir), 0)
		l.finished(t, dir)
		return
	}
	must(t, "pair", l.run(t, "idevicepair", "-u", l.udid(), "pair"), 0)
	must(t, "backup", l.run(t, "idevicebackup2", "-u", l.udid(), "backup", dir), 0, "Backup Successful.")
}
