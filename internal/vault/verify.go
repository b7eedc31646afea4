package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime"
	"sync"
	"time"

	"russet"
	"russet/internal/facts"
	"russet/internal/vault/depot"
	"russet/mobilesync/keybag"
)

// Verify checks one backup and changes nothing in the vault. That every byte of
// it was good, and when, this computer remembers.
func (s *Store) Verify(ctx context.Context, id russet.BackupID, opts russet.VerifyOptions) (russet.VerifyReport, error) {
	doing := fmt.Sprintf("verify the backup %s", id)
	v, err := s.find(ctx, id, doing)
	if err != nil {
		return russet.VerifyReport{}, err
	}
	in := &inspection{ctx: ctx, s: s, v: v, full: opts.Full, progress: opts.Progress}
	in.report.Full, in.report.Problems, in.report.Notes = opts.Full, []russet.Problem{}, []string{}
	if v.rec.Locked && opts.Passwords != nil { // else the vault has the keys
		if in.password, err = opts.Passwords(ctx, v.rec.Device); err != nil {
			return russet.VerifyReport{}, err
		}
	}
	if v.problem != "" {
		in.problem("", "%s", v.problem)
	} else if err := in.run(); err != nil {
		return russet.VerifyReport{}, s.explain(err, doing)
	}
	if opts.Full && len(in.report.Problems) == 0 {
		s.remember(v)
	}
	in.report.Backup = v.backup(s.opts.Name)
	return in.report, nil
}

const verifiedDir = "verified"

// remember notes that a backup was good.
func (s *Store) remember(v *version) {
	t := now()
	v.rec.Verified = &t
	err := s.dir.MkdirAll(verifiedDir, private)
	if err == nil {
		err = s.dir.Replace(verifiedDir+"/"+string(v.rec.ID), []byte(t.Format(time.RFC3339)), privateFile)
	}
	if err != nil {
		s.log.Warn("that a backup was verified could not be noted", "backup", v.rec.ID, "err", err)
	}
}

// verified is when this computer found every byte of a backup good; nil if
// never.
func (s *Store) verified(id russet.BackupID) *time.Time {
	data, err := s.dir.ReadFile(verifiedDir+"/"+string(id), 64)
	if err != nil {
		return nil
	}
	t, err := time.Parse(time.RFC3339, string(data))
	if err != nil {
		return nil
	}
	return &t
}

// inspection looks at one version.
type inspection struct {
	ctx      context.Context
	s        *Store
	v        *version
	tree     *tree
	from     *depot.Depot // the storage itself
	full     bool
	password string // of the backup, where the vault has no keys; "" if it is not known
	progress func(done, total int64)

	mu     sync.Mutex // for what follows
	report russet.VerifyReport
	bad    map[string]bool // names of files that are not what they were
	done   int64
	odd    int // sealed files that are not encrypted as the others are
	shut   int // and those that no key opens
}

func (in *inspection) problem(path, format string, args ...any) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.report.Problems = append(in.report.Problems, russet.Problem{Path: path, What: fmt.Sprintf(format, args...)})
}

func (in *inspection) note(format string, args ...any) {
	in.report.Notes = append(in.report.Notes, fmt.Sprintf(format, args...))
}

func (in *inspection) run() error {
	in.bad = map[string]bool{}
	return in.s.depot.Straight(in.ctx, in.look)
}

func (in *inspection) look(from *depot.Depot) error {
	in.from = from
	in.tree = openTree(in.ctx, from, in.v.Root, in.v.rec.Time)
	if err := in.files(); err != nil {
		return err
	}
	if err := in.ownCopies(); err != nil {
		return err
	}
	return in.manifest()
}

// files looks at every file of the tree, in full on several cores.
func (in *inspection) files() error {
	lost, err := lost(in.ctx, in.from)
	if err != nil {
		return err
	}
	work := make(chan *entry, 64)
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 4) {
		group.Go(func() {
			for e := range work {
				in.file(e, lost)
			}
		})
	}
	err = in.walk(".", work)
	close(work)
	group.Wait()
	if err := in.ctx.Err(); err != nil {
		return err
	}
	return err
}

func (in *inspection) walk(dir string, work chan<- *entry) error {
	f, err := in.tree.folder(dir)
	if err != nil {
		if in.ctx.Err() != nil {
			return in.ctx.Err()
		}
		in.problem(dir, "the folder cannot be read: %v", err)
		return nil
	}
	for _, it := range f.items {
		if it.dir {
			if err := in.walk(path.Join(dir, it.name), work); err != nil {
				return err
			}
			continue
		}
		select {
		case work <- it.entry:
		case <-in.ctx.Done():
			return in.ctx.Err()
		}
	}
	return nil
}

// title is how the owner knows a file.
func (e *entry) title() string {
	if e.Domain != "" {
		return e.Domain + "/" + e.Path
	}
	return e.Name
}

func (in *inspection) file(e *entry, lost map[string]bool) {
	err := present(in.ctx, in.from, e.id, lost)
	if err == nil && in.full {
		err = reread(in.ctx, in.from, e, in.count)
	} else {
		in.count(e.Stored)
	}
	if err != nil && in.ctx.Err() == nil {
		in.problem(e.title(), "%v", err)
		in.mu.Lock()
		in.bad[e.Name] = true
		in.mu.Unlock()
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.report.Bytes += e.Stored
	if facts.IsPayload(e.Name) {
		in.report.Files++
	}
}

func (in *inspection) count(n int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.done += n
	if in.progress != nil {
		in.progress(in.done, in.v.rec.Size)
	}
}

// lost lists the contents whose packs are not there, or too short.
func lost(ctx context.Context, from *depot.Depot) (map[string]bool, error) {
	bad, err := from.VerifyContents(ctx, 0, nil)
	if err != nil {
		return nil, err
	}
	lost := map[string]bool{}
	for _, b := range bad {
		lost[b.ID] = true
	}
	return lost, nil
}

// present is nil when all chunks of an object are there.
func (s *Store) present(ctx context.Context, id depot.ID, lost map[string]bool) error {
	return present(ctx, s.depot, id, lost)
}

func present(ctx context.Context, from *depot.Depot, id depot.ID, lost map[string]bool) error {
	has, err := from.Has(ctx, id)
	if err != nil {
		return err
	}
	if !has {
		return errors.New("a part of it is not in the vault any more")
	}
	if len(lost) == 0 {
		return nil
	}
	parts, err := from.ContentsOf(ctx, id)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if lost[p] {
			return errors.New("a part of it is lost: its pack is not in the vault, or cut off")
		}
	}
	return nil
}

// reread reads a file and compares content and stored form with their
// checksums.
func (s *Store) reread(ctx context.Context, e *entry, count func(int64)) error {
	return s.depot.Straight(ctx, func(from *depot.Depot) error { return reread(ctx, from, e, count) })
}

func reread(ctx context.Context, from *depot.Depot, e *entry, count func(int64)) error {
	r, err := from.Reader(ctx, e.id)
	if err != nil {
		return err
	}
	defer r.Close()
	content, stored := sha256.New(), sha256.New()
	var out io.Writer = content
	enc := io.WriteCloser(nil)
	if e.Rebuild == rebuildCBC {
		enc = keybag.EncryptWriter(stored, *e.Key.key)
		out = io.MultiWriter(content, enc)
	}
	in := io.NewSectionReader(r, 0, e.Size)
	buf := make([]byte, copyBuffer)
	left := e.Stored
	for {
		n, err := in.Read(buf)
		out.Write(buf[:n]) //nolint:errcheck // hashes do not fail
		count(min(int64(n), left))
		left -= min(int64(n), left)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	count(left)
	if c := e.content(); !bytes.Equal(content.Sum(nil), c[:]) {
		return errChecksum
	}
	if enc != nil {
		if err := enc.Close(); err != nil {
			return err
		}
		if !bytes.Equal(stored.Sum(nil), e.Sum[:]) {
			return fmt.Errorf("encrypted again, %w", errChecksum)
		}
	}
	return nil
}

// ownCopies looks at the second copies of the manifests.
func (in *inspection) ownCopies() error {
	list, err := copies(in.ctx, in.from, in.v)
	if err != nil {
		in.problem("", "russet's own part cannot be read: %v", err)
		return in.ctx.Err()
	}
	for name, id := range list {
		it, err := in.tree.lookup(name)
		if err != nil || it.entry == nil {
			continue // named already
		}
		second := *it.entry
		second.id = id
		if err := reread(in.ctx, in.from, &second, func(int64) {}); err != nil {
			if in.ctx.Err() != nil {
				return in.ctx.Err()
			}
			in.problem(name, "its second copy: %v", err)
		}
	}
	if in.full {
		return in.ownFiles()
	}
	return nil
}

// ownFiles reads what is there for those who find the backup without russet.
func (in *inspection) ownFiles() error {
	own, err := below(in.ctx, in.from, in.v.Root, ownDir)
	var entries []depot.Entry
	if err == nil {
		entries, err = in.from.ReadDir(in.ctx, own)
	}
	for _, e := range entries {
		if e.Dir {
			continue
		}
		r, err := in.from.Reader(in.ctx, e.ID)
		if err == nil {
			_, err = io.Copy(io.Discard, io.NewSectionReader(r, 0, r.Size()))
			err = errors.Join(err, r.Close())
		}
		if err != nil && in.ctx.Err() == nil {
			in.problem(ownDir+"/"+e.Name, "%v", err)
		}
	}
	if err != nil && in.ctx.Err() == nil {
		in.problem(ownDir, "%v", err)
	}
	return in.ctx.Err()
}

// below finds a folder in a folder.
func below(ctx context.Context, from *depot.Depot, dir depot.ID, name string) (depot.ID, error) {
	entries, err := from.ReadDir(ctx, dir)
	if err != nil {
		return "", err
	}
	e := find(entries, name)
	if e == nil || !e.Dir {
		return "", fmt.Errorf("%w: there is no %s", errIndex, name)
	}
	return e.ID, nil
}

// copies finds the second copies of the manifests in a version.
func (s *Store) copies(ctx context.Context, v *version) (map[string]depot.ID, error) {
	return copies(ctx, s.depot, v)
}

func copies(ctx context.Context, from *depot.Depot, v *version) (map[string]depot.ID, error) {
	id := v.Root
	for _, name := range []string{ownDir, manifestDir} {
		var err error
		if id, err = below(ctx, from, id, name); err != nil {
			return nil, err
		}
	}
	entries, err := from.ReadDir(ctx, id)
	list := map[string]depot.ID{}
	for _, e := range entries {
		list[e.Name] = e.ID
	}
	return list, err
}
