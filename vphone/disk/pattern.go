package disk

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"io"
)

// Pattern is content that is described instead of stored: Head, followed by
// bytes drawn from Seed until there are Size of them. The bytes do not
// compress, differ from seed to seed and are the same on every machine.
type Pattern struct {
	Head []byte // never cut: a Size below its length counts as its length
	Seed uint64
	Size int64
}

func (p Pattern) length() int64 { return max(p.Size, int64(len(p.Head))) }

// PatternReader reads a Pattern. A Disk that is given an unread one to Put
// keeps the description only, which is how gigabytes of film fit into a test.
type PatternReader struct {
	pattern Pattern
	at      int64
	drawn   cipher.Stream
}

// NewPatternReader starts at the pattern's first byte.
func NewPatternReader(p Pattern) *PatternReader { return &PatternReader{pattern: p} }

// Close does nothing.
func (r *PatternReader) Close() error { return nil }

// Len is the number of bytes not yet read.
func (r *PatternReader) Len() int64 { return r.pattern.length() - r.at }

func (r *PatternReader) Read(buf []byte) (int, error) {
	left := r.Len()
	if left == 0 {
		return 0, io.EOF
	}
	buf = buf[:min(int64(len(buf)), left)]
	n := 0
	if r.at < int64(len(r.pattern.Head)) {
		n = copy(buf, r.pattern.Head[r.at:])
	}
	if rest := buf[n:]; len(rest) > 0 {
		if r.drawn == nil {
			r.drawn = keystream(r.pattern.Seed)
		}
		clear(rest)
		r.drawn.XORKeyStream(rest, rest)
	}
	r.at += int64(len(buf))
	return len(buf), nil
}

// WriteTo writes what is left in large pieces.
func (r *PatternReader) WriteTo(w io.Writer) (int64, error) {
	buf := make([]byte, min(r.Len(), 1<<18))
	var total int64
	for r.Len() > 0 {
		n, _ := r.Read(buf)
		n, err := w.Write(buf[:n])
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// keystream is AES in counter mode: with the processor's instructions it is
// several times as fast as any generator in math/rand.
func keystream(seed uint64) cipher.Stream {
	key := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("virtual iPhone content "), seed))
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		panic(err) // only for keys of a wrong length
	}
	return cipher.NewCTR(block, key[16:])
}
