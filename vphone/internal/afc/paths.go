package afc

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// name takes a path off the parameters and makes it relative to the folder.
// The folder itself holds symbolic links and what else climbs; ".." is refused
// here, as a host has no use for it.
func (s *server) name(a *args) string {
	text := a.text()
	if slices.Contains(strings.Split(text, "/"), "..") {
		a.bad = true
		return "."
	}
	if name := strings.TrimPrefix(path.Clean("/"+text), "/"); name != "" {
		return name
	}
	return "."
}

// statusOf puts an error into AFC's words.
func statusOf(err error) error {
	if status, ok := errors.AsType[Status](err); ok {
		return status
	}
	switch {
	case errors.Is(err, syscall.ENOTEMPTY):
		return StatusNotEmpty
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return StatusNotFound
	case errors.Is(err, fs.ErrExist):
		return StatusExists
	case errors.Is(err, fs.ErrPermission):
		return StatusPermission
	case errors.Is(err, syscall.EISDIR):
		return StatusIsDir
	case errors.Is(err, syscall.EINVAL), errors.Is(err, fs.ErrInvalid), errors.Is(err, syscall.EBADF):
		return StatusArgument
	case errors.Is(err, syscall.ENOSPC):
		return StatusNoSpace
	}
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return StatusIO
	}
	return StatusPermission // os.Root refuses what leaves it with words of its own
}

func (s *server) readDir(a *args) ([]byte, error) {
	name := s.name(a)
	if a.bad {
		return nil, StatusArgument
	}
	dir, err := s.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	return pairs(append([]string{".", ".."}, names...)...), nil
}

func (s *server) fileInfo(a *args) ([]byte, error) {
	name := s.name(a)
	if a.bad {
		return nil, StatusArgument
	}
	info, err := s.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	kind, links := "S_IFREG", "1"
	switch mode := info.Mode(); {
	case mode.IsDir():
		kind, links = "S_IFDIR", "2"
	case mode&fs.ModeSymlink != 0:
		kind = "S_IFLNK"
	case mode&fs.ModeNamedPipe != 0:
		kind = "S_IFIFO"
	case mode&fs.ModeSocket != 0:
		kind = "S_IFSOCK"
	}
	modified := strconv.FormatInt(info.ModTime().UnixNano(), 10)
	words := []string{
		"st_size", strconv.FormatInt(info.Size(), 10),
		"st_blocks", strconv.FormatInt((info.Size()+4095)/4096*8, 10),
		"st_nlink", links, "st_ifmt", kind,
		"st_mtime", modified, "st_birthtime", modified,
	}
	if kind == "S_IFLNK" {
		target, err := s.root.Readlink(name)
		if err != nil {
			return nil, err
		}
		words = append(words, "LinkTarget", target)
	}
	return pairs(words...), nil
}

// onPath does the operations that change the folder.
func (s *server) onPath(op uint64, a *args) error {
	switch op {
	case opRename:
		from, to := s.name(a), s.name(a)
		if a.bad {
			return StatusArgument
		}
		return s.root.Rename(from, to)
	case opMakeLink:
		return s.makeLink(a)
	case opTruncate, opSetModTime:
		return s.change(op, a.number(), a)
	case opRemove, opMakeDir, opRemoveWithAll:
		return s.change(op, 0, a)
	}
	return StatusUnknown
}

func (s *server) change(op, n uint64, a *args) error {
	name := s.name(a)
	if a.bad {
		return StatusArgument
	}
	switch op {
	case opMakeDir:
		return s.root.MkdirAll(name, 0o700)
	case opSetModTime:
		t := time.Unix(0, int64(n))
		return s.root.Chtimes(name, t, t)
	case opTruncate:
		f, err := s.root.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(truncate(f, n), f.Close())
	}
	if name == "." {
		return StatusPermission
	}
	if op == opRemove {
		return s.root.Remove(name)
	}
	if _, err := s.root.Lstat(name); err != nil {
		return err
	}
	return s.root.RemoveAll(name)
}

// truncate bounds the size: a sparse file of exabytes helps nobody.
func truncate(f interface{ Truncate(int64) error }, size uint64) error {
	if size > math.MaxInt32<<10 {
		return StatusNoSpace
	}
	return f.Truncate(int64(size))
}

// makeLink keeps a symbolic link's target as it is: it may point anywhere,
// and nothing follows it out of the folder.
func (s *server) makeLink(a *args) error {
	kind, target := a.number(), a.text()
	name := s.name(a)
	if a.bad {
		return StatusArgument
	}
	switch kind {
	case 1:
		from := s.name(&args{rest: []byte(target + "\x00")})
		return s.root.Link(from, name)
	case 2:
		return s.root.Symlink(target, name)
	}
	return StatusArgument
}
