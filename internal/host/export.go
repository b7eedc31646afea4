package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"russet"
	"russet/internal/durable"
)

// Moved counts what a copy of files has done so far.
type Moved struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

// Export writes a whole backup to dir/<UDID>, as Finder and other programs
// expect it, byte for byte what the device sent. It never overwrites, and a
// failed export leaves nothing.
func (h *Host) Export(ctx context.Context, b russet.Backup, dir string, progress func(Moved)) (path string, err error) {
	contents, err := h.openBackup(ctx, b)
	if err != nil {
		return "", err
	}
	defer closeInto(&err, contents)
	path = filepath.Join(dir, string(b.Device))
	if _, err := os.Lstat(path); err == nil {
		return "", &russet.Error{
			Kind: russet.Usage, Doing: "export backup " + shortID(b.ID), What: fmt.Sprintf("%s exists already", path),
			Hint: "choose another folder, or move that one away; nothing was changed",
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the folder to export to: %w", err)
	}
	to, err := durable.Open(dir, nil)
	if err != nil {
		return "", fmt.Errorf("open the folder to export to: %w", err)
	}
	defer closeInto(&err, to)
	draft := "." + string(b.Device) + ".unfinished"
	if err := h.exportInto(ctx, to, draft, contents.Folder(), progress); err != nil {
		return "", errors.Join(err, to.RemoveAll(draft))
	}
	if err := to.Rename(draft, string(b.Device)); err != nil {
		return "", errors.Join(fmt.Errorf("put the export in its place: %w", err), to.RemoveAll(draft))
	}
	return path, to.SyncDir()
}

// exportInto copies a file system into a new folder called name.
func (h *Host) exportInto(ctx context.Context, to *durable.Dir, name string, fsys fs.FS, progress func(Moved)) (err error) {
	if err := to.RemoveAll(name); err != nil { // of an export that was killed
		return fmt.Errorf("clear what an earlier export left: %w", err)
	}
	dir, err := to.MakeSub(name, 0o755)
	if err != nil {
		return fmt.Errorf("make the folder to export to: %w", err)
	}
	defer closeInto(&err, dir)
	var moved Moved
	err = fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("read the backup: %w", err)
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case path == ".":
			return nil
		case d.IsDir():
			return dir.Mkdir(path, 0o755)
		}
		n, err := copyFile(dir, path, fsys)
		moved.Files++
		moved.Bytes += n
		if progress != nil {
			progress(moved)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := dir.SyncAll(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("write the export to the disk: %w", err)
	}
	return nil
}

// copyFile copies one file, synced where the whole file system cannot be.
func copyFile(to *durable.Dir, name string, fsys fs.FS) (n int64, err error) {
	src, err := fsys.Open(name)
	if err != nil {
		return 0, fmt.Errorf("read the backup: %w", err)
	}
	defer closeInto(&err, src)
	dst, err := to.Create(name, 0o644)
	if err != nil {
		return 0, fmt.Errorf("write the copy: %w", err)
	}
	if n, err = io.Copy(dst, src); err != nil {
		return n, errors.Join(fmt.Errorf("copy %q: %w", name, err), dst.Close())
	}
	return n, dst.Close()
}

// closeInto closes c and, when nothing else failed, makes its failure err.
func closeInto(err *error, c io.Closer) {
	if cerr := c.Close(); *err == nil {
		*err = cerr
	}
}
