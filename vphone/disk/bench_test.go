package disk_test

import (
	"fmt"
	"io"
	"testing"

	"russet/vphone/disk"
)

func BenchmarkPattern(b *testing.B) {
	p := disk.Pattern{Seed: 1, Size: 64 << 20}
	b.SetBytes(p.Size)
	for b.Loop() {
		_, _ = disk.NewPatternReader(p).WriteTo(io.Discard)
	}
}

func BenchmarkWalkGenerated(b *testing.B) {
	d := disk.Generated(disk.Recipe{Seed: 1, Rows: 1_000_000, Bytes: 4 << 30})
	for b.Loop() {
		_ = d.Walk(func(*disk.Entry) error { return nil })
	}
}

func BenchmarkFolder(b *testing.B) {
	at := b.TempDir()
	d, err := disk.Open(at)
	if err != nil {
		b.Fatal(err)
	}
	const files = 30_000
	b.Run("put", func(b *testing.B) {
		for b.Loop() {
			for i := range files {
				r := disk.NewPatternReader(disk.Pattern{Seed: 1, Size: 4300})
				if err := d.Put(file(fmt.Sprintf("%03d/%05d", i/100, i)), struct{ io.Reader }{r}); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		buf := make([]byte, 32<<10)
		for b.Loop() {
			for i := range files {
				r, err := d.Open("HomeDomain", fmt.Sprintf("%03d/%05d", i/100, i))
				if err != nil {
					b.Fatal(err)
				}
				_, _ = r.Read(buf)
				_ = r.Close()
			}
		}
	})
	b.Run("reopen and walk", func(b *testing.B) {
		for b.Loop() {
			_ = d.Close()
			if d, err = disk.Open(at); err != nil {
				b.Fatal(err)
			}
			_ = d.Walk(func(*disk.Entry) error { return nil })
		}
	})
	_ = d.Close()
}
