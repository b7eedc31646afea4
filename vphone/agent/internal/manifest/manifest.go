// Package manifest writes and reads the index of a backup: Manifest.db with a
// row for each file, directory and link, and the two property lists beside it.
package manifest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/ncruces/go-sqlite3"
)

// Kinds of rows, the low three bits of flags.
const (
	KindFile    = 1
	KindDir     = 2
	KindSymlink = 4
	kindMask    = 7
)

// IDSize is the length of a file ID: SHA-1 in hex.
const IDSize = 40

// maxBlob is the largest file archive that is read: a phone's are below 2 KiB,
// a link or an extended attribute may make one longer.
const maxBlob = 1 << 20

// ErrDamaged is wrapped by the errors of a Manifest.db that is not one.
var ErrDamaged = errors.New("damaged Manifest.db")

// Row is one row of the Files table.
type Row struct {
	ID     string
	Domain string
	Path   string
	Kind   int
	Blob   []byte // an MBFile archive; only valid until the next row
}

const (
	schema = `
PRAGMA page_size = 4096;
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -65536;
PRAGMA user_version = 2;
CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB);
CREATE TABLE Properties (key TEXT PRIMARY KEY, value BLOB);`

	settings = `
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -65536;
PRAGMA query_only = OFF;
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;`

	// Made last: filling an index that exists costs three times as much.
	indexes = `
CREATE INDEX IF NOT EXISTS FilesDomainIdx ON Files(domain);
CREATE INDEX IF NOT EXISTS FilesRelativePathIdx ON Files(relativePath);
CREATE INDEX IF NOT EXISTS FilesFlagsIdx ON Files(flags);`
)

// DB is a Manifest.db being written or read. Its methods may be called from
// several goroutines, but not while a range over rows runs.
type DB struct {
	mu     sync.Mutex
	conn   *sqlite3.Conn
	insert *sqlite3.Stmt
	find   *sqlite3.Stmt
	shard  *sqlite3.Stmt
	inTx   bool
}

// Create makes an empty Manifest.db.
func Create(path string) (*DB, error) {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("making room for a new Manifest.db: %w", err)
		}
	}
	conn, err := sqlite3.Open(path)
	if err != nil {
		return nil, fmt.Errorf("creating Manifest.db: %w", err)
	}
	if err := conn.Exec(schema); err != nil {
		return nil, errors.Join(fmt.Errorf("creating Manifest.db: %w", err), conn.Close())
	}
	return &DB{conn: conn}, nil
}

// Open opens a Manifest.db for reading and changing. It may be a stranger's.
func Open(path string) (*DB, error) {
	conn, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READWRITE)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	db := &DB{conn: conn}
	if err := db.check(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return db, nil
}

func (db *DB) check() error {
	if err := db.conn.Exec(settings); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	for _, column := range []string{"fileID", "domain", "relativePath", "flags", "file"} {
		if _, _, _, _, _, err := db.conn.TableColumnMetadata("main", "Files", column); err != nil {
			return fmt.Errorf("%w: the Files table: %w", ErrDamaged, err)
		}
	}
	return nil
}

// Close gives the database back without committing.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.close()
}

func (db *DB) close() error {
	if db.conn == nil {
		return nil
	}
	conn := db.conn
	var errs []error
	for _, stmt := range []*sqlite3.Stmt{db.insert, db.find, db.shard} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	db.conn, db.insert, db.find, db.shard = nil, nil, nil, nil
	if err := errors.Join(append(errs, conn.Close())...); err != nil {
		return fmt.Errorf("closing Manifest.db: %w", err)
	}
	return nil
}

// begin opens a transaction if none is open.
func (db *DB) begin() error {
	if db.inTx {
		return nil
	}
	if err := db.conn.Exec("BEGIN"); err != nil {
		return fmt.Errorf("changing Manifest.db: %w", err)
	}
	db.inTx = true
	return nil
}

// Put inserts or replaces a row.
func (db *DB) Put(r *Row) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := db.begin(); err != nil {
		return err
	}
	if db.insert == nil {
		stmt, _, err := db.conn.Prepare("INSERT OR REPLACE INTO Files VALUES (?,?,?,?,?)")
		if err != nil {
			return fmt.Errorf("writing Manifest.db: %w", err)
		}
		db.insert = stmt
	}
	s := db.insert
	err := errors.Join(s.BindText(1, r.ID), s.BindText(2, r.Domain), s.BindText(3, r.Path),
		s.BindInt(4, r.Kind), s.BindBlob(5, r.Blob), s.Exec())
	if err != nil {
		return fmt.Errorf("writing the row of %q: %w", r.ID, err)
	}
	return nil
}

// Find returns a row's archive, appended to buf, and its number; ok is false
// when there is no such row.
func (db *DB) Find(id string, buf []byte) (blob []byte, rowid int64, ok bool, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.find == nil {
		stmt, _, err := db.conn.Prepare("SELECT rowid, file FROM Files WHERE fileID = ? AND length(file) <= ?")
		if err != nil {
			return nil, 0, false, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		db.find = stmt
	}
	s := db.find
	if err := errors.Join(s.BindText(1, id), s.BindInt(2, maxBlob)); err != nil {
		return nil, 0, false, fmt.Errorf("looking %q up: %w", id, err)
	}
	if s.Step() {
		rowid, blob, ok = s.ColumnInt64(0), s.ColumnBlob(1, buf), true
	}
	if err := errors.Join(s.Err(), s.Reset()); err != nil {
		return nil, 0, false, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return blob, rowid, ok, nil
}

// Delete removes rows by their ID.
func (db *DB) Delete(ids []string) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := db.begin(); err != nil {
		return err
	}
	s, _, err := db.conn.Prepare("DELETE FROM Files WHERE fileID = ?")
	if err != nil {
		return fmt.Errorf("removing rows of Manifest.db: %w", err)
	}
	defer s.Close()
	for _, id := range ids {
		if err := errors.Join(s.BindText(1, id), s.Exec()); err != nil {
			return fmt.Errorf("removing the row of %q: %w", id, err)
		}
	}
	return nil
}

// SetProperty writes one entry of the Properties table.
func (db *DB) SetProperty(key string, value []byte) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := db.begin(); err != nil {
		return err
	}
	s, _, err := db.conn.Prepare("INSERT OR REPLACE INTO Properties VALUES (?,?)")
	if err != nil {
		return fmt.Errorf("writing a property of Manifest.db: %w", err)
	}
	defer s.Close()
	if err := errors.Join(s.BindText(1, key), s.BindBlob(2, value), s.Exec()); err != nil {
		return fmt.Errorf("writing a property of Manifest.db: %w", err)
	}
	return nil
}

// Commit makes what was written so far survive the process.
func (db *DB) Commit() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if !db.inTx {
		return nil
	}
	if err := db.conn.Exec("COMMIT"); err != nil {
		return fmt.Errorf("committing Manifest.db: %w", err)
	}
	db.inTx = false
	return nil
}

// Finish makes the indexes and leaves one file, as it is uploaded: with a
// header that says WAL and no -wal beside it. It closes the database.
func (db *DB) Finish() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	script := indexes
	if db.inTx {
		script += "COMMIT;"
	}
	if err := db.conn.Exec(script + "PRAGMA journal_mode = WAL; PRAGMA wal_checkpoint(TRUNCATE);"); err != nil {
		return errors.Join(fmt.Errorf("finishing Manifest.db: %w", err), db.close())
	}
	db.inTx = false
	return db.close()
}

// validID says whether a file ID can be a name in a backup folder.
func validID(id string) bool {
	if len(id) != IDSize {
		return false
	}
	_, err := hex.DecodeString(id)
	return err == nil
}
