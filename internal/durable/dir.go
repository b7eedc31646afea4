// Package durable changes folders on disk in ways that survive: names that
// cannot lead out of their folder, files that are whole or absent, exchanges in
// one step, locks that die with their process, and syncing that says which
// bytes a power cut can no longer take.
//
// Every change goes through one hook, so that tests can break the n-th one.
package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Hook is asked before every change; an error stops the change and is
// returned by it. op is the kind of change ("create", "write", "rename" …) and
// name what it changes.
type Hook func(op, name string) error

// Dir is an open folder. Names given to its methods are slash-separated and
// relative; they never lead out of the folder, whatever symbolic links lie in
// the way (os.Root). Methods may be called by several goroutines.
type Dir struct {
	root *os.Root
	file *os.File // the same folder, for system calls that take a descriptor
	hook Hook
}

// Open opens the folder at path. hook may be nil.
func Open(path string, hook Hook) (*Dir, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return newDir(root, hook)
}

func newDir(root *os.Root, hook Hook) (*Dir, error) {
	file, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	if hook == nil {
		hook = func(_, _ string) error { return nil }
	}
	return &Dir{root: root, file: file, hook: hook}, nil
}

// Sub opens a folder below d.
func (d *Dir) Sub(name string) (*Dir, error) {
	root, err := d.root.OpenRoot(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	return newDir(root, d.hook)
}

// MakeSub opens a folder below d and makes it, with its parents, when absent.
func (d *Dir) MakeSub(name string, perm fs.FileMode) (*Dir, error) {
	sub, err := d.Sub(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return sub, err
	}
	if err := d.MkdirAll(name, perm); err != nil {
		return nil, err
	}
	return d.Sub(name)
}

// Close lets go of the folder.
func (d *Dir) Close() error { return errors.Join(d.file.Close(), d.root.Close()) }

// Path is where the folder was when it was opened.
func (d *Dir) Path() string { return d.root.Name() }

// FS is the folder as a file system for reading. It implements fs.StatFS,
// fs.ReadFileFS, fs.ReadDirFS and fs.ReadLinkFS.
func (d *Dir) FS() fs.FS { return d.root.FS() }

// Open opens a file for reading.
func (d *Dir) Open(name string) (*os.File, error) {
	return d.root.Open(filepath.FromSlash(name))
}

// Lstat describes a file without following a symbolic link at its end.
func (d *Dir) Lstat(name string) (fs.FileInfo, error) {
	return d.root.Lstat(filepath.FromSlash(name))
}

// Exists reports whether there is anything of that name.
func (d *Dir) Exists(name string) (bool, error) {
	_, err := d.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// ReadDir lists a folder in the order of its names.
func (d *Dir) ReadDir(name string) ([]fs.DirEntry, error) {
	return fs.ReadDir(d.root.FS(), name)
}

// ReadFile reads a file of at most limit bytes.
func (d *Dir) ReadFile(name string, limit int64) ([]byte, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("longer than %d bytes", limit)}
	}
	return data, err
}

// single refuses names that are more than one step: the calls between two
// folders hand them to the system as they are.
func single(op, name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00") {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return nil
}
