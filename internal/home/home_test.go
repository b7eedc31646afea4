package home_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"russet"
	"russet/internal/home"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	moved, err := home.Find(func(name string) string {
		return map[string]string{"RUSSET_HOME": dir}[name]
	})
	if err != nil || moved != (home.Place{Dir: dir, Data: dir, Moved: true}) {
		t.Errorf("got %+v, %v", moved, err)
	}
	t.Setenv("HOME", dir)
	usual, err := home.Find(func(string) string { return "" })
	if err != nil || usual.Moved || filepath.Base(usual.Dir) != "russet" {
		t.Errorf("got %+v, %v", usual, err)
	}
}

// TestHome: who only looks makes nothing; what is sealed and what is
// locked is so for every process that has the folder open.
func TestHome(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "russet")
	open := func() *home.Home {
		h := home.At(home.Place{Dir: dir, Data: dir, Moved: true})
		t.Cleanup(func() { must(t, h.Close()) })
		return h
	}
	one, other := open(), open()
	if _, err := one.Open(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opened before it is there: %v", err)
	}
	if _, err := one.Secrets(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it has secrets before there is a folder: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("it was made: %v", err)
	}
	must(t, one.PutSecret("pair/x", []byte("sealed")))
	if got, err := other.Secret("pair/x"); string(got) != "sealed" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	must(t, other.DropSecrets("pair/x", "never/there"))
	if _, err := one.Secret("pair/x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("dropped: %v", err)
	}
	d, err := one.Open()
	must(t, err)
	const lock = home.Locks + "/x.lock"
	if other.Locked(lock) {
		t.Error("locked before anybody did")
	}
	l, err := home.WaitLock(t.Context(), d, lock)
	must(t, err)
	if !other.Locked(lock) {
		t.Error("not locked")
	}
	must(t, l.Unlock())
	must(t, one.Close())
	if _, err := one.Open(); err != nil || other.Locked(lock) {
		t.Errorf("opened again: %v", err)
	}
}

// TestAdministrator: sudo leaves nothing in the home of somebody else, who could
// not use it; it may look.
func TestAdministrator(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("for the administrator")
	}
	dir := t.TempDir()
	mine := home.At(home.Place{Dir: dir})
	if _, err := mine.Make(); err != nil {
		t.Fatal(err)
	}
	if err := mine.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(dir, home.Locks), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	theirs := home.At(home.Place{Dir: dir})
	defer theirs.Close()
	if _, err := theirs.Make(); russet.KindOf(err) != russet.Usage || !strings.Contains(err.Error(), "belongs to the user") {
		t.Errorf("kept there: %v", err)
	}
	if _, err := theirs.Open(); err != nil {
		t.Errorf("looked at: %v", err)
	}
}
