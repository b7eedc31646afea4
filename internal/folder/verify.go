package folder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"russet"
	"russet/internal/durable"
	"russet/internal/facts"
	"russet/mobilesync"
)

// Verify checks one backup. It changes nothing in it; that every byte of it
// was good, and when, is remembered where that is possible.
func (s *Store) Verify(ctx context.Context, id russet.BackupID, opts russet.VerifyOptions) (russet.VerifyReport, error) {
	doing := fmt.Sprintf("verify the backup %s", id)
	f, err := s.find(ctx, id, doing)
	if err != nil {
		return russet.VerifyReport{}, err
	}
	in := &inspection{s: s, rec: f.rec, full: opts.Full, level: mobilesync.CheckLength, pass: opts.Passwords, progress: opts.Progress}
	in.report.Full, in.report.Problems, in.report.Notes = opts.Full, []russet.Problem{}, []string{}
	if opts.Full {
		in.level = mobilesync.CheckDatabases
	}
	if f.facts.Problem != "" {
		in.problem("", "%s", f.facts.Problem)
	}
	if in.dir, err = s.dir.Sub(f.folder); err == nil {
		err = errors.Join(in.run(ctx), in.dir.Close())
	}
	if err != nil {
		return russet.VerifyReport{}, fmt.Errorf("%s: %w", doing, err)
	}
	if opts.Full && len(in.report.Problems) == 0 && f.stored {
		s.remember(f.rec)
	}
	in.report.Backup = f.backup(s.opts.Name)
	return in.report, nil
}

func (s *Store) remember(rec *record) {
	now := time.Now().UTC().Truncate(time.Second)
	rec.Verified = &now
	if s.readOnly != nil {
		return
	}
	if err := s.saveRecord(rec); err != nil {
		s.log.Warn("that a backup was verified could not be recorded", "backup", rec.ID, "err", err)
	}
}

// inspection looks at one backup's folder.
type inspection struct {
	s        *Store
	dir      *durable.Dir
	rec      *record
	full     bool // read every byte
	level    mobilesync.Level
	pass     russet.Passwords
	progress func(done, total int64)
	report   russet.VerifyReport
	bad      []sumEntry // files that are missing or not what they were, with what they were
	unknown  int        // files without a checksum
	extra    int        // files that are not in the list
	buf      []byte
}

func (in *inspection) problem(path, format string, args ...any) {
	in.report.Problems = append(in.report.Problems, russet.Problem{Path: path, What: fmt.Sprintf(format, args...)})
}

func (in *inspection) note(format string, args ...any) {
	in.report.Notes = append(in.report.Notes, fmt.Sprintf(format, args...))
}

func (in *inspection) run(ctx context.Context) error {
	if err := in.files(ctx); err != nil {
		return err
	}
	return in.manifest(ctx)
}

// files compares what is in the folder with the list of what was received.
func (in *inspection) files(ctx context.Context) error {
	sums, err := openSums(in.s.dir, sumsFile(in.rec.ID))
	switch {
	case errors.Is(err, errSums):
		in.problem("", "%v", err)
	case err != nil:
		return err
	case sums == nil:
		in.note("russet did not make this backup and has no checksums of it")
	default:
		defer sums.close() //nolint:errcheck // it was only read
		sums.skip = in.missing
	}
	err = walkDisk(ctx, in.dir.FS(), func(name string, info fs.FileInfo) error {
		return in.file(ctx, name, info, sums)
	})
	if err = errors.Join(err, sums.drain()); err != nil {
		return err
	}
	if in.extra > 0 {
		in.note("%d files were put there by other programs", in.extra)
	}
	if sums != nil && in.unknown > in.extra {
		in.note("%d files were carried over from a backup of another program: there is no checksum of them", in.unknown-in.extra)
	}
	return nil
}

func (in *inspection) missing(e sumEntry) {
	if e.regular() {
		in.problem(e.name, "is missing")
		in.bad = append(in.bad, e)
	}
}

func (in *inspection) file(ctx context.Context, name string, info fs.FileInfo, sums *sumsReader) error {
	in.report.Files++
	in.report.Bytes += info.Size()
	want, listed := sums.seek(name)
	if sums != nil && (!listed || !want.regular()) {
		in.extra++
	}
	listed = listed && want.regular()
	if listed && want.size != info.Size() {
		in.problem(name, "has %d bytes, %d were received", info.Size(), want.size)
		in.bad = append(in.bad, want)
		return nil
	}
	if !listed || !want.known {
		in.unknown++
	}
	if !in.full {
		return nil
	}
	sum, err := in.hash(ctx, name)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		in.problem(name, "cannot be read: %v", err)
		in.bad = append(in.bad, want)
	case listed && want.known && sum != want.sum:
		in.problem(name, "is damaged: its bytes are not those that were received")
		in.bad = append(in.bad, want)
	}
	if in.progress != nil {
		in.progress(in.report.Bytes, max(in.rec.Size, in.report.Bytes))
	}
	return nil
}

func (in *inspection) hash(ctx context.Context, name string) (sum [16]byte, err error) {
	f, err := in.dir.Open(name)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	if in.buf == nil {
		in.buf = make([]byte, 256<<10)
	}
	_, sum, err = hashFile(readerOf(ctx, f), in.buf)
	return sum, err
}

// contextReader ends with its context: files have gigabytes.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func readerOf(ctx context.Context, r io.Reader) io.Reader { return contextReader{ctx, r} }

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// manifest compares the folder with its own manifest, as deep as the level
// says and the password allows.
func (in *inspection) manifest(ctx context.Context) error {
	b, err := facts.OpenBackup(ctx, in.dir.FS(), in.rec.Device, in.pass, nil, false)
	if russet.KindOf(err) == russet.Damaged || errors.Is(err, mobilesync.ErrLegacy) {
		in.problem("", "%v", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer b.Close()
	done, err := b.Check(ctx, in.level, in.found)
	if errors.Is(err, mobilesync.ErrDamaged) {
		in.problem(facts.ManifestDB, "%v", err)
		return nil
	}
	if err != nil {
		return err
	}
	if b.Locked() {
		in.note("the backup's password is not known: nothing could be decrypted")
	}
	if done.Orphans > 0 {
		in.note("%d stored files are not in the manifest: harmless leftovers", done.Orphans)
	}
	if done.Dataless > 0 {
		in.note("of %d files the device had no content (it is in iCloud)", done.Dataless)
	}
	return nil
}

func (in *inspection) found(p mobilesync.Problem) {
	if p.Harmless() {
		return
	}
	name := p.Domain
	if p.Path != "" {
		name += "/" + p.Path
	}
	in.problem(name, "%s: %s", p.Kind, p.Detail)
}

// check looks at a copy before it becomes a backup: everything is read back,
// and every file of the manifest is there.
func (in *incoming) check(ctx context.Context, rec *record, pass russet.Passwords) error {
	look := &inspection{s: in.s, dir: in.dir, rec: rec, full: true, level: mobilesync.CheckExistence, pass: pass}
	if err := look.run(ctx); err != nil {
		return err
	}
	if n := len(look.report.Problems); n > 0 {
		p := look.report.Problems[0]
		return damaged("%s %s (the first of %d problems)", p.Path, p.What, n)
	}
	return nil
}
