package sqlitefs_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ncruces/go-sqlite3"

	"russet/internal/sqlitefs"
)

// walDatabase makes a database of 500 messages whose last 100 edits, the 100
// rows after them and one uncommitted insert are in the -wal only.
func walDatabase(t testing.TB) (main, wal []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w.db")
	c, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	exec := func(sql string) {
		if err := c.Exec(sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`PRAGMA page_size=1024; PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0;
		CREATE TABLE message(id INTEGER PRIMARY KEY, text TEXT);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500)
			INSERT INTO message SELECT i, 'old ' || i FROM n;
		PRAGMA wal_checkpoint(TRUNCATE)`)
	exec("UPDATE message SET text='new ' || id WHERE id > 400")
	exec(`WITH RECURSIVE n(i) AS (SELECT 501 UNION ALL SELECT i+1 FROM n WHERE i<600)
		INSERT INTO message SELECT i, 'new ' || i FROM n`)
	// A cache of no pages spills the uncommitted rows into the log.
	exec("PRAGMA cache_size=1; BEGIN")
	exec(`WITH RECURSIVE n(i) AS (SELECT 601 UNION ALL SELECT i+1 FROM n WHERE i<5000)
		INSERT INTO message SELECT i, 'never ' || i FROM n`)
	if main, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if wal, err = os.ReadFile(path + "-wal"); err != nil {
		t.Fatal(err)
	}
	exec("ROLLBACK")
	return main, wal
}

func count(t testing.TB, db *sqlitefs.DB, like string) (n int64) {
	t.Helper()
	for row, err := range db.Rows(t.Context(), "SELECT count(*) FROM message WHERE text LIKE ?", like) {
		if err != nil {
			t.Fatal(err)
		}
		n = row.Int(0)
	}
	return n
}

func TestCommittedFramesAreSeen(t *testing.T) {
	main, wal := walDatabase(t)
	dir := t.TempDir()
	for name, data := range map[string][]byte{"w.db": main, "w.db-wal": wal} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sqlitefs.OpenFS(os.DirFS(dir), "w.db")
	if err != nil {
		t.Fatal(err)
	}
	for like, want := range map[string]int64{"old %": 400, "new %": 200, "never %": 0} {
		if got := count(t, db, like); got != want {
			t.Errorf("%d rows like %q, want %d", got, like, want)
		}
	}
	if bad, err := db.Check(t.Context(), false); err != nil || len(bad) > 0 {
		t.Errorf("integrity check: %q, %v", bad, err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("reading left %v", left)
	}
}

func TestALogWithoutUse(t *testing.T) {
	main, wal := walDatabase(t)
	torn := append([]byte(nil), wal...)
	torn[25] ^= 1
	for name, data := range map[string][]byte{
		"none": nil, "empty": {}, "short": wal[:31], "torn header": torn, "no frame": wal[:40],
		"not one": []byte(strings.Repeat("x", 5000)),
	} {
		db, err := sqlitefs.OpenFS(fstest.MapFS{"w": {Data: main}, "w-wal": {Data: data}}, "w")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := count(t, db, "old %"); got != 500 {
			t.Errorf("%s: %d old rows, want 500", name, got)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestADamagedFrameEndsTheLog(t *testing.T) {
	main, wal := walDatabase(t)
	wal[32+24+100] ^= 1 // in the first frame's page
	db, err := sqlitefs.OpenFS(fstest.MapFS{"w": {Data: main}, "w-wal": {Data: wal}}, "w")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if got := count(t, db, "old %"); got != 500 {
		t.Errorf("%d old rows, want the 500 from before the damage", got)
	}
}

func TestWhatIsNoDatabase(t *testing.T) {
	main, wal := walDatabase(t)
	other := append([]byte(nil), main...)
	other[16] = 0x10 // page size 4096
	for name, fsys := range map[string]fstest.MapFS{
		"text":        {"w": {Data: []byte(strings.Repeat("hello world ", 100))}},
		"short":       {"w": {Data: main[:50]}},
		"page size":   {"w": {Data: append([]byte("SQLite format 3\x00\x03\x00"), make([]byte, 1000)...)}},
		"foreign log": {"w": {Data: other}, "w-wal": {Data: wal}},
	} {
		if _, err := sqlitefs.OpenFS(fsys, "w"); !sqlitefs.IsDamaged(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := sqlitefs.OpenFS(fstest.MapFS{}, "w"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := sqlitefs.OpenFS(fstest.MapFS{"w": {Mode: fs.ModeDir}}, "w"); err == nil {
		t.Error("a directory was opened")
	}
}

func TestDamageIsFound(t *testing.T) {
	main, _ := walDatabase(t)
	for i := 1500; i < 4000; i++ {
		main[i] ^= 0x55
	}
	db, err := sqlitefs.Open(strings.NewReader(string(main)), int64(len(main)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if bad, err := db.Check(t.Context(), true); err == nil && len(bad) == 0 {
		t.Error("a scrambled database passes its check")
	}
}

// broken fails from a position on, as a file cut off in encryption does.
type broken struct {
	io.ReaderAt
	from int64
}

var errBroken = errors.New("the disk is on fire")

func (b broken) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > b.from {
		return 0, errBroken
	}
	return b.ReaderAt.ReadAt(p, off)
}

func TestTheReadersErrorIsTold(t *testing.T) {
	main, _ := walDatabase(t)
	db, err := sqlitefs.Open(broken{strings.NewReader(string(main)), 2048}, int64(len(main)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, err = range db.Rows(t.Context(), "SELECT text FROM message") {
	}
	if !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

func TestAHostileSchemaGetsNowhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	db, err := sqlitefs.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Exec(`CREATE TABLE real(x); CREATE VIEW Files AS
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i FROM n`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if db, err = sqlitefs.OpenFS(os.DirFS(filepath.Dir(path)), "h.db"); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, err = range db.Rows(t.Context(), "SELECT i FROM Files LIMIT 1") {
	}
	if err == nil {
		t.Error("a view stood in for a table")
	}
	if err := db.Exec("INSERT INTO real VALUES (1)"); err == nil {
		t.Error("a database opened for reading was written to")
	}
}

func TestACancelledQueryEnds(t *testing.T) {
	main, _ := walDatabase(t)
	db, err := sqlitefs.Open(strings.NewReader(string(main)), int64(len(main)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err = range db.Rows(ctx, "SELECT text FROM message") {
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := count(t, db, "%"); got != 500 {
		t.Errorf("after a cancelled query: %d rows", got)
	}
}

func TestStatementsNestAndRepeat(t *testing.T) {
	db, err := sqlitefs.Create(filepath.Join(t.TempDir(), "n.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Exec("CREATE TABLE t(i, f, s, b)"); err != nil {
		t.Fatal(err)
	}
	insert, err := db.Prepare("INSERT INTO t VALUES (?, 0.5, ?, ?)")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := insert.Run(t.Context(), i, "s", []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := insert.Run(t.Context(), int64(9), nil, struct{}{}); err == nil {
		t.Error("a struct was bound")
	}
	var sum int64
	for outer, err := range db.Rows(t.Context(), "SELECT i, f, s, b, NULL FROM t") {
		if err != nil || outer.Float(1) != 0.5 || outer.Text(2) != "s" || string(outer.RawText(2)) != "s" || !outer.Null(4) {
			t.Fatalf("row %v, %v", outer, err)
		}
		for inner, err := range db.Rows(t.Context(), "SELECT i FROM t WHERE i <= ?", outer.Int(0)) {
			if err != nil {
				t.Fatal(err)
			}
			sum += inner.Int(0) + int64(outer.Blob(3)[0])
		}
	}
	if sum != 0+(0+1+2)+(0+1+2+6) {
		t.Errorf("sum %d", sum)
	}
	if err := insert.Close(); err != nil {
		t.Error(err)
	}
}
