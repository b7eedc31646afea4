package mobilesync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"russet/internal/sqlitefs"
)

// Level says how deep a check goes; each includes those before it.
type Level int

// The levels of a check.
const (
	// CheckStructure: the property lists parse, the backup is finished,
	// Manifest.db is sound and its rows can be used.
	CheckStructure Level = 1 + iota
	// CheckExistence: each file's row has its stored file; stored files
	// without a row are named.
	CheckExistence
	// CheckLength: encrypted files are whole blocks long.
	CheckLength
	// CheckPadding: every key opens, every file's padding is right. That
	// finds truncation and wrong keys by reading 16 bytes of each file.
	CheckPadding
	// CheckDigest: every byte is read, and compared with the digests of the
	// domains that have them. Most files have none: only a hash taken when
	// they were received can prove those.
	CheckDigest
	// CheckDatabases: SQLite's own check of the databases among the files.
	CheckDatabases
)

// ProblemKind sorts what a check finds.
type ProblemKind string

// The kinds of problem.
const (
	ProblemStatus        ProblemKind = "status"        // Status.plist is missing or says unfinished
	ProblemManifest      ProblemKind = "manifest"      // SQLite finds Manifest.db damaged
	ProblemRow           ProblemKind = "row"           // a row cannot be used
	ProblemMissing       ProblemKind = "missing"       // a file's stored bytes are not there
	ProblemOrphan        ProblemKind = "orphan"        // stored bytes without a row: harmless leftovers
	ProblemTruncated     ProblemKind = "truncated"     // cut off
	ProblemUnpadded      ProblemKind = "unpadded"      // another program's work, or damage at the end
	ProblemForeign       ProblemKind = "not encrypted" // another program's work
	ProblemUndecryptable ProblemKind = "undecryptable"
	ProblemUnreadable    ProblemKind = "unreadable" // an error of the disk
	ProblemDigest        ProblemKind = "digest"     // the bytes are not those the device sent
	ProblemDatabase      ProblemKind = "database"   // SQLite finds a database damaged
)

// Problem is one thing a check found. A zero ID means that it concerns no
// file.
type Problem struct {
	Kind         ProblemKind
	ID           FileID
	Domain, Path string
	Detail       string
}

// Harmless reports whether nothing is lost by it.
func (p Problem) Harmless() bool { return p.Kind == ProblemOrphan }

// CheckSummary is what a check has seen.
type CheckSummary struct {
	Reached            Level // lower than asked for in a locked backup
	Files, Dirs, Links int
	Stored             int64 // bytes in the stored files of rows
	Dataless           int   // files whose content the device did not have
	Databases          int   // databases SQLite checked
	Problems           int   // reported, without orphans
	Orphans            int
}

// Check verifies the backup as far as level says and reports what is wrong.
// It changes nothing. The error is for what keeps it from checking: the end
// of ctx, or a Manifest.db that cannot be read to its end.
func (b *Backup) Check(ctx context.Context, level Level, report func(Problem)) (CheckSummary, error) {
	c := &checker{b: b, ctx: ctx, level: level, report: report}
	if b.locked {
		c.level = min(level, CheckLength)
	}
	if b.source == nil {
		c.level = CheckStructure
	}
	c.sum.Reached = c.level
	if err := c.structure(); err != nil || b.source == nil {
		return c.sum, err
	}
	if err := c.rows(); err != nil {
		return c.sum, err
	}
	if c.level >= CheckExistence {
		return c.sum, c.folders()
	}
	return c.sum, nil
}

// CheckFile does for one file what Check does for all, from CheckPadding up.
func (b *Backup) CheckFile(ctx context.Context, r *Record, level Level, report func(Problem)) error {
	c := &checker{b: b, ctx: ctx, level: level, report: report}
	if _, err := fs.Stat(b.fsys, r.ID.Name()); err != nil {
		c.about(r, ProblemMissing, "%v", err)
		return nil
	}
	return c.file(r)
}

type checker struct {
	b      *Backup
	ctx    context.Context
	level  Level
	report func(Problem)
	sum    CheckSummary
	stored []storedFile
}

// storedFile is a file that a row says is stored.
type storedFile struct {
	id          FileID
	keyed, seen bool
}

func (c *checker) found(p Problem) {
	if p.Harmless() {
		c.sum.Orphans++
	} else {
		c.sum.Problems++
	}
	c.report(p)
}

func (c *checker) about(r *Record, kind ProblemKind, format string, args ...any) {
	c.found(Problem{kind, r.ID, r.Domain, r.Path, fmt.Sprintf(format, args...)})
}

func (c *checker) structure() error {
	if !c.b.status.Finished() {
		c.found(Problem{Kind: ProblemStatus, Detail: fmt.Sprintf("snapshot state is %q", c.b.status.SnapshotState)})
	}
	if c.b.source == nil {
		return nil
	}
	db, err := c.b.source.connect(c.ctx)
	if err != nil {
		return err
	}
	findings, err := db.Check(c.ctx, true)
	if err = errors.Join(err, db.Close()); sqlitefs.IsDamaged(err) {
		findings, err = append(findings, err.Error()), nil
	}
	for _, f := range findings {
		c.found(Problem{Kind: ProblemManifest, Detail: f})
	}
	return err
}

// rows reads Manifest.db once.
func (c *checker) rows() error {
	for r, err := range c.b.Records(c.ctx) {
		if errors.Is(err, errPlaceholder) {
			continue
		}
		if bad, ok := errors.AsType[*RowError](err); ok {
			id, _ := ParseFileID(bad.FileID)
			c.found(Problem{ProblemRow, id, bad.Domain, bad.Path, bad.Err.Error()})
			continue
		}
		if err != nil {
			return err
		}
		if FileIDOf(r.Domain, r.Path) != r.ID {
			c.about(&r, ProblemRow, "the ID is not that of domain and path")
		}
		switch r.Kind {
		case Dir:
			c.sum.Dirs++
		case Symlink:
			c.sum.Links++
		case File:
			c.sum.Files++
			c.stored = append(c.stored, storedFile{id: r.ID, keyed: len(r.EncryptionKey) > 0})
			if err := c.file(&r); err != nil {
				return err
			}
		}
	}
	return c.ctx.Err()
}

// folders compares the stored files with the rows.
func (c *checker) folders() error {
	slices.SortFunc(c.stored, func(a, b storedFile) int { return bytes.Compare(a.id[:], b.id[:]) })
	for i := range 256 {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		name := fmt.Sprintf("%02x", i)
		entries, err := fs.ReadDir(c.b.fsys, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.found(Problem{Kind: ProblemUnreadable, Detail: err.Error()})
			continue
		}
		for _, e := range entries {
			c.entry(name, e)
		}
	}
	for i := range c.stored {
		if !c.stored[i].seen {
			c.lost(c.stored[i].id, ProblemMissing, "no stored file")
		}
	}
	return nil
}

func (c *checker) entry(dir string, e fs.DirEntry) {
	id, err := ParseFileID(e.Name())
	i, found := slices.BinarySearchFunc(c.stored, id, func(s storedFile, id FileID) int { return bytes.Compare(s.id[:], id[:]) })
	if err != nil || !found || id.Name() != dir+"/"+e.Name() {
		c.found(Problem{Kind: ProblemOrphan, ID: id, Detail: dir + "/" + e.Name()})
		return
	}
	s := &c.stored[i]
	s.seen = true
	info, err := e.Info()
	switch {
	case err != nil:
		c.lost(id, ProblemUnreadable, "%v", err)
		return
	case !info.Mode().IsRegular():
		c.lost(id, ProblemUnreadable, "stored as %v", info.Mode())
		return
	}
	c.sum.Stored += info.Size()
	if c.level == CheckLength && s.keyed && info.Size()%16 != 0 {
		c.lost(id, ProblemTruncated, "%d bytes are not whole blocks", info.Size())
	}
}

// lost reports a problem of a file of which only the ID is at hand.
func (c *checker) lost(id FileID, kind ProblemKind, format string, args ...any) {
	r, err := c.b.ByID(c.ctx, id)
	if err != nil {
		r.ID = id
	}
	c.about(&r, kind, format, args...)
}
