package devicelink_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"testing"

	"russet/device/devicelink"
)

// dir is a Files on disk, and what goes wrong with it.
type dir struct {
	root  *os.Root
	path  string
	fault func(op, name string) error // may be nil
	free  int64
}

func newDir(t testing.TB) *dir {
	t.Helper()
	p := t.TempDir()
	root, err := os.OpenRoot(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return &dir{root: root, path: p, free: 1 << 40}
}

func (d *dir) failing(op, name string) error {
	if d.fault == nil {
		return nil
	}
	return d.fault(op, name)
}

func (d *dir) Open(name string) (fs.File, error) {
	if err := d.failing("open", name); err != nil {
		return nil, err
	}
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	return faultyFile{f, d, name}, nil
}

// faultyFile fails while it is read.
type faultyFile struct {
	*os.File
	d    *dir
	name string
}

func (f faultyFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	if fault := f.d.failing("read", f.name); fault != nil {
		return n, fault
	}
	return n, err
}

func (d *dir) Create(name string) (devicelink.Upload, error) {
	if err := d.failing("create", name); err != nil {
		return nil, err
	}
	if err := d.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return nil, err
	}
	f, err := d.root.Create(name + ".part")
	if err != nil {
		return nil, err
	}
	return &upload{f, d, name}, nil
}

type upload struct {
	f    *os.File
	d    *dir
	name string
}

func (u *upload) Write(p []byte) (int, error) {
	if err := u.d.failing("write", u.name); err != nil {
		return 0, err
	}
	return u.f.Write(p)
}

func (u *upload) Commit() error {
	if err := u.d.failing("commit", u.name); err != nil {
		return errors.Join(err, u.Abort())
	}
	if err := u.f.Close(); err != nil {
		return err
	}
	return u.d.root.Rename(u.name+".part", u.name)
}

func (u *upload) Abort() error {
	return errors.Join(u.f.Close(), u.d.root.Remove(u.name+".part"))
}

func (d *dir) Mkdir(name string) error { return d.root.MkdirAll(name, 0o755) }

func (d *dir) ReadDir(name string) ([]fs.DirEntry, error) {
	return fs.ReadDir(d.root.FS(), name)
}

func (d *dir) Rename(from, to string) error {
	if err := d.root.MkdirAll(path.Dir(to), 0o755); err != nil {
		return err
	}
	return d.root.Rename(from, to)
}

func (d *dir) Copy(from, to string) error {
	sub, err := fs.Sub(d.root.FS(), from)
	if err != nil {
		return err
	}
	return os.CopyFS(filepath.Join(d.path, filepath.FromSlash(to)), sub)
}

func (d *dir) Remove(name string) error {
	if err := d.failing("remove", name); err != nil {
		return err
	}
	return d.root.RemoveAll(name)
}

func (d *dir) Free() (int64, error) {
	return d.free, d.failing("free", "")
}

func (d *dir) Purge(context.Context, int64, int) (int64, error) {
	return 0, errors.ErrUnsupported
}

// put writes a file that is there before the device comes.
func (d *dir) put(t testing.TB, name, data string) {
	t.Helper()
	p := filepath.Join(d.path, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// files is all that is in d: names and contents, folders with a slash.
func (d *dir) files(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(d.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
		case e.IsDir():
			out[name+"/"] = ""
		default:
			data, err := d.root.ReadFile(name)
			out[name] = string(data)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
