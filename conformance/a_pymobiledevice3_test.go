package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const pmd3 = "pymobiledevice3"

func (l *lab) pmd3(t *testing.T, args ...string) outcome {
	t.Helper()
	return l.run(t, pmd3, append(args, "--udid", l.udid())...)
}

func TestPymobiledevice3(t *testing.T) {
	t.Parallel()
	need(t, pmd3)
	l := newLab(t, 21, false)
	dir := t.TempDir()
	list := l.run(t, pmd3, "usbmux", "list")
	must(t, "usbmux list", list, 0, l.udid())
	record(t, "A", pmd3, "list", list, "ok")
	step := func(operation, says string, args ...string) {
		t.Helper()
		o := l.pmd3(t, args...)
		must(t, pmd3+" "+strings.Join(args, " "), o, 0, says)
		record(t, "A", pmd3, operation, o, "ok")
	}
	step("pair", "", "lockdown", "pair")
	step("info", l.udid(), "lockdown", "info")
	step("applications", "CFBundleIdentifier", "apps", "list")
	step("backup, full", "", "backup2", "backup", "--full", dir)
	l.finished(t, dir)
	step("backup, nothing changed", "", "backup2", "backup", dir)
	l.live(t, 1)
	step("backup, a day later", "", "backup2", "backup", dir)
	l.finished(t, dir)
	step("encryption on", "", "backup2", "encryption", "on", "first")
	step("backup, encrypted", "", "backup2", "backup", dir)
	readable(t, dir, l, "first")
	step("change the password", "", "backup2", "change-password", "first", "second")
	step("backup, new password", "", "backup2", "backup", dir)
	readable(t, dir, l, "second")
	step("encryption off", "", "backup2", "encryption", "off", "second")
	step("backup, plain again", "", "backup2", "backup", dir)
	l.finished(t, dir)
}

func TestPymobiledevice3Restores(t *testing.T) {
	t.Parallel()
	need(t, pmd3)
	for name, password := range map[string]string{"plain": "", "encrypted": "pass"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newLab(t, 22, false), newLab(t, 23, true)
			dir := t.TempDir()
			if err := a.phone.SetBackupPassword(password); err != nil {
				t.Fatal(err)
			}
			must(t, "pair", a.pmd3(t, "lockdown", "pair"), 0)
			must(t, "backup", a.pmd3(t, "backup2", "backup", dir), 0)
			must(t, "pair", b.pmd3(t, "lockdown", "pair"), 0)
			o := b.pmd3Restore(t, a.udid(), password, dir)
			same(t, a, b, compareRestored(password))
			record(t, "A", pmd3, "restore, "+name, o, "the restored phone equals the original")
		})
	}
}

func (l *lab) pmd3Restore(t *testing.T, source, password, dir string) outcome {
	t.Helper()
	args := []string{"backup2", "restore", "--system", "--settings", "--remove", "--no-reboot", "--source", source}
	if password != "" {
		args = append(args, "--password", password)
	}
	o := l.pmd3(t, append(args, dir)...)
	must(t, "restore", o, 0)
	return o
}

// finished looks whether the phone ended the backup in dir: pymobiledevice3
// may exit with 0 when it did not.
func (l *lab) finished(t *testing.T, dir string) {
	t.Helper()
	status := plistDict(t, filepath.Join(dir, l.udid(), "Status.plist"))
	if s := status.String("SnapshotState"); s != "finished" {
		t.Fatalf("the backup's state is %q", s)
	}
	if _, err := os.Stat(filepath.Join(dir, l.udid(), "Snapshot")); err == nil {
		t.Fatal("Snapshot is left behind")
	}
}
