package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"russet"
	"russet/internal/durable"
)

// Got is what a get brought.
type Got struct {
	Path    string           `json:"path"` // where it lies now
	Files   int              `json:"files"`
	Bytes   int64            `json:"bytes"`
	Renamed int              `json:"renamed"` // names this system could not store as they were
	Skipped []russet.Problem `json:"skipped"` // what was not brought, and why
	Damaged int              `json:"damaged"` // how many of these are damaged
}

// Get copies a file or folder out of a backup to dest. When dest is a folder
// it goes into it. Nothing is overwritten. Names this system cannot store are
// changed, times are kept.
func (h *Host) Get(ctx context.Context, which Which, name, dest string, progress func(Moved)) (got Got, err error) {
	view, err := h.openWhich(ctx, which)
	if err != nil {
		return Got{}, err
	}
	defer closeInto(&err, view)
	name, err = inside(name)
	if err != nil {
		return Got{}, err
	}
	fsys, err := view.files(ctx)
	if err != nil {
		return Got{}, err
	}
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return Got{}, view.explain(err, name)
	}
	dir, base, err := target(dest, path.Base(name))
	if err != nil {
		return Got{}, err
	}
	to, err := durable.Open(dir, nil)
	if err != nil {
		return Got{}, err
	}
	defer closeInto(&err, to)
	g := &getter{ctx: ctx, view: view, fsys: fsys, to: to, progress: progress, used: map[string]bool{}}
	g.Path = filepath.Join(dir, base)
	g.Skipped = []russet.Problem{}
	if info.IsDir() {
		err = g.folder(name, base)
	} else {
		err = g.file(name, base)
	}
	return g.Got, err
}

// Cat writes one file of a backup to w.
func (h *Host) Cat(ctx context.Context, which Which, name string, w io.Writer) (err error) {
	view, err := h.openWhich(ctx, which)
	if err != nil {
		return err
	}
	defer closeInto(&err, view)
	if name, err = inside(name); err != nil {
		return err
	}
	fsys, err := view.files(ctx)
	if err != nil {
		return err
	}
	f, err := fsys.Open(name)
	if err != nil {
		return view.explain(err, name)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return &russet.Error{Kind: russet.Usage, What: fmt.Sprintf("%q is a folder", name), Hint: "name a folder to put it into instead of -"}
	}
	if _, err = io.Copy(w, contextReader{ctx, f}); err != nil {
		return fmt.Errorf("read %q: %w", name, err)
	}
	return nil
}

// inside makes a name of the file system out of what a person typed.
func inside(name string) (string, error) {
	name = path.Clean(strings.Trim(name, "/"))
	if name == "" {
		name = "."
	}
	if !fs.ValidPath(name) {
		return "", &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("%q is not a path inside a backup", name),
			Hint: `paths begin with a domain, for example HomeDomain/Library; "russet ls" lists them`,
		}
	}
	return name, nil
}

// target decides where a copy goes: into dest when that is a folder, else to
// that name. What exists is never overwritten.
func target(dest, base string) (dir, name string, err error) {
	if base == "." {
		base = "backup"
	}
	into := strings.HasSuffix(dest, "/") || strings.HasSuffix(dest, string(filepath.Separator))
	if info, err := os.Stat(dest); err == nil && info.IsDir() {
		into = true
	}
	dir, name = filepath.Dir(dest), filepath.Base(dest)
	if into {
		dir, name = dest, localName(base, runtime.GOOS)
	}
	if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
		return "", "", &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("%s exists already", filepath.Join(dir, name)),
			Hint: "name another place; nothing was changed",
		}
	}
	return dir, name, os.MkdirAll(dir, 0o755)
}

// getter copies a tree out of a backup.
type getter struct {
	Got
	ctx      context.Context
	view     *view
	fsys     fs.FS
	to       *durable.Dir
	progress func(Moved)
	used     map[string]bool // names made, without their case: some file systems do not see it
}

// folder copies a folder with all that is in it.
func (g *getter) folder(from, to string) error {
	if err := g.to.Mkdir(to, 0o755); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	entries, err := fs.ReadDir(g.fsys, from)
	if err != nil {
		return g.view.explain(err, from)
	}
	for _, e := range entries {
		if g.ctx.Err() != nil {
			return context.Cause(g.ctx)
		}
		src := path.Join(from, e.Name())
		dst := to + "/" + g.unique(to, e.Name())
		switch {
		case e.IsDir():
			err = g.folder(src, dst)
		case e.Type().IsRegular():
			err = g.file(src, dst)
		default:
			g.Skipped = append(g.Skipped, russet.Problem{Path: src, What: "a link; links are not copied"})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unique is a local name that nothing in the folder has yet.
func (g *getter) unique(folder, name string) string {
	local := localName(name, runtime.GOOS)
	if local != name {
		g.Renamed++
	}
	candidate := local
	for n := 2; g.used[strings.ToLower(folder+"/"+candidate)]; n++ {
		ext := path.Ext(local)
		candidate = fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(local, ext), n, ext)
	}
	if candidate != local {
		g.Renamed++
	}
	g.used[strings.ToLower(folder+"/"+candidate)] = true
	return candidate
}

// file copies one file. One that is damaged is named and passed over; what
// goes wrong on our own disk ends everything.
func (g *getter) file(from, to string) error {
	src, err := g.fsys.Open(from)
	if err != nil {
		g.damaged(from, err)
		return nil
	}
	defer src.Close()
	dst, err := g.to.Create(to, 0o644)
	if err != nil {
		return fmt.Errorf("write the copy: %w", err)
	}
	source := &failingReader{r: contextReader{g.ctx, src}}
	n, err := io.Copy(dst, source)
	if err = errors.Join(err, dst.Close()); err != nil {
		err = errors.Join(err, g.to.Remove(to))
		if source.failed && g.ctx.Err() == nil {
			g.damaged(from, err)
			return nil
		}
		return fmt.Errorf("copy %q: %w", from, err)
	}
	if info, err := src.Stat(); err == nil && info.ModTime().After(time.Unix(0, 0)) {
		if err := g.to.Chtimes(to, info.ModTime()); err != nil {
			return fmt.Errorf("keep the time of %q: %w", from, err)
		}
	}
	g.Files++
	g.Bytes += n
	if g.progress != nil {
		g.progress(Moved{Files: g.Files, Bytes: g.Bytes})
	}
	return nil
}

func (g *getter) damaged(name string, err error) {
	g.Skipped = append(g.Skipped, russet.Problem{Path: name, What: err.Error()})
	g.Damaged++
}

// failingReader remembers that it was the source that failed.
type failingReader struct {
	r      io.Reader
	failed bool
}

func (f *failingReader) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.failed = true
	}
	return n, err
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
