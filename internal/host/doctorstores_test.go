package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"russet"
	"russet/internal/doctor"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/vault/backend"
	"russet/internal/vault/servers"
)

// storeFinding is what the doctor says of the only store.
func storeFinding(t *testing.T, h *host.Host) doctor.Finding {
	t.Helper()
	for _, f := range examine(t, h, "") {
		if f.Store != "" {
			return f
		}
	}
	t.Fatal("nothing is said of the store")
	return doctor.Finding{}
}

func wantStore(t *testing.T, h *host.Host, want doctor.Code, kind russet.Kind) {
	t.Helper()
	f := storeFinding(t, h)
	if f.Code != want || f.Kind != kind {
		t.Errorf("found %s (%d): %s → %s; want %s (%d)", f.Code, f.Kind, f.What, f.Hint, want, kind)
	}
	if !f.Good && f.Hint == "" {
		t.Errorf("%s has no next step", f.Code)
	}
}

// TestDoctorFolder is a store that is a folder, in every way in which it can
// be in the way.
func TestDoctorFolder(t *testing.T) {
	l := newNetlab(t)
	home, disk := t.TempDir(), t.TempDir()
	path := disk + "/phones"
	open := func() *host.Host { return l.bare(home, l.Addr(), nil) }
	_, err := open().AddStore(t.Context(), "main", "folder:"+path)
	must(t, err)
	wantStore(t, open(), "store", 0)
	must(t, os.Rename(path, disk+"/elsewhere"))
	wantStore(t, open(), "store-offline", russet.NotConnected)
	must(t, os.Mkdir(path, 0o700))
	wantStore(t, open(), "store-offline", russet.NotConnected) // the place where its disk is not mounted
	must(t, os.Remove(path))
	must(t, os.Rename(disk+"/elsewhere", path))
	notes, err := filepath.Glob(path + "/.russet/*")
	must(t, err)
	if left := strings.Join(notes, " "); strings.Contains(left, "doctor") {
		t.Errorf("the doctor left something: %s", left)
	}
	if os.Getuid() == 0 {
		t.Log("root may write everywhere")
		return
	}
	must(t, os.Chmod(path+"/.russet", 0o500))
	wantStore(t, open(), "store-forbidden", russet.Usage)
	must(t, os.Chmod(path+"/.russet", 0o700))
}

// TestDoctorVault is the same for a vault on a disk and on a server.
func TestDoctorVault(t *testing.T) {
	l := newNetlab(t)
	dir, disk := t.TempDir(), t.TempDir()
	path := disk + "/vault"
	open := func() *host.Host { return l.bare(dir, l.Addr(), nil) }
	_, err := open().AddVault(t.Context(), addition("vault:"+path, backend.Credentials{}))
	must(t, err)
	wantStore(t, open(), "store", 0)

	secrets := dir + "/secrets"
	must(t, os.Rename(secrets, dir+"/aside"))
	wantStore(t, open(), "store-locked", russet.Password)
	wrong := host.Open(host.Options{
		Home: home.Place{Dir: dir, Data: dir, Moved: true}, Mux: l.Addr(),
		Vaults: host.VaultAnswers{File: writeFile(t, "not "+vaultPassword)},
	})
	wantStore(t, wrong, "store-password", russet.Password)
	must(t, wrong.Close())
	must(t, os.RemoveAll(secrets))
	must(t, os.Rename(dir+"/aside", secrets))

	must(t, os.Rename(path, disk+"/elsewhere"))
	wantStore(t, open(), "store-offline", russet.NotConnected)
	must(t, os.Rename(disk+"/elsewhere", path))

	must(t, os.RemoveAll(dir+"/vaults")) // this computer's copies
	names, err := filepath.Glob(path + "/kopia.repository*")
	must(t, err)
	for _, name := range names {
		must(t, os.WriteFile(name, []byte("spoiled"), 0o600))
	}
	wantStore(t, open(), "store-damaged", russet.Damaged)
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := t.TempDir() + "/file"
	must(t, os.WriteFile(name, []byte(text+"\n"), 0o600))
	return name
}

func TestDoctorServer(t *testing.T) {
	s := servers.StartWebDAV(t)
	l := newNetlab(t)
	home := t.TempDir()
	open := func() *host.Host { return l.bare(home, l.Addr(), nil) }
	h := open()
	_, err := h.AddVault(t.Context(), addition(s.Location.String(), s.Credentials))
	must(t, err)
	must(t, h.Close())
	wantStore(t, open(), "store", 0)
	s.Kill()
	wantStore(t, open(), "store-offline", russet.NotConnected)
}
