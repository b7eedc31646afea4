package sqlitefs_test

import (
	"bytes"
	"testing"

	"russet/internal/sqlitefs"
)

func FuzzOverlay(f *testing.F) {
	main, wal := walDatabase(f)
	f.Add(main[:4096], wal[:32+2*(24+1024)])
	f.Add([]byte{}, wal[:32+24+1024])
	f.Add(main[:100], []byte{})
	f.Fuzz(func(t *testing.T, main, wal []byte) {
		o, err := sqlitefs.NewOverlay(bytes.NewReader(main), int64(len(main)), bytes.NewReader(wal), int64(len(wal)))
		if err != nil {
			return
		}
		buf := make([]byte, 700)
		// A log may name a page far out: what lies between reads as the end.
		for off := int64(0); off < min(o.Size(), 1<<20); off += 600 {
			if n, err := o.ReadAt(buf, off); err == nil && n != len(buf) {
				t.Fatalf("read %d of %d at %d without an error", n, len(buf), off)
			}
		}
	})
}

// FuzzOpen has SQLite itself read what a stranger sends.
func FuzzOpen(f *testing.F) {
	main, _ := walDatabase(f)
	f.Add(main[:8192])
	f.Fuzz(func(t *testing.T, data []byte) {
		db, err := sqlitefs.Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, err := range db.Rows(t.Context(), "SELECT text FROM message LIMIT 100") {
			if err != nil {
				break
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}
