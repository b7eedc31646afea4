package vault

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime"
	"sync"
	"time"

	"russet"
	"russet/internal/facts"
	"russet/internal/overlay"
	"russet/internal/vault/depot"
	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

// Import takes a finished backup from elsewhere as a version. One that the vault
// has already is returned as it is. The source is not touched.
func (s *Store) Import(ctx context.Context, fsys fs.FS, opts russet.ImportOptions) (russet.Backup, error) {
	const doing = "import a backup"
	b, err := s.importBackup(ctx, fsys, opts)
	if err == nil {
		return b, nil
	}
	if e, ok := errors.AsType[*russet.Error](err); ok {
		e.Doing = doing
		return russet.Backup{}, e
	}
	return russet.Backup{}, s.explain(err, doing)
}

func (s *Store) importBackup(ctx context.Context, fsys fs.FS, opts russet.ImportOptions) (russet.Backup, error) {
	v, err := describe(fsys, opts)
	if err != nil {
		return russet.Backup{}, err
	}
	all, err := s.versions(ctx)
	if err != nil {
		return russet.Backup{}, err
	}
	for _, have := range all {
		if have.problem == "" && have.rec.Device == v.rec.Device && (have.rec.ID == v.rec.ID || have.rec.Fingerprint == v.rec.Fingerprint) {
			return have.backup(s.opts.Name), nil
		}
	}
	h, err := s.held(ctx, fsys, all, v)
	if err != nil {
		return russet.Backup{}, err
	}
	var b russet.Backup
	err = s.change(ctx, "import", func(w *session) error {
		label := newLabel()
		if b, err = s.fill(ctx, w, h, fsys, v, label, opts); err != nil {
			s.withdraw(ctx, label)
		}
		return err
	})
	return b, errors.Join(err, h.close())
}

// describe finds out what is to be imported, and refuses what is not finished.
func describe(fsys fs.FS, opts russet.ImportOptions) (*version, error) {
	f, device, id, err := facts.Importable(fsys, opts.ID)
	if err != nil {
		return nil, err
	}
	v := &version{}
	v.rec = record{
		ID: id, Device: device, Fingerprint: f.Fingerprint, Name: f.Name, IOS: f.IOS, Time: f.Time.UTC(),
		Encrypted: f.Encrypted, Archived: opts.Archived, Note: opts.Note, Imported: true,
	}
	return v, nil
}

// fill copies a backup into the vault and looks whether it is whole.
func (s *Store) fill(ctx context.Context, w *session, h *held, fsys fs.FS, v *version, label string, opts russet.ImportOptions) (russet.Backup, error) {
	b, err := facts.OpenBackup(ctx, fsys, v.rec.Device, opts.Passwords, nil, false)
	if err != nil {
		return russet.Backup{}, err
	}
	defer b.Close()
	from := &folderArrivals{fsys: fsys, held: h, progress: opts.Progress, done: map[string]kept{}}
	c := &builder{ctx: ctx, s: s, w: w, start: time.Now().UTC(), from: from, b: b, v: v, keys: b.Keys(), label: label}
	if h.base != nil {
		c.partial = []depot.Entry{{Name: ownDir, Dir: true, ID: h.base.root}}
	}
	root, err := c.build()
	if err != nil {
		return russet.Backup{}, err
	}
	if err := w.Flush(ctx); err != nil {
		return russet.Backup{}, err
	}
	v.rec.Added = w.Uploaded()
	v.Path, v.Start, v.End = "/"+string(v.rec.Device), c.start, time.Now().UTC()
	v.Root, v.RootSize, v.Files, v.Dirs = root.ID, root.Size, root.Files, root.Dirs
	if err := h.whole(ctx, v); err != nil {
		return russet.Backup{}, err
	}
	if err := v.mark(); err != nil {
		return russet.Backup{}, err
	}
	if err := s.release(ctx, w, c.label); err != nil {
		return russet.Backup{}, err
	}
	return v.backup(s.opts.Name), w.SaveVersion(ctx, &v.Version)
}

// folderArrivals are the files of a folder that is imported.
type folderArrivals struct {
	fsys     fs.FS
	held     *held
	progress func(files int, bytes int64)
	done     map[string]kept // files of the folder of payloads that is next

	mu    sync.Mutex // for the counts
	files int
	bytes int64
}

// kept is a file that has been stowed.
type kept struct {
	stowed
	stored int64
	key    *keybag.Key
}

func (a *folderArrivals) list(name string) ([]overlay.Item, error) {
	entries, err := fs.ReadDir(a.fsys, path.Join(".", name))
	if err != nil {
		return nil, err
	}
	var items []overlay.Item
	for _, e := range entries {
		if e.IsDir() || e.Type().IsRegular() { // a backup has no links; what others put there stays there
			items = append(items, overlay.Item{Name: e.Name(), Folder: e.IsDir()})
		}
	}
	return items, nil
}

// ready stows the files of a folder on several cores.
func (a *folderArrivals) ready(c *builder, name string, items []overlay.Item, rows []mobilesync.Record) error {
	byName := map[string]*mobilesync.Record{}
	for i := range rows {
		byName[rows[i].ID.String()] = &rows[i]
	}
	clear(a.done)
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		first error
	)
	work := make(chan string)
	for range min(runtime.GOMAXPROCS(0), 4) {
		group.Go(func() {
			for leaf := range work {
				k, err := a.stow(c, name+"/"+leaf, byName[leaf])
				mu.Lock()
				if a.done[leaf] = k; err != nil && first == nil {
					first = err
				}
				mu.Unlock()
			}
		})
	}
	for _, it := range items {
		mu.Lock()
		failed := first != nil
		mu.Unlock()
		if it.Folder || failed || c.ctx.Err() != nil {
			break
		}
		work <- it.Name
	}
	close(work)
	group.Wait()
	return errors.Join(first, c.ctx.Err())
}

// keyed is implemented by the files of a vault, which know their keys although
// nobody knows the password.
type keyed interface {
	FileKey() (keybag.Key, bool)
	// StoredSum is the SHA-256 of the stored form that was taken when it came.
	StoredSum() [sha256.Size]byte
	// Why is why it is kept as it came; "" if it is not, or nobody knows.
	Why() string
}

func keyFrom(f fs.File) *keybag.Key {
	if known, ok := f.(keyed); ok {
		if key, ok := known.FileKey(); ok {
			return &key
		}
	}
	return nil
}

// stowFrom is stow for a file of another folder or vault. Of the latter the
// content is at hand, and need not be encrypted to be decrypted; and it is known
// what it has to be.
func (w *session) stowFrom(ctx context.Context, f fs.File, src source, key *keybag.Key, path string) (stowed, error) {
	var want *sum
	if known, ok := f.(keyed); ok {
		want = new(sum(known.StoredSum()))
	}
	if p, ok := f.(mobilesync.Plain); ok && key != nil && want != nil {
		if content, size, cond, known := p.Plain(); known && cond == mobilesync.Whole && padded(size) == src.Size() {
			s, err := w.stowKnown(ctx, io.NewSectionReader(marked{content}, 0, size), *key, *want, path)
			if !errors.Is(err, errNotExact) {
				return s, err
			}
		}
	}
	return w.stow(ctx, src, key, want, path)
}

func (a *folderArrivals) stow(c *builder, name string, row *mobilesync.Record) (k kept, err error) {
	if k, ok := a.held.take(c, name); ok {
		a.count(k.stored, facts.IsPayload(name))
		return k, nil
	}
	f, err := a.fsys.Open(name)
	if err != nil {
		return k, err
	}
	src, err := sourceOf(f)
	if err != nil {
		return k, errors.Join(err, f.Close())
	}
	defer src.Close()
	var why string
	if k.key = keyFrom(f); k.key == nil && row != nil {
		k.key, why = keyOf(row, c.keys)
	}
	if known, ok := f.(keyed); ok && c.keys == nil && known.Why() != "" {
		why = known.Why()
	}
	k.stored = src.Size()
	if k.stowed, err = c.w.stowFrom(c.ctx, f, src, k.key, pathOf(row)); err != nil {
		return k, fmt.Errorf("keep %q: %w", name, notAsStored(name, err))
	}
	if k.why == "" && !k.cbc {
		k.why = why
	}
	k.settle(row)
	if row != nil && len(row.Digest) > 0 {
		err = checkDigest(c.ctx, src, row)
	}
	a.count(k.stored, facts.IsPayload(name))
	return k, err
}

func pathOf(row *mobilesync.Record) string {
	if row == nil {
		return ""
	}
	return row.Path
}

func (a *folderArrivals) count(bytes int64, payload bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bytes += bytes
	if payload {
		a.files++
	}
	if a.progress != nil {
		a.progress(a.files, a.bytes)
	}
}

func (a *folderArrivals) file(c *builder, name string, it overlay.Item, row *mobilesync.Record) (entry, error) {
	e := entry{Name: name}
	if row != nil {
		e.Domain, e.Path = row.Domain, row.Path
	}
	if name == facts.ManifestDB || name == facts.ManifestPlist {
		f, err := a.fsys.Open(name)
		if err != nil {
			return e, err
		}
		src, err := sourceOf(f)
		if err != nil {
			return e, errors.Join(err, f.Close())
		}
		e.Stored = src.Size()
		a.count(e.Stored, false)
		e, err = c.manifest(e, f, src, nil)
		return e, errors.Join(notAsStored(name, err), src.Close())
	}
	k, ok := a.done[it.Name]
	if !isPayloadDir(path.Dir(name)) || !ok {
		var err error
		if k, err = a.stow(c, name, row); err != nil {
			return e, err
		}
	}
	e.Stored = k.stored
	e.take(&k.stowed, k.key)
	return e, nil
}

// sourceOf makes a source of an open file of a backup's folder.
func sourceOf(f fs.File) (source, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: info.Name(), Err: errors.New("not a regular file")}
	}
	at, ok := f.(io.ReaderAt)
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: info.Name(), Err: errors.New("it cannot be read at random")}
	}
	return &opened{marked{at}, f, info.Size()}, nil
}

type opened struct {
	marked
	file fs.File
	size int64
}

func (o *opened) Size() int64  { return o.size }
func (o *opened) Close() error { return o.file.Close() }
