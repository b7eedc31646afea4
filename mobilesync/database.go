package mobilesync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"russet/internal/sqlitefs"
	"russet/mobilesync/keybag"
)

// database is the open file Manifest.db. Encrypted, it is decrypted page by
// page as SQLite asks: a plain copy would hold, besides everything else, a
// hash of the password made in a single round.
type database struct {
	file      fs.File
	bytes     io.ReaderAt
	size      int64
	encrypted bool
	known     bool // its keeper has decrypted it
}

// sqliteHeader begins every SQLite database.
const sqliteHeader = "SQLite format 3\x00"

func openDatabase(fsys fs.FS) (*database, error) {
	f, err := fsys.Open(databaseName)
	if err != nil {
		return nil, missing(fsys, databaseName, err)
	}
	d := &database{file: f}
	if err := d.inspect(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", databaseName, err), f.Close())
	}
	return d, nil
}

func (d *database) inspect() error {
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	d.size = info.Size()
	if p, ok := d.file.(Plain); ok {
		if content, size, _, known := p.Plain(); known {
			d.bytes, d.size, d.known = content, size, true
		}
	}
	if d.bytes == nil {
		if d.bytes, err = randomAccess(d.file); err != nil {
			return err
		}
	}
	var head [len(sqliteHeader)]byte
	if n, err := d.bytes.ReadAt(head[:], 0); n < len(head) {
		return fmt.Errorf("%w: %d bytes (%w)", ErrDamaged, n, err)
	}
	d.encrypted = string(head[:]) != sqliteHeader
	return nil
}

func (d *database) decrypt(manifestKey []byte, keys *keybag.Unlocked) error {
	key, err := keys.FileKey(manifestKey)
	if err != nil {
		return fmt.Errorf("%w: key of %s: %w", ErrDamaged, databaseName, err)
	}
	plain, err := keybag.NewFile(d.bytes, d.size, key)
	if err != nil {
		return fmt.Errorf("%s: %w", databaseName, err)
	}
	if plain.Form() == keybag.Truncated {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, databaseName, keybag.ErrTruncated)
	}
	d.bytes, d.size = plain, plain.Size()
	return nil
}

// connect opens a connection of its own for one user at a time.
func (d *database) connect(ctx context.Context) (*sqlitefs.DB, error) {
	db, err := sqlitefs.Open(d.bytes, d.size)
	if err != nil {
		return nil, damagedIf(err)
	}
	found := false
	for row, err := range db.Rows(ctx, "SELECT type FROM sqlite_schema WHERE name = 'Files'") {
		if err != nil {
			return nil, errors.Join(damagedIf(err), db.Close())
		}
		found = row.Text(0) == "table"
	}
	if !found {
		return nil, errors.Join(fmt.Errorf("%w: %s has no table of files", ErrDamaged, databaseName), db.Close())
	}
	return db, nil
}

func (d *database) Close() error { return d.file.Close() }

// damagedIf marks an error of Manifest.db that is about its bytes.
func damagedIf(err error) error {
	switch {
	case err == nil:
		return nil
	case sqlitefs.IsDamaged(err):
		return fmt.Errorf("%w: %s: %w", ErrDamaged, databaseName, err)
	}
	return fmt.Errorf("%s: %w", databaseName, err)
}

const selectRecords = "SELECT fileID, domain, relativePath, flags, file FROM Files"

// Records lists all rows in no particular order. A row that cannot be used
// comes as a *RowError, after which the list goes on; any other error ends it.
func (b *Backup) Records(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if b.source == nil {
			yield(Record{}, b.closed())
			return
		}
		db, err := b.source.connect(ctx)
		if err != nil {
			yield(Record{}, err)
			return
		}
		stopped := scanRecords(ctx, db, yield, selectRecords)
		if err := db.Close(); err != nil && !stopped {
			yield(Record{}, fmt.Errorf("%s: %w", databaseName, err))
		}
	}
}

// closed says why Manifest.db is not open.
func (b *Backup) closed() error {
	if b.locked {
		return ErrEncrypted
	}
	return fs.ErrClosed
}

// scanRecords reports whether the consumer has had enough.
func scanRecords(ctx context.Context, db *sqlitefs.DB, yield func(Record, error) bool, query string, args ...any) (stopped bool) {
	domains := make(interner)
	for row, err := range db.Rows(ctx, query, args...) {
		if err != nil {
			return !yield(Record{}, damagedIf(err))
		}
		if !yield(readRecord(row, domains)) {
			return true
		}
	}
	return false
}

// interner keeps one copy of each domain, of which there are a thousand in a
// million rows.
type interner map[string]string

func (in interner) string(b []byte) string {
	if s, ok := in[string(b)]; ok {
		return s
	}
	s := string(b)
	if in != nil {
		in[s] = s
	}
	return s
}

// readRecord reads a row of selectRecords.
func readRecord(row sqlitefs.Row, domains interner) (r Record, err error) {
	fail := func(err error) (Record, error) {
		return Record{}, &RowError{row.Text(0), row.Text(1), row.Text(2), err}
	}
	switch nullDomain, nullFile := row.Null(1), row.Null(4); {
	case nullDomain && nullFile, nullFile && row.Int(3)&^kindMask != 0:
		return fail(errPlaceholder)
	case nullDomain, nullFile:
		return fail(errNull)
	}
	if r.ID, err = parseFileID(row.RawText(0)); err != nil {
		return fail(err)
	}
	r.Flags = row.Int(3)
	switch r.Kind = Kind(r.Flags & kindMask); r.Kind {
	case File, Dir, Symlink:
	default:
		return fail(fmt.Errorf("%w: flags %d", errKind, r.Flags))
	}
	r.Domain, r.Path = domains.string(row.RawText(1)), row.Text(2)
	a, err := openArchive(row.Blob(4))
	if err != nil {
		return fail(err)
	}
	path := a.fill(&r.MBFile)
	if r.RelativePath = r.Path; string(path) != r.Path {
		r.RelativePath = string(path)
	}
	r.ownBytes()
	return r, nil
}

// ByID returns the record of a file ID. The error is fs.ErrNotExist if there
// is none, a *RowError if it cannot be used.
func (b *Backup) ByID(ctx context.Context, id FileID) (Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byID == nil {
		return Record{}, b.closed()
	}
	for row, err := range b.byID.Rows(ctx, id.String()) {
		if err != nil {
			return Record{}, damagedIf(err)
		}
		return readRecord(row, nil)
	}
	return Record{}, fmt.Errorf("record %v: %w", id, fs.ErrNotExist)
}

// Lookup returns the record of a path in a domain, as ByID does.
func (b *Backup) Lookup(ctx context.Context, domain, path string) (Record, error) {
	return b.ByID(ctx, FileIDOf(domain, path))
}
