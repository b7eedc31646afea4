// Package iosdb writes the databases of iOS applications, with the tables and
// columns that readers of backups look for. The facts come from public
// descriptions and readers of such databases; the words in them are invented.
package iosdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// DB is a database on its way from or to a phone. After the first mistake it
// does nothing more; Err, Compact and Close report it.
type DB struct {
	dir   string // scratch folder of its own
	conn  *sqlite3.Conn
	stmts map[string]*sqlite3.Stmt
	tidy  bool // the compacted copy is up to date
	err   error
}

// Create starts an empty database in a scratch folder below tmp.
func Create(ctx context.Context, tmp string) (*DB, error) { return Edit(ctx, tmp, nil) }

// Edit copies a database into a scratch folder below tmp and opens it there;
// a nil content starts an empty one.
func Edit(ctx context.Context, tmp string, content io.Reader) (*DB, error) {
	dir, err := os.MkdirTemp(tmp, "db-")
	if err != nil {
		return nil, err
	}
	db := &DB{dir: dir, stmts: make(map[string]*sqlite3.Stmt)}
	if err := db.open(ctx, content); err != nil {
		return nil, errors.Join(fmt.Errorf("opening a database: %w", err), db.Close())
	}
	return db, nil
}

func (db *DB) open(ctx context.Context, content io.Reader) error {
	f, err := os.Create(db.Live())
	if err != nil {
		return err
	}
	if content != nil {
		_, err = io.Copy(f, content)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if db.conn, err = sqlite3.OpenContext(ctx, db.Live()); err != nil {
		return err
	}
	db.conn.SetInterrupt(ctx)
	if err := db.conn.Exec(`
		PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;
		PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY`); err != nil {
		return err
	}
	return db.conn.Exec(`BEGIN`)
}

// Live is the path of the database as the phone has it open.
func (db *DB) Live() string { return filepath.Join(db.dir, "live.db") }

// Err is the first mistake, if any.
func (db *DB) Err() error { return db.err }

// Script runs several statements without parameters.
func (db *DB) Script(sql string) {
	db.tidy = false
	if db.err == nil {
		db.err = db.conn.Exec(sql)
	}
}

// Exec runs one statement. It keeps the statement prepared, so sql should be
// a constant.
func (db *DB) Exec(sql string, args ...any) {
	if stmt := db.bound(sql, args); stmt != nil {
		db.err = errors.Join(stmt.Exec(), stmt.Reset())
	}
}

// Insert runs an INSERT and returns the new row's number.
func (db *DB) Insert(sql string, args ...any) int64 {
	db.Exec(sql, args...)
	return db.conn.LastInsertRowID()
}

// Int asks for one number; no row is 0.
func (db *DB) Int(sql string, args ...any) (n int64) {
	db.Each(func(row *sqlite3.Stmt) { n = row.ColumnInt64(0) }, sql, args...)
	return n
}

// Each calls fn for every row of a query. fn must not use the database.
func (db *DB) Each(fn func(row *sqlite3.Stmt), sql string, args ...any) {
	stmt := db.bound(sql, args)
	if stmt == nil {
		return
	}
	for stmt.Step() {
		fn(stmt)
	}
	db.err = errors.Join(stmt.Err(), stmt.Reset())
}

// bound returns a statement ready to run, or nil after a mistake.
func (db *DB) bound(sql string, args []any) *sqlite3.Stmt {
	db.tidy = false
	if db.err != nil {
		return nil
	}
	stmt := db.stmts[sql]
	if stmt == nil {
		var err error
		if stmt, _, err = db.conn.Prepare(sql); err != nil {
			db.err = fmt.Errorf("%s: %w", sql, err)
			return nil
		}
		db.stmts[sql] = stmt
	}
	for i, arg := range args {
		if err := bind(stmt, i+1, arg); err != nil {
			db.err = fmt.Errorf("%s: value %d: %w", sql, i+1, err)
			return nil
		}
	}
	return stmt
}

func bind(stmt *sqlite3.Stmt, i int, arg any) error {
	switch v := arg.(type) {
	case nil:
		return stmt.BindNull(i)
	case bool:
		return stmt.BindBool(i, v)
	case int:
		return stmt.BindInt(i, v)
	case int64:
		return stmt.BindInt64(i, v)
	case float64:
		return stmt.BindFloat(i, v)
	case string:
		return stmt.BindText(i, v)
	case []byte:
		return stmt.BindBlob(i, v)
	}
	return fmt.Errorf("%T cannot be stored", arg)
}

// Flush writes what is pending to the live file and returns its size.
func (db *DB) Flush() (int64, error) {
	tidy := db.tidy
	db.Script(`COMMIT; BEGIN`)
	db.tidy = tidy
	if db.err != nil {
		return 0, db.err
	}
	info, err := os.Stat(db.Live())
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Compact writes a copy without free pages and with its tables in order, and
// returns its path. It is gone with Close.
func (db *DB) Compact() (string, error) {
	path := filepath.Join(db.dir, "compact.db")
	if db.tidy || db.err != nil {
		return path, db.err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	db.Script(`COMMIT`)
	db.Exec(`VACUUM INTO ?`, path)
	db.Script(`BEGIN`)
	db.tidy = true
	return path, db.err
}

// Close lets go of the database and deletes its scratch folder.
func (db *DB) Close() error {
	err := db.err
	for _, stmt := range db.stmts {
		err = errors.Join(err, stmt.Close())
	}
	if db.conn != nil {
		err = errors.Join(err, db.conn.Close())
	}
	return errors.Join(err, os.RemoveAll(db.dir))
}

// cocoaEpoch is where Core Data and most of iOS count from.
var cocoaEpoch = time.Date(2001, time.January, 1, 0, 0, 0, 0, time.UTC)

// Cocoa gives seconds since 2001.
func Cocoa(t time.Time) float64 { return float64(t.Sub(cocoaEpoch)/time.Microsecond) / 1e6 }

// CocoaSeconds gives whole seconds since 2001.
func CocoaSeconds(t time.Time) int64 { return int64(t.Sub(cocoaEpoch) / time.Second) }

// CocoaNanos gives nanoseconds since 2001, as the message database has them.
func CocoaNanos(t time.Time) int64 { return int64(t.Sub(cocoaEpoch)) }

// texts asks for a column of strings.
func (db *DB) texts(sql string, args ...any) (all []string) {
	db.Each(func(row *sqlite3.Stmt) { all = append(all, row.ColumnText(0)) }, sql, args...)
	return all
}
