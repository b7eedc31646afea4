package mobilesync_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/ncruces/go-sqlite3"

	"russet/mobilesync"
)

// kinds checks a backup and returns what was found, harmless things too.
func kinds(t *testing.T, b *mobilesync.Backup, level mobilesync.Level) ([]mobilesync.ProblemKind, mobilesync.CheckSummary) {
	t.Helper()
	var found []mobilesync.ProblemKind
	sum, err := b.Check(t.Context(), level, func(p mobilesync.Problem) {
		if p.Detail == "" {
			t.Errorf("problem without words: %+v", p)
		}
		found = append(found, p.Kind)
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, sum
}

func TestSoundBackupsPassEveryCheck(t *testing.T) {
	for _, kind := range []string{"plain", "encrypted"} {
		b := open(t, miniFS(t, kind))
		for level := mobilesync.CheckStructure; level <= mobilesync.CheckDatabases; level++ {
			found, sum := kinds(t, b, level)
			if len(found) > 0 || sum.Reached != level || sum.Files != 12 || sum.Dirs != 13 || sum.Links != 1 {
				t.Errorf("%s, level %d: %v, %+v", kind, level, found, sum)
			}
			var stored int64
			for _, row := range miniRows(t, kind) {
				stored += row.BlobLen
			}
			if level >= mobilesync.CheckExistence && sum.Stored != stored {
				t.Errorf("%s: %d bytes stored, want %d", kind, sum.Stored, stored)
			}
			if level >= mobilesync.CheckPadding && sum.Dataless != 1 {
				t.Errorf("%s: %d dataless", kind, sum.Dataless)
			}
		}
	}
}

// TestEachDamageIsFound damages one thing at a time, and asks which level is
// the first to see it.
func TestEachDamageIsFound(t *testing.T) {
	sms := mobilesync.FileIDOf("HomeDomain", "Library/SMS/sms.db").Name()
	cases := []struct {
		name   string
		change func(fstest.MapFS)
		want   mobilesync.ProblemKind
		first  mobilesync.Level
	}{
		{"no status", func(m fstest.MapFS) { delete(m, "Status.plist") }, mobilesync.ProblemStatus, mobilesync.CheckStructure},
		{"missing", func(m fstest.MapFS) { delete(m, sms) }, mobilesync.ProblemMissing, mobilesync.CheckExistence},
		{
			"orphan", func(m fstest.MapFS) { m["00/00000000000000000000000000000000000000aa"] = m[sms] },
			mobilesync.ProblemOrphan, mobilesync.CheckExistence,
		},
		{"stray", func(m fstest.MapFS) { m["3d/.DS_Store"] = m[sms] }, mobilesync.ProblemOrphan, mobilesync.CheckExistence},
		{"in the wrong place", func(m fstest.MapFS) { m["00/"+sms[3:]] = m[sms] }, mobilesync.ProblemOrphan, mobilesync.CheckExistence},
		{"cut", func(m fstest.MapFS) { m[sms].Data = m[sms].Data[:4000-1] }, mobilesync.ProblemTruncated, mobilesync.CheckLength},
		{"cut at a block", func(m fstest.MapFS) { m[sms].Data = m[sms].Data[:4096] }, mobilesync.ProblemUnpadded, mobilesync.CheckPadding},
		{"end damaged", func(m fstest.MapFS) { m[sms].Data[8207] ^= 1 }, mobilesync.ProblemUnpadded, mobilesync.CheckPadding},
		{
			"not encrypted", func(m fstest.MapFS) { m[sms].Data = append([]byte("SQLite format 3\x00"), make([]byte, 100)...) },
			mobilesync.ProblemForeign, mobilesync.CheckPadding,
		},
		{"middle damaged", func(m fstest.MapFS) { m[sms].Data[5000] ^= 1 }, mobilesync.ProblemDigest, mobilesync.CheckDigest},
	}
	for _, c := range cases {
		m := miniFS(t, "encrypted")
		c.change(m)
		b := open(t, m)
		for level := mobilesync.CheckStructure; level <= mobilesync.CheckDigest; level++ {
			found, _ := kinds(t, b, level)
			if slices.Contains(found, c.want) != (level >= c.first) {
				t.Errorf("%s at level %d: %v", c.name, level, found)
			}
		}
	}
}

func TestOneFileIsChecked(t *testing.T) {
	m := miniFS(t, "encrypted")
	b := open(t, m)
	r, err := b.Lookup(t.Context(), "HomeDomain", "Library/SMS/sms.db")
	if err != nil {
		t.Fatal(err)
	}
	check := func() (found []mobilesync.ProblemKind) {
		err := b.CheckFile(t.Context(), &r, mobilesync.CheckDatabases, func(p mobilesync.Problem) { found = append(found, p.Kind) })
		if err != nil {
			t.Error(err)
		}
		return found
	}
	if found := check(); len(found) > 0 {
		t.Errorf("sound: %v", found)
	}
	m[r.ID.Name()].Data[5000] ^= 1
	if found := check(); !slices.Contains(found, mobilesync.ProblemDigest) {
		t.Errorf("damaged: %v", found)
	}
	delete(m, r.ID.Name())
	if found := check(); !slices.Equal(found, []mobilesync.ProblemKind{mobilesync.ProblemMissing}) {
		t.Errorf("missing: %v", found)
	}
}

func TestDamagedDatabasesAreFound(t *testing.T) {
	main, wal := logged(t)
	spoilt := bytes.Clone(main)
	for i := 4096; i < 6000; i++ {
		spoilt[i] ^= 0x55
	}
	torn := bytes.Clone(wal)
	torn[10] ^= 0x40 // SQLite passes over a log whose header is not whole
	dir := create(
		t, seal(t),
		addition{file("D", "good.db"), string(main)}, addition{file("D", "good.db-wal"), string(wal)},
		addition{file("D", "bad.db"), string(spoilt)}, addition{file("D", "no.db"), "SQLite format"},
		addition{file("D", "torn.db"), string(main)}, addition{file("D", "torn.db-wal"), string(torn)},
	)
	var found []string
	sum, err := open(t, os.DirFS(dir)).Check(t.Context(), mobilesync.CheckDatabases, func(p mobilesync.Problem) {
		found = append(found, p.Path+": "+string(p.Kind))
	})
	if err != nil || !slices.Equal(found, []string{"bad.db: database"}) || sum.Databases != 3 {
		t.Errorf("%q, %+v, %v", found, sum, err)
	}
}

// logged is a database with rows that are only in its -wal.
func logged(t *testing.T) (main, wal []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	c, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Exec(`PRAGMA journal_mode=wal; CREATE TABLE t(a, b UNIQUE);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500)
			INSERT INTO t SELECT i, 'row ' || i FROM n;
		PRAGMA wal_checkpoint(TRUNCATE);
		INSERT INTO t VALUES (1000, 'in the log')`)
	if err != nil {
		t.Fatal(err)
	}
	main, mainErr := os.ReadFile(path)
	wal, walErr := os.ReadFile(path + "-wal")
	if err := errors.Join(mainErr, walErr, c.Close()); err != nil || len(wal) == 0 {
		t.Fatal(err)
	}
	return main, wal
}

func TestRowsThatLie(t *testing.T) {
	dir := create(t, nil, addition{file("D", "a"), "x"})
	editRows(t, dir, "UPDATE Files SET relativePath = 'b'")
	found, _ := kinds(t, open(t, os.DirFS(dir)), mobilesync.CheckExistence)
	if !slices.Equal(found, []mobilesync.ProblemKind{mobilesync.ProblemRow}) {
		t.Errorf("%v", found)
	}
	dir = create(t, nil, addition{file("D", "a"), "x"})
	name := filepath.Join(dir, mobilesync.FileIDOf("D", "a").Name())
	if err := errors.Join(os.Remove(name), os.Symlink("/etc/passwd", name)); err != nil {
		t.Fatal(err)
	}
	found, _ = kinds(t, open(t, os.DirFS(dir)), mobilesync.CheckExistence)
	if !slices.Equal(found, []mobilesync.ProblemKind{mobilesync.ProblemUnreadable}) {
		t.Errorf("a link in the way: %v", found)
	}
}

func TestUndecryptableFilesAreFound(t *testing.T) {
	s := seal(t)
	key, stored := rewrap(t, s, []byte("x"))
	key[30] ^= 1
	r := file("D", "a")
	plainDir := create(t, nil, addition{r, ""})
	r.EncryptionKey = key
	replaceRow(t, plainDir, &r)
	m := fstest.MapFS{}
	if err := fs.WalkDir(os.DirFS(plainDir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(plainDir, name))
		m[name] = &fstest.MapFile{Data: data}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	m[mobilesync.FileIDOf("D", "a").Name()].Data = stored
	m["Manifest.plist"] = miniFS(t, "encrypted")["Manifest.plist"] // its keybag
	found, _ := kinds(t, open(t, m), mobilesync.CheckDatabases)
	if !slices.Contains(found, mobilesync.ProblemUndecryptable) {
		t.Errorf("%v", found)
	}
}

func TestACheckEndsWithItsContext(t *testing.T) {
	b := open(t, miniFS(t, "encrypted"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Check(ctx, mobilesync.CheckDatabases, func(mobilesync.Problem) {})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
