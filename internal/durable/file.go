package durable

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// File is a file open for writing.
type File struct {
	f    *os.File
	name string
	hook Hook
}

// Create makes a new file; one of that name must not exist.
func (d *Dir) Create(name string, perm fs.FileMode) (*File, error) {
	return d.openFile("create", name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
}

// Append opens a file for writing at its end and makes it when absent. What
// lies behind size is cut off.
func (d *Dir) Append(name string, size int64, perm fs.FileMode) (*File, error) {
	f, err := d.openFile("append", name, os.O_CREATE|os.O_WRONLY, perm)
	if err != nil {
		return nil, err
	}
	if err = f.f.Truncate(size); err == nil {
		_, err = f.f.Seek(size, 0)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (d *Dir) openFile(op, name string, flag int, perm fs.FileMode) (*File, error) {
	if err := d.hook(op, name); err != nil {
		return nil, err
	}
	f, err := d.root.OpenFile(filepath.FromSlash(name), flag, perm)
	if err != nil {
		return nil, err
	}
	return &File{f: f, name: name, hook: d.hook}, nil
}

// Write writes at the end of the file.
func (f *File) Write(p []byte) (int, error) {
	if err := f.hook("write", f.name); err != nil {
		return 0, err
	}
	return f.f.Write(p)
}

// Sync makes the file, and everything handed to the drive before, durable.
func (f *File) Sync() error {
	if err := f.hook("sync", f.name); err != nil {
		return err
	}
	return f.f.Sync()
}

// Close closes the file.
func (f *File) Close() error { return f.f.Close() }

// WriteNew makes a new file of these bytes with as few system calls as there
// can be. It is not synced; when it fails nothing of that name is left.
func (d *Dir) WriteNew(name string, data []byte, perm fs.FileMode) error {
	f, err := d.Create(name, perm)
	if err != nil {
		return err
	}
	if len(data) > 0 {
		_, err = f.Write(data)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, d.Remove(name))
	}
	return nil
}

// Replace puts a file of these bytes at name, over what was there, so that
// after any crash the old or the new one is found whole; on return it is the
// new one, durably. The way there is a file called name + ".new".
func (d *Dir) Replace(name string, data []byte, perm fs.FileMode) error {
	temp := name + ".new"
	if err := d.Remove(temp); err != nil {
		return err
	}
	f, err := d.Create(temp, perm)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = d.Rename(temp, name)
	}
	if err != nil {
		return errors.Join(err, d.Remove(temp))
	}
	return d.syncParent(name)
}

// syncParent makes the entry called name durable in its folder.
func (d *Dir) syncParent(name string) error {
	parent := path.Dir(name)
	if parent == "." {
		return d.SyncDir()
	}
	sub, err := d.Sub(parent)
	if err != nil {
		return err
	}
	return errors.Join(sub.SyncDir(), sub.Close())
}

// Rewind cuts the file off at size and goes on writing there.
func (f *File) Rewind(size int64) error {
	if err := f.hook("truncate", f.name); err != nil {
		return err
	}
	if err := f.f.Truncate(size); err != nil {
		return err
	}
	_, err := f.f.Seek(size, 0)
	return err
}

// ReplaceJSON is Replace with a value as indented JSON.
func (d *Dir) ReplaceJSON(name string, v any, perm fs.FileMode) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return d.Replace(name, append(data, '\n'), perm)
}

// ReadJSON reads a value from a file of at most limit bytes.
func (d *Dir) ReadJSON(name string, limit int64, v any) error {
	data, err := d.ReadFile(name, limit)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}
