package content_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"russet/vphone/content"
	"russet/vphone/disk"
)

// made is a small phone, made once and never changed.
var made = sync.OnceValues(func() (disk.Disk, error) {
	return content.Generated(context.Background(), content.Options{Seed: 1})
})

// tiny is that phone, to be looked at.
func tiny(t *testing.T) disk.Disk {
	t.Helper()
	d, err := made()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// own is a copy of it, to be changed.
func own(t *testing.T) disk.Disk {
	t.Helper()
	d, from := disk.NewMemory(), tiny(t)
	for _, e := range walk(t, from) {
		var r io.ReadCloser
		if e.Kind == disk.File {
			var err error
			if r, err = from.Open(e.Domain, e.Path); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Put(&e, r); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func churn(t *testing.T, d disk.Disk, o content.ChurnOptions) {
	t.Helper()
	if err := content.Churn(t.Context(), d, o); err != nil {
		t.Fatal(err)
	}
}

func compare(t *testing.T, a, b disk.Disk, o content.CompareOptions) []content.Difference {
	t.Helper()
	found, err := content.Compare(a, b, o)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// walk collects every entry.
func walk(t *testing.T, d disk.Disk) []disk.Entry {
	t.Helper()
	var all []disk.Entry
	if err := d.Walk(func(e *disk.Entry) error {
		all = append(all, *e)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func read(t *testing.T, d disk.Disk, domain, path string) []byte {
	t.Helper()
	r, err := d.Open(domain, path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func exists(t *testing.T, d disk.Disk, domain, path string) *disk.Entry {
	t.Helper()
	e, err := d.Lookup(domain, path)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// database opens a copy of a phone's database.
func database(t *testing.T, d disk.Disk, domain, path string) *sqlite3.Conn {
	t.Helper()
	name := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(name, read(t, d, domain, path), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sqlite3.Open("file:" + filepath.ToSlash(name) + "?mode=ro&immutable=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// rows runs a query and calls fn for each row; it returns how many there were.
func rows(t *testing.T, db *sqlite3.Conn, sql string, fn func(*sqlite3.Stmt)) int {
	t.Helper()
	stmt, _, err := db.Prepare(sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer stmt.Close()
	n := 0
	for ; stmt.Step(); n++ {
		fn(stmt)
	}
	if err := stmt.Err(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func number(t *testing.T, db *sqlite3.Conn, sql string) (v int64) {
	t.Helper()
	rows(t, db, sql, func(row *sqlite3.Stmt) { v = row.ColumnInt64(0) })
	return v
}

// checkDatabases runs SQLite's own check on every database of a phone.
func checkDatabases(t *testing.T, d disk.Disk) int {
	t.Helper()
	n := 0
	for _, e := range walk(t, d) {
		if e.Kind != disk.File || e.Size < 512 || !bytes.HasPrefix(read(t, d, e.Domain, e.Path), []byte("SQLite format 3\x00")) {
			continue
		}
		n++
		db := database(t, d, e.Domain, e.Path)
		rows(t, db, `PRAGMA integrity_check`, func(row *sqlite3.Stmt) {
			if got := row.ColumnText(0); got != "ok" {
				t.Errorf("%s in %s: %s", e.Path, e.Domain, got)
			}
		})
		if number(t, db, `PRAGMA freelist_count`) != 0 || number(t, db, `PRAGMA page_size`) != 4096 {
			t.Errorf("%s in %s is not a compacted copy of 4 KiB pages", e.Path, e.Domain)
		}
	}
	return n
}

func TestDatabasesAreWhole(t *testing.T) {
	d := own(t)
	if n := checkDatabases(t, d); n < 15 {
		t.Errorf("only %d databases", n)
	}
	for day := 1; day <= 2; day++ {
		churn(t, d, content.ChurnOptions{Seed: 1, Day: day, Activity: content.HeavyDay})
	}
	checkDatabases(t, d)
}

func TestEveryEntryHasItsParents(t *testing.T) {
	d := own(t)
	churn(t, d, content.ChurnOptions{Day: 1})
	for _, e := range walk(t, d) {
		if e.Path == "" {
			continue
		}
		parent := exists(t, d, e.Domain, e.Path[:max(strings.LastIndexByte(e.Path, '/'), 0)])
		if parent.Kind != disk.Dir {
			t.Errorf("%q in %s lies in something that is not a directory", e.Path, e.Domain)
		}
	}
}
