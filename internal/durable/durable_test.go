package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"russet/internal/durable"
)

func open(t *testing.T, hook durable.Hook) *durable.Dir {
	t.Helper()
	d, err := durable.Open(t.TempDir(), hook)
	must(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, d *durable.Dir, name, want string) {
	t.Helper()
	data, err := d.ReadFile(name, 1<<20)
	if err != nil || string(data) != want {
		t.Errorf("%s holds %q, %v, not %q", name, data, err, want)
	}
}

func sub(t *testing.T, d *durable.Dir, name string) *durable.Dir {
	t.Helper()
	s, err := d.MakeSub(name, 0o700)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestChanges(t *testing.T) {
	d := open(t, nil)
	a, b := sub(t, d, "a"), sub(t, d, "deep/b")
	must(t, a.WriteNew("x", []byte("x"), 0o600), b.WriteNew("y", []byte("y"), 0o600))
	if err := a.WriteNew("x", []byte("z"), 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file is made twice: %v", err)
	}
	holds(t, d, "a/x", "x")
	must(t, a.RenameTo("x", b, "y"))
	holds(t, d, "deep/b/y", "x")
	must(t, b.LinkTo("y", a, "z"), d.Replace("a/z", []byte("new"), 0o600), d.Replace("top", nil, 0o600))
	holds(t, d, "deep/b/y", "x")
	holds(t, d, "a/z", "new")
	err := d.Exchange("a", d, "deep")
	if errors.Is(err, errors.ErrUnsupported) {
		t.Log("no exchange here")
	} else {
		must(t, err)
		holds(t, d, "deep/z", "new")
		holds(t, d, "a/b/y", "x")
	}
	must(t, d.Remove("none"), d.RemoveAll("none"), d.RemoveAll("a"), d.RemoveAll("deep"), d.Rename("top", "last"))
	entries, err := d.ReadDir(".")
	if err != nil || len(entries) != 1 || entries[0].Name() != "last" {
		t.Errorf("left is %v, %v", entries, err)
	}
	must(t, d.SyncDir(), d.SyncFile("last"))
	if err := d.SyncAll(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
	if n, err := d.Free(); n <= 0 || err != nil {
		t.Errorf("%d bytes free, %v", n, err)
	}
}

func TestAppend(t *testing.T) {
	d := open(t, nil)
	f, err := d.Append("log", 0, 0o600)
	must(t, err)
	for _, s := range []string{"one ", "two ", "torn"} {
		_, err := f.Write([]byte(s))
		must(t, err)
	}
	must(t, f.Rewind(8))
	_, err = f.Write([]byte("three"))
	must(t, err, f.Sync(), f.Close())
	holds(t, d, "log", "one two three")
	f, err = d.Append("log", 4, 0o600)
	must(t, err)
	_, err = f.Write([]byte("more"))
	must(t, err, f.Close())
	holds(t, d, "log", "one more")
}

// TestNothingOutside: neither names nor planted links lead out of the folder.
func TestNothingOutside(t *testing.T) {
	parent := t.TempDir()
	inside, secret := filepath.Join(parent, "in"), filepath.Join(parent, "secret")
	must(t, os.Mkdir(inside, 0o700), os.WriteFile(secret, []byte("secret"), 0o600), os.Symlink(parent, filepath.Join(inside, "link")))
	d, err := durable.Open(inside, nil)
	must(t, err)
	defer d.Close()
	must(t, d.WriteNew("x", []byte("x"), 0o600))
	for _, name := range []string{"../secret", "link/secret", "/etc/passwd"} {
		_, read := d.ReadFile(name, 100)
		_, create := d.Create(name+"2", 0o600)
		_, sub := d.Sub(name)
		for what, err := range map[string]error{
			"read": read, "create": create, "sub": sub, "replace": d.Replace(name, nil, 0o600), "remove": d.Remove(name),
			"rename": d.Rename("x", name), "mkdir": d.MkdirAll(name+"/y", 0o700), "rename to": d.RenameTo("x", d, name),
			"link to": d.LinkTo("x", d, name), "link from": d.LinkTo(name, d, "y"), "exchange": d.Exchange("x", d, name),
		} {
			if err == nil {
				t.Errorf("%s %s succeeds", what, name)
			}
		}
	}
	data, err := os.ReadFile(secret)
	entries, _ := os.ReadDir(parent)
	if err != nil || string(data) != "secret" || len(entries) != 2 {
		t.Errorf("outside there are %v, the secret is %q, %v", entries, data, err)
	}
}

// TestReplaceIsWhole breaks Replace at each of its changes.
func TestReplaceIsWhole(t *testing.T) {
	broken := errors.New("broken")
	for n := 0; ; n++ {
		left := n
		hook := func(_, _ string) error {
			if left--; left == -1 {
				return broken
			}
			return nil
		}
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "f"), []byte("old"), 0o600))
		d, err := durable.Open(dir, hook)
		must(t, err)
		err = d.Replace("f", []byte("new"), 0o600)
		data, e := os.ReadFile(filepath.Join(dir, "f"))
		must(t, e, d.Close())
		if s := string(data); (err == nil && s != "new") || (s != "old" && s != "new") {
			t.Errorf("broken at %d the file holds %q, %v", n, s, err)
		}
		if err == nil {
			if n < 4 {
				t.Errorf("replacing is only %d changes", n)
			}
			return
		}
	}
}

func TestLocks(t *testing.T) {
	d := open(t, nil)
	take := func(shared bool) *durable.Lock {
		t.Helper()
		l, err := d.Lock("lock", shared)
		must(t, err)
		return l
	}
	refused := func(shared bool) {
		t.Helper()
		if _, err := d.Lock("lock", shared); !errors.Is(err, durable.ErrLocked) {
			t.Errorf("a held lock is taken: %v", err)
		}
	}
	l := take(false)
	refused(false)
	refused(true)
	must(t, l.Unlock())
	a, b := take(true), take(true)
	refused(false)
	must(t, a.Unlock())
	refused(false)
	must(t, b.Unlock(), take(false).Unlock(), (*durable.Lock)(nil).Unlock())
}

func TestCloneOrNot(t *testing.T) {
	d := open(t, nil)
	must(t, d.WriteNew("src", []byte("blocks"), 0o600))
	src, err := d.Open("src")
	must(t, err)
	defer src.Close()
	if err := d.CloneFrom(src, "dst", 0o600); err == nil {
		holds(t, d, "dst", "blocks")
	} else if ok, _ := d.Exists("dst"); ok {
		t.Error("a failed clone leaves a file")
	}
}
