package mobilesync_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/fstest"

	"github.com/ncruces/go-sqlite3"

	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

// largeBackup is an encrypted backup of n rows without stored files, its
// Manifest.db in a real file.
func largeBackup(b *testing.B, n int) fs.FS {
	b.Helper()
	s := seal(b)
	path := filepath.Join(b.TempDir(), "plain.db")
	c, err := sqlite3.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Exec(`PRAGMA journal_mode=off; PRAGMA synchronous=off;
		CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB);
		CREATE INDEX FilesDomainIdx ON Files(domain); CREATE INDEX FilesRelativePathIdx ON Files(relativePath);
		CREATE INDEX FilesFlagsIdx ON Files(flags); BEGIN`); err != nil {
		b.Fatal(err)
	}
	insert, _, err := c.Prepare("INSERT INTO Files VALUES (?, ?, ?, 1, ?)")
	if err != nil {
		b.Fatal(err)
	}
	r := file("", "")
	r.EncryptionKey, r.Digest = make([]byte, 44), make([]byte, 20)
	for i := range n {
		r.Domain = fmt.Sprintf("AppDomain-com.example.app%d", i%1000)
		r.Path = fmt.Sprintf("Library/Application Support/Records/%03d/a record with a name %d.plist", i/1000%500, i)
		r.RelativePath, r.Inode = r.Path, uint64(i)
		blob, err := r.Marshal()
		err = errors.Join(err, insert.BindText(1, mobilesync.FileIDOf(r.Domain, r.Path).String()), insert.BindText(2, r.Domain),
			insert.BindText(3, r.Path), insert.BindBlob(4, blob), insert.Exec())
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(insert.Close(), c.Exec("COMMIT"), c.Close()); err != nil {
		b.Fatal(err)
	}
	return sealDatabase(b, s, path)
}

func sealDatabase(b *testing.B, s *mobilesync.Seal, path string) fs.FS {
	b.Helper()
	plain, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	key := keybag.Key{}
	wrapped, err := s.Keys.WrapFileKey(4, key)
	if err != nil {
		b.Fatal(err)
	}
	manifest, err := (&mobilesync.Manifest{IsEncrypted: true, BackupKeyBag: s.Bag, ManifestKey: wrapped}).Marshal()
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	var sealed bytes.Buffer
	w := keybag.EncryptWriter(&sealed, key)
	_, err = w.Write(plain)
	err = errors.Join(err, w.Close(), os.Remove(path),
		os.WriteFile(filepath.Join(dir, "Manifest.db"), sealed.Bytes(), 0o600),
		os.WriteFile(filepath.Join(dir, "Manifest.plist"), manifest, 0o600))
	if err != nil {
		b.Fatal(err)
	}
	return os.DirFS(dir)
}

// BenchmarkList lists 300,000 rows of an encrypted Manifest.db; the goal is
// 1.5 s. Set RUSSET_ROWS for another number.
func BenchmarkList(b *testing.B) {
	n := 300_000
	if s := os.Getenv("RUSSET_ROWS"); s != "" {
		if _, err := fmt.Sscan(s, &n); err != nil {
			b.Fatal(err)
		}
	}
	fsys := largeBackup(b, n)
	bk := open(b, fsys)
	b.Run("records", func(b *testing.B) {
		for b.Loop() {
			rows := 0
			for _, err := range bk.Records(b.Context()) {
				if err != nil {
					b.Fatal(err)
				}
				rows++
			}
			if rows != n {
				b.Fatalf("%d rows", rows)
			}
		}
	})
	b.Run("files", func(b *testing.B) {
		for b.Loop() {
			bk := open(b, fsys)
			before := heap()
			entries, err := fs.ReadDir(files(b, bk), "AppDomain-com.example.app7/Library/Application Support/Records")
			if err != nil || len(entries) == 0 {
				b.Fatal(err)
			}
			b.ReportMetric(float64(heap()-before)/float64(n), "heap-B/row")
			runtime.KeepAlive(bk)
		}
	})
	b.Run("stat", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			path := fmt.Sprintf("Library/Application Support/Records/%03d/a record with a name %d.plist", i%n/1000%500, i%n)
			if _, err := bk.Lookup(b.Context(), fmt.Sprintf("AppDomain-com.example.app%d", i%1000), path); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkReadContent(b *testing.B) {
	m := miniFS(b, "encrypted")
	bk := open(b, fstest.MapFS(m))
	fsys := files(b, bk)
	for b.Loop() {
		if _, err := fs.ReadFile(fsys, "HomeDomain/Library/SMS/sms.db"); err != nil {
			b.Fatal(err)
		}
	}
}
