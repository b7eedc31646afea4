package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Mkdir makes a folder.
func (d *Dir) Mkdir(name string, perm fs.FileMode) error {
	if err := d.hook("mkdir", name); err != nil {
		return err
	}
	return d.root.Mkdir(filepath.FromSlash(name), perm)
}

// MkdirAll makes a folder and its parents; one that exists is no error.
func (d *Dir) MkdirAll(name string, perm fs.FileMode) error {
	if err := d.hook("mkdir", name); err != nil {
		return err
	}
	return d.root.MkdirAll(filepath.FromSlash(name), perm)
}

// Rename moves a file or folder within d, over a file that has the new name.
func (d *Dir) Rename(from, to string) error {
	if err := d.hook("rename", to); err != nil {
		return err
	}
	return d.root.Rename(filepath.FromSlash(from), filepath.FromSlash(to))
}

// RenameTo moves the entry called name from d to another folder of the same
// file system, over a file that has the new name. Both names are single steps.
func (d *Dir) RenameTo(name string, to *Dir, newName string) error {
	if err := errors.Join(single("rename", name), single("rename", newName)); err != nil {
		return err
	}
	if err := d.hook("rename", newName); err != nil {
		return err
	}
	if err := renameTo(d, name, to, newName); err != nil {
		return &os.LinkError{Op: "rename", Old: name, New: newName, Err: err}
	}
	return nil
}

// LinkTo gives a file a second name in another folder of the same file system;
// a symbolic link is linked itself. errors.ErrUnsupported, or fs.ErrPermission
// on some systems, says that the file system has no links.
func (d *Dir) LinkTo(name string, to *Dir, newName string) error {
	if err := errors.Join(single("link", name), single("link", newName)); err != nil {
		return err
	}
	if err := d.hook("link", newName); err != nil {
		return err
	}
	if err := linkTo(d, name, to, newName); err != nil {
		return &os.LinkError{Op: "link", Old: name, New: newName, Err: err}
	}
	return nil
}

// Exchange swaps two entries in one step that no crash can split.
// errors.ErrUnsupported when the system or the file system cannot.
func (d *Dir) Exchange(name string, to *Dir, other string) error {
	if err := errors.Join(single("exchange", name), single("exchange", other)); err != nil {
		return err
	}
	if err := d.hook("exchange", other); err != nil {
		return err
	}
	if err := exchange(d, name, to, other); err != nil {
		return &os.LinkError{Op: "exchange", Old: name, New: other, Err: err}
	}
	return nil
}

// Remove removes a file or an empty folder; a missing one is no error.
func (d *Dir) Remove(name string) error {
	if err := d.hook("remove", name); err != nil {
		return err
	}
	if err := d.root.Remove(filepath.FromSlash(name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// RemoveAll removes a file or a whole tree; a missing one is no error.
func (d *Dir) RemoveAll(name string) error {
	if err := d.hook("remove", name); err != nil {
		return err
	}
	return d.root.RemoveAll(filepath.FromSlash(name))
}

// SyncAll makes everything written to the file system of d durable, or is
// errors.ErrUnsupported where only file by file will do.
func (d *Dir) SyncAll() error {
	if err := d.hook("syncall", "."); err != nil {
		return err
	}
	return syncAll(d.file)
}

// SyncDir makes the names in d durable: what was created, renamed, removed.
func (d *Dir) SyncDir() error {
	if err := d.hook("sync", "."); err != nil {
		return err
	}
	return syncDir(d.file)
}

// SyncFile hands a file's bytes to the drive. Where the drive may still hold
// them in its own cache (macOS), they are safe with the next [File.Sync].
func (d *Dir) SyncFile(name string) error {
	if err := d.hook("sync", name); err != nil {
		return err
	}
	f, err := d.root.OpenFile(filepath.FromSlash(name), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(syncFile(f), f.Close())
}

// Free is how many bytes the file system of d can still take from us.
func (d *Dir) Free() (int64, error) { return free(d.file) }

// CloneFrom makes a new file that shares the blocks of src (a reflink). It
// fails where the two are not on one file system that can do that; nothing of
// that name is left then, and copying is the answer.
func (d *Dir) CloneFrom(src *os.File, name string, perm fs.FileMode) error {
	if err := single("clone", name); err != nil {
		return err
	}
	if err := d.hook("clone", name); err != nil {
		return err
	}
	if err := cloneFrom(d, src, name, perm); err != nil {
		return &os.LinkError{Op: "clone", Old: src.Name(), New: name, Err: err}
	}
	return nil
}

// Chtimes sets when a file was last changed.
func (d *Dir) Chtimes(name string, t time.Time) error {
	if err := d.hook("chtimes", name); err != nil {
		return err
	}
	return d.root.Chtimes(filepath.FromSlash(name), t, t)
}

// IsFull reports that there is no room: the disk is full, or a quota is used up.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || isFull(err)
}
