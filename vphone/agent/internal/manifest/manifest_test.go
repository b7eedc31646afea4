package manifest_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"russet/vphone/agent/internal/manifest"
	"russet/vphone/agent/internal/mbfile"
)

func row(i int) *manifest.Row {
	path := fmt.Sprintf("Library/%05d", i)
	return &manifest.Row{ID: mbfile.ID("HomeDomain", path), Domain: "HomeDomain", Path: path, Kind: manifest.KindFile, Blob: []byte("archive")}
}

func fill(t testing.TB, path string, n int) {
	t.Helper()
	db, err := manifest.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := db.Put(row(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Finish(); err != nil {
		t.Fatal(err)
	}
}

// TestShape compares the header with the one of a phone's own Manifest.db.
func TestShape(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Manifest.db")
	fill(t, path, 300)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint32{
		"page size": uint32(binary.BigEndian.Uint16(data[16:])), "write version": uint32(data[18]),
		"read version": uint32(data[19]), "incremental vacuum": binary.BigEndian.Uint32(data[64:]),
		"user version": binary.BigEndian.Uint32(data[60:]), "rest": uint32(len(data) % 4096),
	}
	for name, want := range map[string]uint32{
		"page size": 4096, "write version": 2, "read version": 2, "incremental vacuum": 1, "user version": 2, "rest": 0,
	} {
		if got[name] != want {
			t.Errorf("%s is %d, want %d", name, got[name], want)
		}
	}
	if left, err := filepath.Glob(path + "-*"); err != nil || left != nil {
		t.Errorf("beside it: %v, %v", left, err)
	}
}

func TestRowsReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Manifest.db")
	fill(t, path, 300)
	db, err := manifest.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	seen, err := db.NewSet()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		blob, number, ok, err := db.Find(row(i).ID, nil)
		if err != nil || !ok || string(blob) != "archive" {
			t.Fatalf("row %d: %q, %v, %v", i, blob, ok, err)
		}
		seen.Add(number)
	}
	if err := db.Put(row(300)); err != nil {
		t.Fatal(err)
	}
	if err := db.Put(row(299)); err != nil { // replaced: seen for good
		t.Fatal(err)
	}
	files, others, err := db.Unseen(seen)
	if err != nil || len(files) != 199 || len(others) != 0 {
		t.Fatalf("unseen: %d, %d, %v", len(files), len(others), err)
	}
	if err := db.Delete(files); err != nil {
		t.Fatal(err)
	}
	total := 0
	for shard := range 256 {
		ids, err := db.Files(fmt.Sprintf("%02x", shard))
		if err != nil || !slices.IsSorted(ids) {
			t.Fatal(ids, err)
		}
		total += len(ids)
	}
	if n, err := db.Count(); n != 102 || total != 102 || err != nil {
		t.Errorf("%d rows, %d in shards, %v, want 102", n, total, err)
	}
}

func TestUncommittedRowsAreLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Manifest.db")
	db, err := manifest.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Put(row(0)), db.Commit(), db.Put(row(1)), db.Close()); err != nil {
		t.Fatal(err)
	}
	db, err = manifest.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if n, err := db.Count(); n != 1 || err != nil {
		t.Errorf("%d rows, %v, want the committed one", n, err)
	}
}

func TestDamagedDatabases(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.db")
	fill(t, good, 300)
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty": nil, "text": bytes.Repeat([]byte("no database "), 1000), "cut": data[:5000],
		"scrambled": append(slices.Clone(data[:4096]), bytes.Repeat([]byte{0xA5}, len(data)-4096)...),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := manifest.Open(path)
		if err == nil {
			err = db.Each(0, manifest.ByPath, func(*manifest.Row) error { return nil })
			if cerr := db.Close(); cerr != nil {
				t.Error(cerr)
			}
		}
		if !errors.Is(err, manifest.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStatusIsAsLongAsAPhones(t *testing.T) {
	s := manifest.Status{
		UUID: "B1C2D3E4-0000-4000-8000-000000000001", Date: time.Unix(1756000000, 0).UTC(), Snapshot: manifest.Finished,
	}
	data, err := s.Encode()
	if err != nil || len(data) != 189 {
		t.Errorf("%d bytes, %v, want the 189 of real ones", len(data), err)
	}
	got, err := manifest.DecodeStatus(data)
	if err != nil || got.Version != manifest.CurrentStatus || got.UUID != s.UUID || !got.Date.Equal(s.Date) || got.Snapshot != s.Snapshot {
		t.Errorf("read back %+v, %v", got, err)
	}
}

func TestManifestPlistReadsBack(t *testing.T) {
	p := manifest.Properties{Encrypted: true, KeyBag: []byte{1}, ManifestKey: []byte{2}, Lockdown: map[string]any{"a": "b"}}
	data, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := manifest.DecodeProperties(data)
	if err != nil || !got.Encrypted || got.Version != manifest.SQLiteManifest || !bytes.Equal(got.KeyBag, p.KeyBag) ||
		!bytes.Equal(got.ManifestKey, p.ManifestKey) || got.Lockdown["a"] != "b" {
		t.Errorf("read back %+v, %v", got, err)
	}
}

func BenchmarkFill30000(b *testing.B) {
	path := filepath.Join(b.TempDir(), "Manifest.db")
	rows := make([]manifest.Row, 30_000)
	for i := range rows {
		rows[i] = *row(i)
		rows[i].Blob = bytes.Repeat([]byte{1}, 520)
	}
	for b.Loop() {
		db, err := manifest.Create(path)
		if err != nil {
			b.Fatal(err)
		}
		for i := range rows {
			if err := db.Put(&rows[i]); err != nil {
				b.Fatal(err)
			}
		}
		if err := db.Finish(); err != nil {
			b.Fatal(err)
		}
	}
}
