package host_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/phonetest"
	"russet/internal/vault/backend"
	"russet/vphone"
)

// tmpfs mounts a disk in memory, or skips the test where that is not allowed.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	err := unix.Mount("russet-test", dir, "tmpfs", 0, "size="+size)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		t.Skip("mounting is not allowed here")
	}
	must(t, err)
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

// TestDoctorDisks: disks that are full, or turned read-only by themselves.
func TestDoctorDisks(t *testing.T) {
	l := newNetlab(t)
	dir, disk := t.TempDir(), tmpfs(t, "300m")
	h := l.bare(dir, l.Addr(), nil)
	_, err := h.AddStore(t.Context(), "main", "folder:"+disk+"/phones")
	must(t, err)
	wantStore(t, h, "store", 0)

	must(t, unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	wantStore(t, l.bare(dir, l.Addr(), nil), "store-read-only", russet.Usage)
	must(t, unix.Mount("", disk, "", unix.MS_REMOUNT, "size=300m"))

	must(t, os.WriteFile(disk+"/film", make([]byte, 200<<20), 0o600))
	wantStore(t, h, "store-full", russet.NoSpace)

	small := tmpfs(t, "200m")
	wantFindings(t, l.bare(small+"/home", l.Addr(), nil), "home-full cable-empty")
	f, err := os.Create(small + "/film")
	must(t, err)
	_, err = f.Write(make([]byte, 250<<20))
	must(t, f.Close())
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	wantFindings(t, l.bare(small+"/home", l.Addr(), nil), "home-full cable-empty")
}

// TestNoBackupIntoReadOnly: a disk that cannot be written is noticed before the
// phone asks for its passcode, and systemd's units are named as a cause.
func TestNoBackupIntoReadOnly(t *testing.T) {
	disk := tmpfs(t, "300m")
	l := newNetlab(t)
	h := host.Open(host.Options{
		Home: home.Place{Dir: t.TempDir(), Data: t.TempDir(), Moved: true}, Mux: l.Addr(), Vaults: given(vaultPassword),
	})
	t.Cleanup(func() { must(t, h.Close()) })
	p := l.Phone(vphone.Options{Identity: phonetest.Named(1, "Anna"), Passcode: "1234"})
	l.pair(h, p)
	_, err := h.AddVault(t.Context(), addition("vault:"+disk+"/vault", backend.Credentials{}))
	must(t, err)
	_, err = h.AddStore(t.Context(), "main", "folder:"+disk+"/phones")
	must(t, err)
	must(t, unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	for name, place := range map[string]string{"home": disk + "/vault", "main": disk + "/phones"} {
		st, err := h.Store(name)
		must(t, err)
		r, err := h.Backup(t.Context(), host.BackupOptions{Device: l.only(h), Store: st})
		e, _ := errors.AsType[*russet.Error](err)
		if e == nil || e.Kind != russet.Usage || !strings.HasSuffix(e.Hint, "ReadWritePaths="+place) || len(e.Error()) > 200 || r.Run.Passcode {
			t.Errorf("%s: asked for a passcode: %v; %v", name, r.Run.Passcode, err)
		}
	}
}
