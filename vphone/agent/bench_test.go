package agent_test

import (
	"fmt"
	"strings"
	"testing"

	"russet/vphone/disk"
)

// BenchmarkBackup measures the phone's share of a backup: the host only keeps
// what it gets in memory.
func BenchmarkBackup(b *testing.B) {
	for _, c := range []struct {
		name, password string
		files, size    int
	}{
		{"small", "", 30_000, 4_000},
		{"small encrypted", "secret", 30_000, 4_000},
		{"big", "", 20, 10 << 20},
		{"big encrypted", "secret", 20, 10 << 20},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := newPhone(b)
			p.password = c.password
			set(b, p, "count-paths", "off")
			fill(p, c.files, c.size)
			b.SetBytes(int64(c.files) * int64(c.size))
			b.ResetTimer()
			for range b.N {
				p.cache = b.TempDir()
				backup(b, p, newHost(b))
			}
		})
	}
}

func BenchmarkNothingChanged(b *testing.B) {
	p, h := newPhone(b), newHost(b)
	fill(p, 30_000, 100)
	backup(b, p, h)
	for b.Loop() {
		backup(b, p, h)
	}
}

func fill(p *phone, files, size int) {
	content := strings.Repeat("0123456789abcdef", size/16+1)[:size]
	for i := range files {
		p.put("AppDomainGroup-group.example", fmt.Sprintf("files/%03d/%05d.bin", i%300, i), content, func(e *disk.Entry) { e.Inode = uint64(i) })
	}
}
