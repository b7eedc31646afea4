package mobilesync_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"russet/mobilesync"
)

// editRows runs SQL on a plain backup's Manifest.db.
func editRows(t testing.TB, dir, sql string, args ...any) {
	t.Helper()
	c, err := sqlite3.Open(filepath.Join(dir, "Manifest.db"))
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := c.Prepare(sql)
	if err != nil {
		t.Fatal(err)
	}
	for i, arg := range args {
		switch v := arg.(type) {
		case []byte:
			err = errors.Join(err, s.BindBlob(i+1, v))
		case string:
			err = errors.Join(err, s.BindText(i+1, v))
		}
	}
	if err := errors.Join(err, s.Exec(), s.Close(), c.Close()); err != nil {
		t.Fatal(err)
	}
}

// replaceRow gives a row another record.
func replaceRow(t testing.TB, dir string, r *mobilesync.Record) {
	t.Helper()
	r.ID, r.RelativePath = mobilesync.FileIDOf(r.Domain, r.Path), r.Path
	blob, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	editRows(t, dir, "UPDATE Files SET file = ? WHERE fileID = ?", blob, r.ID.String())
}

func TestBadRowsDoNotHideGoodOnes(t *testing.T) {
	dir := create(t, nil, addition{file("HomeDomain", "good"), "x"})
	for i, values := range []string{
		"'%040d', NULL, 'a', 1, x'00'",
		"'%040d', 'D', 'b', 16, NULL",   // a placeholder of a run
		"'%040d', NULL, NULL, 65, NULL", // another
		"'%040d', 'D', 'z', 1, NULL",
		"'%040d', 'D', 'c', 1, x'00'",
		"'%040d', 'D', 'd', 3, (SELECT file FROM Files LIMIT 1)",
		"'x%d', 'D', 'e', 1, (SELECT file FROM Files LIMIT 1)",
	} {
		editRows(t, dir, "INSERT INTO Files VALUES ("+fmt.Sprintf(values, i+1)+")")
	}
	b := open(t, os.DirFS(dir))
	var good, bad []string
	for r, err := range b.Records(t.Context()) {
		if e, ok := errors.AsType[*mobilesync.RowError](err); ok {
			bad = append(bad, e.Path)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		good = append(good, r.Path)
	}
	slices.Sort(bad)
	if !slices.Equal(good, []string{"good"}) || !slices.Equal(bad, []string{"", "a", "b", "c", "d", "e", "z"}) {
		t.Errorf("good %q, bad %q", good, bad)
	}
	id, _ := mobilesync.ParseFileID(fmt.Sprintf("%040d", 5))
	if _, err := b.ByID(t.Context(), id); err == nil {
		t.Error("a bad row was found by its ID")
	}
	if _, err := b.Lookup(t.Context(), "D", "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a row that is not there: %v", err)
	}
	sum, err := b.Check(t.Context(), mobilesync.CheckStructure, func(p mobilesync.Problem) {
		if p.Kind != mobilesync.ProblemRow {
			t.Errorf("problem %+v", p)
		}
	})
	if err != nil || sum.Problems != 5 {
		t.Errorf("%+v, %v", sum, err)
	}
}

func TestATableByAnotherName(t *testing.T) {
	dir := create(t, nil)
	editRows(t, dir, "ALTER TABLE Files RENAME TO Rows")
	if _, err := mobilesync.Open(t.Context(), os.DirFS(dir), mobilesync.Options{}); !errors.Is(err, mobilesync.ErrDamaged) {
		t.Errorf("no table: %v", err)
	}
	editRows(t, dir, "CREATE VIEW Files AS SELECT * FROM Rows")
	if _, err := mobilesync.Open(t.Context(), os.DirFS(dir), mobilesync.Options{}); !errors.Is(err, mobilesync.ErrDamaged) {
		t.Errorf("a view: %v", err)
	}
}

func TestRecordsStopsWhenTold(t *testing.T) {
	b := open(t, miniFS(t, "encrypted"))
	n := 0
	for r, err := range b.Records(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		// What is asked meanwhile is not in the way.
		if _, err := b.ByID(t.Context(), r.ID); err != nil {
			t.Error(err)
		}
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d rows", n)
	}
}

func TestAClosedBackupSaysSo(t *testing.T) {
	b, err := mobilesync.Open(t.Context(), miniFS(t, "plain"), mobilesync.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Close(), b.Close()); err != nil {
		t.Error(err)
	}
	if _, err := b.Lookup(t.Context(), "HomeDomain", ""); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
}

// TestRecordsUnder: folder by folder, in any order, all rows come, each once and
// in the order of their IDs.
func TestRecordsUnder(t *testing.T) {
	b, err := mobilesync.Open(t.Context(), os.DirFS("testdata/minibackup/plain/00008101-000A11112222001E"), mobilesync.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	all := map[mobilesync.FileID]bool{}
	for r, err := range b.Records(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all[r.ID] = true
	}
	for _, step := range []int{1, 255} { // 255 goes backwards
		seen := map[mobilesync.FileID]bool{}
		for i := range 256 {
			first, last := byte(i*step), ""
			for r, err := range b.RecordsUnder(t.Context(), first) {
				if err != nil || r.ID[0] != first || r.ID.String() <= last || seen[r.ID] {
					t.Errorf("under %02x comes %v after %q, %v", first, r.ID, last, err)
				}
				seen[r.ID], last = true, r.ID.String()
			}
		}
		if len(seen) != len(all) {
			t.Errorf("%d rows came of %d", len(seen), len(all))
		}
	}
}
