package conformance

import (
	"strings"
	"testing"
)

const lim = "libimobiledevice"

// TestLibimobiledeviceLooks runs the small tools: list, pair, read.
func TestLibimobiledeviceLooks(t *testing.T) {
	t.Parallel()
	need(t, "idevice_id", "ideviceinfo", "idevicepair", "idevicename", "ideviceinstaller", "idevicedate")
	l := newLab(t, 11, false)
	steps := []struct {
		operation string
		args      []string
		exit      int
		says      string
	}{
		{"list", []string{"idevice_id", "-l"}, 0, l.udid()},
		{"pair", []string{"idevicepair", "-u", l.udid(), "pair"}, 0, "SUCCESS: Paired with device"},
		{"validate", []string{"idevicepair", "-u", l.udid(), "validate"}, 0, "SUCCESS: Validated pairing"},
		{"info", []string{"ideviceinfo", "-u", l.udid()}, 0, "UniqueDeviceID: " + l.udid()},
		{"info without a session", []string{"ideviceinfo", "-s", "-u", l.udid()}, 0, "ProductVersion: "},
		{"info of the battery", []string{"ideviceinfo", "-u", l.udid(), "-q", "com.apple.mobile.battery"}, 0, "BatteryCurrentCapacity: "},
		{"info of backups", []string{"ideviceinfo", "-u", l.udid(), "-q", "com.apple.mobile.backup"}, 0, "Version: 2.0"},
		{"info of Wi-Fi syncing", []string{"ideviceinfo", "-u", l.udid(), "-q", "com.apple.mobile.wireless_lockdown"}, 0, "EnableWifiConnections: "},
		{"name", []string{"idevicename", "-u", l.udid()}, 0, l.phone.Identity().DeviceName},
		{"date", []string{"idevicedate", "-u", l.udid()}, 0, "20"},
		{"applications", []string{"ideviceinstaller", "-u", l.udid(), "-l"}, 0, "CFBundleIdentifier"},
		{"unpair", []string{"idevicepair", "-u", l.udid(), "unpair"}, 0, "SUCCESS: Unpaired with device"},
	}
	for _, s := range steps {
		o := l.run(t, s.args[0], s.args[1:]...)
		must(t, strings.Join(s.args, " "), o, s.exit, s.says)
		record(t, "A", lim, s.operation, o, "ok")
	}
}

// TestLibimobiledeviceBacksUp is idevicebackup2 through a phone's whole life.
func TestLibimobiledeviceBacksUp(t *testing.T) {
	t.Parallel()
	need(t, "idevicepair", "idevicebackup2")
	l := newLab(t, 12, false)
	dir := t.TempDir()
	step := func(operation string, exit int, says string, args ...string) {
		t.Helper()
		o := l.run(t, "idevicebackup2", append([]string{"-u", l.udid()}, args...)...)
		must(t, "idevicebackup2 "+strings.Join(args, " "), o, exit, says)
		record(t, "A", "idevicebackup2", operation, o, "ok")
	}
	must(t, "pair", l.run(t, "idevicepair", "-u", l.udid(), "pair"), 0)
	step("backup, full", 0, "Backup Successful.", "backup", dir)
	step("backup, nothing changed", 0, "Backup Successful.", "backup", dir)
	l.live(t, 1)
	step("backup, a day later", 0, "Backup Successful.", "backup", dir)
	step("backup --full", 0, "Backup Successful.", "backup", "--full", dir)
	step("encryption on", 0, "", "encryption", "on", "first", dir)
	step("encryption on, when it is on", 255, "", "encryption", "on", "first", dir)
	step("backup, encrypted", 0, "Backup Successful.", "backup", dir)
	readable(t, dir, l, "first")
	l.live(t, 2)
	step("backup, encrypted, a day later", 0, "Backup Successful.", "backup", dir)
	step("change the password, wrong", 49, "", "changepw", "wrong", "second", dir)
	step("change the password", 0, "", "changepw", "first", "second", dir)
	step("backup, new password", 0, "Backup Successful.", "backup", dir)
	readable(t, dir, l, "second")
	step("encryption off", 0, "", "encryption", "off", "second", dir)
	step("backup, plain again", 0, "Backup Successful.", "backup", dir)
	step("info, as dead as on today's phones", 51, "", "info", dir)
	step("list, as dead as on today's phones", 51, "", "list", dir)
	step("unback, as dead as on today's phones", 252, "", "unback", dir)
}

func TestLibimobiledeviceRestores(t *testing.T) {
	t.Parallel()
	need(t, "idevicepair", "idevicebackup2")
	for name, password := range map[string]string{"plain": "", "encrypted": "pass"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newLab(t, 13, false), newLab(t, 14, true)
			dir := t.TempDir()
			if err := a.phone.SetBackupPassword(password); err != nil {
				t.Fatal(err)
			}
			must(t, "pair", a.run(t, "idevicepair", "-u", a.udid(), "pair"), 0)
			must(t, "backup", a.run(t, "idevicebackup2", "-u", a.udid(), "backup", dir), 0, "Backup Successful.")
			must(t, "pair", b.run(t, "idevicepair", "-u", b.udid(), "pair"), 0)
			o := b.limRestore(t, a.udid(), password, dir)
			same(t, a, b, compareRestored(password))
			record(t, "A", "idevicebackup2", "restore, "+name, o, "the restored phone equals the original")
		})
	}
}

// limRestore restores a folder onto the lab's phone.
func (l *lab) limRestore(t *testing.T, source, password, dir string) outcome {
	t.Helper()
	args := []string{"-u", l.udid(), "-s", source, "restore", "--system", "--settings", "--remove", "--no-reboot"}
	if password != "" {
		args = append(args, "--password", password)
	}
	o := l.run(t, "idevicebackup2", append(args, dir)...)
	must(t, "restore", o, 0, "Restore Successful.")
	return o
}
