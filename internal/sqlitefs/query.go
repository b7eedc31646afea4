package sqlitefs

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/ncruces/go-sqlite3"
)

// Stmt is a prepared statement.
type Stmt struct {
	db   *DB
	stmt *sqlite3.Stmt
}

// Row is the row a query stands at. It is valid until the next one.
type Row struct{ stmt *sqlite3.Stmt }

// Prepare compiles one statement.
func (db *DB) Prepare(query string) (*Stmt, error) {
	stmt, _, err := db.conn.Prepare(query)
	if err != nil {
		return nil, db.explain("prepare query", err)
	}
	return &Stmt{db, stmt}, nil
}

// Close frees the statement.
func (s *Stmt) Close() error { return s.stmt.Close() }

// Rows runs the query. Arguments are strings, []byte, int, int64 or nil. An
// error ends the sequence; a cancelled ctx is returned as its own error.
func (s *Stmt) Rows(ctx context.Context, args ...any) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if err := s.bind(args); err != nil {
			yield(Row{}, err)
			return
		}
		conn := s.db.conn
		outer := conn.SetInterrupt(ctx)
		defer func() {
			conn.SetInterrupt(outer)
			// Reset repeats the error of the last step, which has been told.
			_ = s.stmt.Reset()
		}()
		for s.stmt.Step() {
			if !yield(Row{s.stmt}, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Row{}, err)
		} else if err := s.stmt.Err(); err != nil {
			yield(Row{}, s.db.explain("run query", err))
		}
	}
}

// Run runs a statement that gives no rows.
func (s *Stmt) Run(ctx context.Context, args ...any) error {
	for _, err := range s.Rows(ctx, args...) {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Stmt) bind(args []any) error {
	for i, arg := range args {
		var err error
		switch v := arg.(type) {
		case string:
			err = s.stmt.BindText(i+1, v)
		case []byte:
			err = s.stmt.BindBlob(i+1, v)
		case int:
			err = s.stmt.BindInt(i+1, v)
		case int64:
			err = s.stmt.BindInt64(i+1, v)
		case nil:
			err = s.stmt.BindNull(i + 1)
		default:
			err = fmt.Errorf("no such argument type: %T", v)
		}
		if err != nil {
			return s.db.explain("bind query", err)
		}
	}
	return nil
}

// Rows prepares and runs a query once.
func (db *DB) Rows(ctx context.Context, query string, args ...any) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		stmt, err := db.Prepare(query)
		if err != nil {
			yield(Row{}, err)
			return
		}
		stopped := false
		for row, err := range stmt.Rows(ctx, args...) {
			if stopped = !yield(row, err); stopped || err != nil {
				break
			}
		}
		if err := stmt.Close(); err != nil && !stopped {
			yield(Row{}, errors.Join(errors.New("close query"), err))
		}
	}
}

// Null reports whether the column is NULL.
func (r Row) Null(col int) bool { return r.stmt.ColumnType(col) == sqlite3.NULL }

// Int returns the column as an integer, 0 for NULL.
func (r Row) Int(col int) int64 { return r.stmt.ColumnInt64(col) }

// Float returns the column as a real number, 0 for NULL.
func (r Row) Float(col int) float64 { return r.stmt.ColumnFloat(col) }

// Text returns the column as a string, "" for NULL.
func (r Row) Text(col int) string { return r.stmt.ColumnText(col) }

// RawText returns the column's text as a view that is valid until the next
// row.
func (r Row) RawText(col int) []byte { return r.stmt.ColumnRawText(col) }

// Blob returns the column's bytes as a view that is valid until the next row.
func (r Row) Blob(col int) []byte { return r.stmt.ColumnRawBlob(col) }
