package host_test

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"russet"
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
	home, disk := t.TempDir(), tmpfs(t, "300m")
	h := l.bare(home, l.Addr(), nil)
	_, err := h.AddStore(t.Context(), "main", "folder:"+disk+"/phones")
	must(t, err)
	wantStore(t, h, "store", 0)

	must(t, unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	wantStore(t, l.bare(home, l.Addr(), nil), "store-read-only", russet.Usage)
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
