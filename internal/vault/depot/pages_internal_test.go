package depot

import (
	"encoding/binary"
	"slices"
	"testing"
)

// FuzzPages cuts what says it is a database, at once and in buffers that come
// one after the other.
func FuzzPages(f *testing.F) {
	head := make([]byte, 9000)
	copy(head, sqliteMagic)
	for _, page := range []uint16{1, 512, 1024, 4096, 7} {
		binary.BigEndian.PutUint16(head[16:], page)
		for i := 100; i < len(head); i++ {
			head[i] = byte(i * i >> 3)
		}
		f.Add(slices.Clone(head), uint16(3000), uint8(9))
	}
	f.Fuzz(func(t *testing.T, data []byte, buffer uint16, times uint8) {
		c, ok := newPageCutter(data)
		if !ok {
			return
		}
		data = slices.Repeat(data, 1+int(times%16))
		var whole []int
		sum := 0
		c.cut(data, true, func(n int) {
			whole = append(whole, n)
			sum += n
			if n <= 0 || n >= (c.most+1)*c.page || n%c.page != 0 && sum != len(data) {
				t.Fatalf("a chunk of %d bytes, pages of %d", n, c.page)
			}
		})
		if sum != len(data) {
			t.Fatalf("%d bytes cut, of %d", sum, len(data))
		}
		var pieces []int
		var held []byte
		least := (c.most + c.reach + 2) * c.page // or nothing is sure
		for rest := data; ; {
			n := min(len(rest), least+int(buffer))
			held, rest = append(held, rest[:n]...), rest[n:]
			c.cut(held, len(rest) == 0, func(n int) {
				pieces = append(pieces, n)
				held = held[n:]
			})
			if len(rest) == 0 {
				break
			}
		}
		if !slices.Equal(whole, pieces) {
			t.Fatalf("at once %v, in pieces %v", whole, pieces)
		}
	})
}
