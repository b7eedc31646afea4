package secrets_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"russet/internal/secrets"
)

func open(t *testing.T, dir string, k secrets.Keyring) *secrets.Secrets {
	t.Helper()
	s, err := secrets.Open(dir, secrets.Options{Keyring: k})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func put(t *testing.T, s *secrets.Secrets, name, value string) {
	t.Helper()
	if err := s.Put(name, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, s *secrets.Secrets, name, value string) {
	t.Helper()
	got, err := s.Get(name)
	if err != nil || string(got) != value {
		t.Errorf("Get(%q) = %q, %v; want %q", name, got, err, value)
	}
}

func TestPutGetDeleteList(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home", "secrets")
	s := open(t, dir, nil)
	if _, err := s.Get("pair/A"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a secret that was never put: %v", err)
	}
	put(t, s, "pair/A", "one")
	put(t, s, "pair/a", "two") // differs by case only
	put(t, s, "backup/ü", "")
	put(t, s, "pair/A", "three")
	again := open(t, dir, nil)
	want(t, again, "pair/A", "three")
	want(t, again, "pair/a", "two")
	want(t, again, "backup/ü", "")
	if got, err := again.List("pair/"); err != nil || fmt.Sprint(got) != "[pair/A pair/a]" {
		t.Errorf("List = %q, %v", got, err)
	}
	for range 2 { // the second time it is gone already
		if err := again.Delete("pair/A"); err != nil {
			t.Error(err)
		}
	}
	if _, err := again.Get("pair/A"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a deleted secret: %v", err)
	}
}

func TestRefusedNames(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "secrets"), nil)
	for _, name := range []string{"", strings.Repeat("n", 151), "\xff"} {
		if err := s.Put(name, nil); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Put(%q) = %v", name, err)
		}
	}
	if err := s.Put("large", make([]byte, secrets.MaxSize+1)); err == nil {
		t.Error("a secret over the limit was stored")
	}
	put(t, s, strings.Repeat("ü", 75), "longest name")
}

// TestNothingInTheClear looks for the value and its name in every file.
func TestNothingInTheClear(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	put(t, open(t, dir, nil), "backup/canary-name", "canary-value")
	for _, e := range entries(t, dir) {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("canary")) || strings.Contains(e.Name(), "canary") {
			t.Errorf("%s gives it away", e.Name())
		}
		if info, err := e.Info(); err != nil || (runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0) {
			t.Errorf("%s has mode %v, %v", e.Name(), info.Mode(), err)
		}
	}
}

func entries(t *testing.T, dir string) []fs.DirEntry {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// sealedFile is the only sealed file in dir.
func sealedFile(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.sealed"))
	if err != nil || len(found) != 1 {
		t.Fatalf("sealed files: %v, %v", found, err)
	}
	return found[0]
}

// TestDamage flips each byte of a sealed file in turn, and cuts it.
func TestDamage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	s := open(t, dir, nil)
	put(t, s, "n", "value")
	file := sealedFile(t, dir)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, data []byte) {
		t.Helper()
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get("n"); !errors.Is(err, secrets.ErrDamaged) {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		check(fmt.Sprintf("byte %d changed", i), bad)
		check(fmt.Sprintf("cut at %d", i), good[:i])
	}
	put(t, s, "n", "mended")
	want(t, s, "n", "mended")
}

func TestRenamedFileIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	s := open(t, dir, nil)
	put(t, s, "mine", "one")
	first := sealedFile(t, dir)
	data, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Delete("mine"); err != nil {
		t.Fatal(err)
	}
	put(t, s, "yours", "two")
	if err := os.WriteFile(sealedFile(t, dir), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get("yours"); !errors.Is(err, secrets.ErrDamaged) {
		t.Errorf("a secret under another name: %v", err)
	}
}

func TestExposed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	dir := filepath.Join(t.TempDir(), "secrets")
	put(t, open(t, dir, nil), "n", "value")
	if err := os.Chmod(filepath.Join(dir, "key"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir, nil).Get("n"); !errors.Is(err, secrets.ErrExposed) {
		t.Errorf("a key others can read: %v", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := secrets.Open(dir, secrets.Options{}); !errors.Is(err, secrets.ErrExposed) {
		t.Errorf("a folder others can read: %v", err)
	}
}

// TestManyAtOnce: several openings of one folder, as of several processes,
// agree on one key.
func TestManyAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	var wg sync.WaitGroup
	for i := range 8 {
		s := open(t, dir, nil)
		wg.Go(func() {
			if err := s.Put(fmt.Sprint(i), []byte("value")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := open(t, dir, nil)
	for i := range 8 {
		want(t, s, fmt.Sprint(i), "value")
	}
}

func TestSecretDoesNotPrint(t *testing.T) {
	s := secrets.Secret("canary")
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T%[1]v"} {
		fmt.Fprintf(&out, verb, s)
		fmt.Fprintf(&out, verb, struct{ S secrets.Secret }{s})
		fmt.Fprintf(&out, verb, []secrets.Secret{s})
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "s", s, "p", &s)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "s", s, "m", map[string]any{"s": s})
	if err := json.NewEncoder(&out).Encode(map[string]any{"s": s}); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(&out, s, fmt.Errorf("wrong %v", s))
	if strings.Contains(out.String(), "canary") || strings.Contains(out.String(), "63616e617279") {
		t.Errorf("printed: %s", out.String())
	}
	if string(s) != "canary" {
		t.Error("the value is lost")
	}
}
