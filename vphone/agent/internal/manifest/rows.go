package manifest

import (
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"
)

// Order is how rows are walked.
type Order string

// The orders rows can be had in.
const (
	AsWritten Order = ""
	ByPath    Order = " ORDER BY domain, relativePath" // parents before children
)

// Each calls fn for every row of a kind; 0 is every kind. Rows without domain
// or archive are marks of an unfinished run and are left out.
func (db *DB) Each(kind int, order Order, fn func(*Row) error) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	where := "1"
	if kind != 0 {
		where = fmt.Sprintf("flags & %d = %d", kindMask, kind)
	}
	s, _, err := db.conn.Prepare("SELECT fileID, domain, relativePath, flags, file FROM Files WHERE " + where +
		" AND domain IS NOT NULL AND file IS NOT NULL" + string(order))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer s.Close()
	var r Row
	for s.Step() {
		r.ID, r.Domain, r.Path = s.ColumnText(0), s.ColumnText(1), s.ColumnText(2)
		r.Kind = s.ColumnInt(3) & kindMask
		r.Blob = s.ColumnRawBlob(4)
		if !validID(r.ID) || len(r.Blob) > maxBlob {
			return fmt.Errorf("%w: a row named %.60q with %d bytes", ErrDamaged, r.ID, len(r.Blob))
		}
		if err := fn(&r); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// Files returns the IDs of the files whose name begins with two hex digits, in
// order.
func (db *DB) Files(shard string) ([]string, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.shard == nil {
		stmt, _, err := db.conn.Prepare("SELECT fileID FROM Files WHERE fileID >= ? AND fileID < ? AND flags & 7 = 1 ORDER BY fileID")
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		db.shard = stmt
	}
	s := db.shard
	// "g" sorts after every hex digit.
	if err := errors.Join(s.BindText(1, shard), s.BindText(2, shard+"g")); err != nil {
		return nil, fmt.Errorf("reading Manifest.db: %w", err)
	}
	var ids []string
	for s.Step() {
		if id := s.ColumnText(0); validID(id) {
			ids = append(ids, id)
		}
	}
	if err := errors.Join(s.Err(), s.Reset()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return ids, nil
}

// Unseen returns the IDs and kinds of all rows that are not in a set of row
// numbers.
func (db *DB) Unseen(seen *Set) (files, others []string, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	s, _, err := db.conn.Prepare("SELECT rowid, fileID, flags FROM Files")
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer s.Close()
	for s.Step() {
		switch {
		case seen.Has(s.ColumnInt64(0)):
		case s.ColumnInt(2)&kindMask == KindFile:
			files = append(files, s.ColumnText(1))
		default:
			others = append(others, s.ColumnText(1))
		}
	}
	if err := s.Err(); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return files, others, nil
}

// Count returns how many rows there are.
func (db *DB) Count() (int64, error) { return db.number("SELECT count(*) FROM Files") }

func (db *DB) number(query string) (int64, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	var s *sqlite3.Stmt
	s, _, err := db.conn.Prepare(query)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer s.Close()
	var n int64
	if s.Step() {
		n = s.ColumnInt64(0)
	}
	if err := s.Err(); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return n, nil
}

// Set is a set of row numbers: a bit for each.
type Set struct {
	bits []uint64
	last int64
}

// maxRows bounds what a stranger's row numbers make the phone allocate. The
// largest phone seen had 1.3 million rows.
const maxRows = 1 << 26

// NewSet makes a set for the rows the database holds now. Rows written later
// count as members.
func (db *DB) NewSet() (*Set, error) {
	last, err := db.number("SELECT coalesce(max(rowid), 0) FROM Files")
	if err != nil {
		return nil, err
	}
	if last < 0 || last > maxRows {
		return nil, fmt.Errorf("%w: row number %d", ErrDamaged, last)
	}
	return &Set{bits: make([]uint64, last/64+1), last: last}, nil
}

// Add puts a row into the set.
func (s *Set) Add(row int64) {
	if row >= 0 && row <= s.last {
		s.bits[row/64] |= 1 << (row % 64)
	}
}

// Has says whether a row is in the set.
func (s *Set) Has(row int64) bool {
	return row > s.last || row >= 0 && s.bits[row/64]&(1<<(row%64)) != 0
}
