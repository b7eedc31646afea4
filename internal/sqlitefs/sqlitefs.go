// Package sqlitefs reads SQLite databases that live in an fs.FS or behind an
// io.ReaderAt: inside a backup, decrypted on the fly, or in a file somebody
// else may own. It never writes beside the original, no -shm, no -wal, no
// journal, and it takes every database for a hostile one.
//
// Content that is still in a -wal is shown; SQLite itself would leave it out
// of an immutable database without a word (see Overlay).
package sqlitefs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs/readervfs"
)

const (
	// heapLimit bounds the memory one connection may take, whatever the
	// database makes it sort or build.
	heapLimit = 512 << 20
	// lengthLimit bounds one string or blob.
	lengthLimit = 256 << 20
)

// DB is an open database. One goroutine may use it at a time; queries may be
// nested.
type DB struct {
	conn    *sqlite3.Conn
	source  *source
	closers []io.Closer
}

// source hands SQLite the bytes and remembers why it could not: SQLite keeps
// no more of an error than that there was one.
type source struct {
	io.ReaderAt
	size int64
	err  error
}

func (s *source) Size() (int64, error) { return s.size, nil }

func (s *source) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.ReaderAt.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// Open opens the database in the first size bytes of r, which must not change
// while it is open. A -wal is not looked for: pass an Overlay to have one
// applied.
func Open(r io.ReaderAt, size int64) (*DB, error) {
	if _, ok := r.(*Overlay); !ok {
		// Also a database without a -wal needs its header patched: SQLite
		// will not read one in WAL mode without a place for the -shm.
		o, err := NewOverlay(r, size, nil, 0)
		if err != nil {
			return nil, err
		}
		r, size = o, o.Size()
	}
	src := &source{ReaderAt: r, size: size}
	// The name is registered for the moment of opening only.
	name := rand.Text()
	readervfs.Create(name, src)
	defer readervfs.Delete(name)
	conn, err := sqlite3.OpenFlags("file:"+name+"?vfs=reader", sqlite3.OPEN_READONLY|sqlite3.OPEN_URI)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db := &DB{conn: conn, source: src}
	if err := db.harden(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// OpenFS opens a database file of fsys, with the committed part of the -wal
// beside it if there is one. The files must implement io.ReaderAt.
func OpenFS(fsys fs.FS, name string) (*DB, error) {
	main, size, err := openAt(fsys, name)
	if err != nil {
		return nil, err
	}
	closers := []io.Closer{main}
	var wal io.ReaderAt
	w, walSize, err := openAt(fsys, name+"-wal")
	switch {
	case err == nil:
		closers = append(closers, w)
		wal = w
	case !errors.Is(err, fs.ErrNotExist):
		return nil, errors.Join(err, closeAll(closers))
	}
	overlay, err := NewOverlay(main, size, wal, walSize)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read database %q: %w", name, err), closeAll(closers))
	}
	db, err := Open(overlay, overlay.Size())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("database %q: %w", name, err), closeAll(closers))
	}
	db.closers = closers
	return db, nil
}

// file is what a database's file must be able to do.
type file interface {
	fs.File
	io.ReaderAt
}

func openAt(fsys fs.FS, name string) (file, int64, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	at, ok := f.(file)
	if !ok || !info.Mode().IsRegular() {
		return nil, 0, errors.Join(fmt.Errorf("database %q cannot be read at random", name), f.Close())
	}
	return at, info.Size(), nil
}

func closeAll(closers []io.Closer) error {
	var err error
	for _, c := range closers {
		err = errors.Join(err, c.Close())
	}
	return err
}

// harden takes away what a hostile schema could use: views and triggers that
// run on a plain SELECT, functions with side effects, cells that point out of
// their page, memory without end. Sorting stays in memory, because temporary
// files would hold what was encrypted in the clear.
func (db *DB) harden() error {
	c := db.conn
	c.HardHeapLimit(heapLimit)
	c.Limit(sqlite3.LIMIT_LENGTH, lengthLimit)
	c.Limit(sqlite3.LIMIT_ATTACHED, 0)
	for op, on := range map[sqlite3.DBConfig]bool{
		sqlite3.DBCONFIG_DEFENSIVE:      true,
		sqlite3.DBCONFIG_TRUSTED_SCHEMA: false,
		sqlite3.DBCONFIG_ENABLE_TRIGGER: false,
		sqlite3.DBCONFIG_ENABLE_VIEW:    false,
	} {
		if _, err := c.Config(op, on); err != nil {
			return fmt.Errorf("harden database connection: %w", err)
		}
	}
	err := c.Exec("PRAGMA query_only=on; PRAGMA cell_size_check=on; PRAGMA temp_store=memory; PRAGMA mmap_size=0")
	return db.explain("read database", err)
}

// Create makes a new database file for writing; the file must not exist, or
// be empty. There is no journal: a program that dies leaves a broken file.
func Create(path string) (*DB, error) {
	conn, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE)
	if err != nil {
		return nil, fmt.Errorf("create database: %w", err)
	}
	db := &DB{conn: conn, source: &source{}}
	if err := db.Exec("PRAGMA journal_mode=off; PRAGMA synchronous=off; PRAGMA temp_store=memory"); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Close closes the database and what was opened for it.
func (db *DB) Close() error {
	return errors.Join(db.conn.Close(), closeAll(db.closers))
}

// Exec runs statements that give no rows.
func (db *DB) Exec(sql string) error {
	return db.explain("run statement", db.conn.Exec(sql))
}

// Check runs SQLite's own check, the whole one or the quick one (which leaves
// out the indexes), and returns what it found wrong, at most 20 findings.
func (db *DB) Check(ctx context.Context, quick bool) ([]string, error) {
	pragma := "PRAGMA integrity_check(20)"
	if quick {
		pragma = "PRAGMA quick_check(20)"
	}
	var findings []string
	for row, err := range db.Rows(ctx, pragma) {
		if err != nil {
			return findings, err
		}
		if s := row.Text(0); s != "ok" {
			findings = append(findings, s)
		}
	}
	return findings, nil
}

// explain adds the reason a read failed, which SQLite does not pass on.
func (db *DB) explain(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case db.source.err != nil:
		return fmt.Errorf("%s: %w: %w", doing, err, db.source.err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// IsDamaged reports whether an error means that the bytes are no sound
// database, as opposed to a cancelled or mistaken query.
func IsDamaged(err error) bool {
	return errors.Is(err, sqlite3.CORRUPT) || errors.Is(err, sqlite3.NOTADB) || errors.Is(err, ErrHeader) || errors.Is(err, ErrWAL)
}
