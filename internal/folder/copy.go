package folder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

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
	held     *held       // nil when nothing is there already
	done     copied
}

// copy copies a folder: files and folders, nothing else. progress may be nil.
func (in *incoming) copy(ctx context.Context, from fs.FS, progress func(int, int64)) (copied, error) {
	return in.copyWith(ctx, from, nil, nil, progress)
}

func (in *incoming) copyWith(ctx context.Context, from fs.FS, h *held, sums *sumsWriter, progress func(int, int64)) (copied, error) {
	if progress == nil {
		progress = func(int, int64) {}
	}
	c := &copier{
		ctx: ctx, in: in, from: from, progress: progress, to: folders{root: in.dir, make: true},
		buf: make([]byte, 256<<10), sums: sums, held: h, noClone: sums != nil,
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
	dir, leaf, err := c.to.in(name)
	if err != nil {
		return err
	}
	size, when, taken, err := c.take(name, dir, leaf)
	if err == nil && !taken {
		size, when, err = c.read(name, dir, leaf)
	}
	if err != nil {
		return err
	}
	if facts.IsPayload(name) {
		c.done.files++
	}
	c.done.size += size
	c.progress(c.done.files, c.done.size)
	return dir.Chtimes(leaf, when)
}

// read copies a file from where it comes from.
func (c *copier) read(name string, dir *durable.Dir, leaf string) (size int64, when time.Time, err error) {
	src, err := c.from.Open(name)
	if err != nil {
		return 0, when, err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return 0, when, err
	}
	if c.clone(src, dir, leaf) {
		return info.Size(), info.ModTime(), nil
	}
	size, sum, err := c.bytes(src, dir, leaf)
	if c.sums != nil && err == nil {
		c.sums.add(sumEntry{name: path.Clean(name), size: size, sum: sum, known: true})
	}
	return size, info.ModTime(), err
}

// clone shares the blocks of a file; false where that cannot be.
func (c *copier) clone(src fs.File, dir *durable.Dir, leaf string) bool {
	if c.noClone {
		return false
	}
	c.noClone = !c.share(src, dir, leaf)
	return !c.noClone
}

// share is clone without a memory.
func (c *copier) share(src fs.File, dir *durable.Dir, leaf string) bool {
	f, ok := src.(*os.File)
	return ok && dir.CloneFrom(f, leaf, publicFile) == nil
}

// bytes copies what a reader gives, and takes the checksum of it; others see it
// too.
func (c *copier) bytes(src io.Reader, dir *durable.Dir, leaf string, more ...io.Writer) (n int64, sum [16]byte, err error) {
	dst, err := dir.Create(leaf, publicFile)
	if err != nil {
		return 0, sum, err
	}
	hash := xxh3.New()
	n, err = io.CopyBuffer(io.MultiWriter(append(more, dst, hash)...), struct{ io.Reader }{src}, c.buf)
	return n, hash.Sum128().Bytes(), errors.Join(err, dst.Close())
}
