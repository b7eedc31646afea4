package keybag_test

import (
	"bytes"
	"io"
	"testing"

	"russet/mobilesync/keybag"
)

func BenchmarkDerive(b *testing.B) {
	v := bag(b, "real-rounds")
	bag := parse(b, v)
	for b.Loop() {
		k, err := bag.Derive(b.Context(), v.Password, nil)
		if err != nil || !bytes.Equal(k.Bytes(), v.KEK.b) {
			b.Fatal(err)
		}
	}
}

func BenchmarkFileKey(b *testing.B) {
	u := unlocked(b, "fast-ascii")
	wrapped, err := u.WrapFileKey(3, keybag.Key{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := u.FileKey(wrapped); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecrypt(b *testing.B) {
	stored := make([]byte, 16<<20)
	buf := make([]byte, 256<<10)
	b.Run("stream", func(b *testing.B) {
		b.SetBytes(int64(len(stored)))
		for b.Loop() {
			if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, keybag.DecryptReader(bytes.NewReader(stored), keybag.Key{}), buf); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("random", func(b *testing.B) {
		f, err := keybag.NewFile(bytes.NewReader(stored), int64(len(stored)), keybag.Key{})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(f.Size())
		for b.Loop() {
			for off := int64(0); off < f.Size(); off += int64(len(buf)) {
				if _, err := f.ReadAt(buf, off); err != nil && err != io.EOF {
					b.Fatal(err)
				}
			}
		}
	})
}

func BenchmarkEncrypt(b *testing.B) {
	plain := make([]byte, 16<<20)
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		w := keybag.EncryptWriter(io.Discard, keybag.Key{})
		if _, err := w.Write(plain); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
