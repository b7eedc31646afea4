package folder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/zeebo/xxh3"

	"russet/internal/durable"
	"russet/internal/facts"
)

// copied says what a copy consists of.
type copied struct {
	files int // payloads
	size  int64
}

// copier copies a backup's folder, sharing blocks where both are on a file
// system that can.
type copier struct {
	ctx      context.Context
	in       *incoming
	from     fs.FS
	progress func(files int, bytes int64)
	to       folders
	buf      []byte
	noClone  bool
	sums     *sumsWriter // nil when sums are known
	done     copied
}

// copy copies a folder: files and folders, nothing else. progress may be nil.
func (in *incoming) copy(ctx context.Context, from fs.FS, progress func(int, int64)) (copied, error) {
	return in.copyWith(ctx, from, nil, progress)
}

func (in *incoming) copyWith(ctx context.Context, from fs.FS, sums *sumsWriter, progress func(int, int64)) (copied, error) {
	if progress == nil {
		progress = func(int, int64) {}
	}
	c := &copier{
		ctx: ctx, in: in, from: from, progress: progress, to: folders{root: in.dir, make: true},
		buf: make([]byte, 256<<10), sums: sums, noClone: sums != nil,
	}
	defer c.to.close()
	return c.done, fs.WalkDir(from, ".", c.visit)
}

func (c *copier) visit(name string, e fs.DirEntry, err error) error {
	if err := errors.Join(err, c.ctx.Err()); err != nil {
		return err
	}
	switch {
	case name == ".":
		return nil
	case e.IsDir():
		if c.sums != nil {
			c.sums.add(sumEntry{name: name, folder: true})
		}
		return c.in.dir.MkdirAll(name, public)
	case !e.Type().IsRegular():
		return nil // a backup has no links; what others put there stays there
	}
	if err := c.file(name); err != nil {
		return fmt.Errorf("copy %q: %w", name, err)
	}
	return nil
}

func (c *copier) file(name string) error {
	src, err := c.from.Open(name)
	if err != nil {
		return err
	}
	defer src.Close()
	dir, leaf, err := c.to.in(name)
	if err != nil {
		return err
	}
	info, err := src.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	if !c.clone(src, dir, leaf) {
		if size, err = c.bytes(name, src, dir, leaf); err != nil {
			return err
		}
	}
	if facts.IsPayload(name) {
		c.done.files++
	}
	c.done.size += size
	c.progress(c.done.files, c.done.size)
	return dir.Chtimes(leaf, info.ModTime())
}

// clone shares the blocks of a file; false where that cannot be.
func (c *copier) clone(src fs.File, dir *durable.Dir, leaf string) bool {
	f, ok := src.(*os.File)
	if !ok || c.noClone {
		return false
	}
	if err := dir.CloneFrom(f, leaf, publicFile); err != nil {
		c.noClone = true
		return false
	}
	return true
}

func (c *copier) bytes(name string, src fs.File, dir *durable.Dir, leaf string) (int64, error) {
	dst, err := dir.Create(leaf, publicFile)
	if err != nil {
		return 0, err
	}
	hash := xxh3.New()
	n, err := io.CopyBuffer(io.MultiWriter(dst, hash), struct{ io.Reader }{src}, c.buf)
	if c.sums != nil && err == nil {
		c.sums.add(sumEntry{name: path.Clean(name), size: n, sum: hash.Sum128().Bytes(), known: true})
	}
	return n, errors.Join(err, dst.Close())
}
