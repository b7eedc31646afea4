package iosdb_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"russet/vphone/content/internal/dice"
	"russet/vphone/content/internal/iosdb"
)

func TestMistakesAreKept(t *testing.T) {
	tmp := t.TempDir()
	db, err := iosdb.Create(t.Context(), tmp)
	if err != nil {
		t.Fatal(err)
	}
	db.Script(`CREATE TABLE a (b TEXT)`)
	db.Exec(`INSERT INTO missing VALUES (?)`, 1)
	db.Exec(`INSERT INTO a VALUES (?)`, "after the mistake")
	if _, err := db.Compact(); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("compacting a mistake: %v", err)
	}
	if err := db.Close(); err == nil {
		t.Error("the mistake was forgotten")
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestEditRefusesWhatIsNoDatabase(t *testing.T) {
	tmp := t.TempDir()
	db, err := iosdb.Edit(t.Context(), tmp, strings.NewReader(strings.Repeat("not a database ", 100)))
	if err == nil {
		_ = db.Close()
		t.Fatal("text was opened as a database")
	}
	if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestCompactFollowsChanges(t *testing.T) {
	db, err := iosdb.Create(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	iosdb.CreateMessages(db, dice.New(1), dice.People(1, 5))
	sizes := make([]int64, 0, 3)
	for range 3 {
		iosdb.AddMessages(db, dice.New(2, fmt.Sprint(len(sizes))), 100, 50, time.Unix(1.7e9, 0), time.Unix(1.71e9, 0))
		path, err := db.Compact()
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, info.Size())
	}
	if sizes[0] >= sizes[1] || sizes[1] >= sizes[2] || db.Int(`SELECT count(*) FROM message`) != 300 {
		t.Errorf("copies of %v bytes", sizes)
	}
}

func TestCancelStopsADatabase(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	db, err := iosdb.Create(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	iosdb.CreateMessages(db, dice.New(1), dice.People(1, 5))
	if db.Err() == nil {
		t.Error("work went on after it was cancelled")
	}
	_ = db.Close()
}
