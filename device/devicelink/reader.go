package devicelink

import (
	"encoding/binary"
	"io"
)

// reader is the one buffer between the connection and everything that reads.
// What it hands out are views of the buffer, valid until the next call: file
// data goes from here straight into a file.
type reader struct {
	src  io.Reader
	buf  []byte
	r, w int
}

// peek returns the next n bytes, n ≤ len(buf), without taking them.
func (b *reader) peek(n int) ([]byte, error) {
	for b.w-b.r < n {
		if b.r == b.w {
			b.r, b.w = 0, 0
		} else if b.r+n > len(b.buf) {
			b.w = copy(b.buf, b.buf[b.r:b.w])
			b.r = 0
		}
		k, err := b.src.Read(b.buf[b.w:])
		b.w += k
		if err != nil {
			return nil, err
		}
	}
	return b.buf[b.r : b.r+n], nil
}

// Sizes of the pieces in which file data is handed on: a frame of up to
// wholeFrame bytes in one piece, larger ones in pieces of at least that.
const (
	wholeFrame = 64 << 10
	pieceSize  = 128 << 10
)

// piece returns the next bytes of a frame of which n are left, without taking
// them.
func (b *reader) piece(n int) ([]byte, error) {
	if have := b.w - b.r; have >= min(n, wholeFrame) {
		return b.buf[b.r : b.r+min(n, have)], nil
	}
	return b.peek(min(n, pieceSize))
}

// take drops n bytes that were peeked.
func (b *reader) take(n int) { b.r += n }

// uint32 reads a big-endian length.
func (b *reader) uint32() (uint32, error) {
	p, err := b.peek(4)
	if err != nil {
		return 0, err
	}
	b.take(4)
	return binary.BigEndian.Uint32(p), nil
}

// discard reads n bytes and drops them.
func (b *reader) discard(n int) error {
	for n > 0 {
		p, err := b.peek(min(n, len(b.buf)))
		if err != nil {
			return err
		}
		b.take(len(p))
		n -= len(p)
	}
	return nil
}

// full reads n bytes into memory of their own, which grows with what arrives:
// the length alone takes none.
func (b *reader) full(n int) ([]byte, error) {
	var out []byte
	for n > 0 {
		p, err := b.peek(min(n, len(b.buf)))
		if err != nil {
			return nil, err
		}
		out = append(out, p...)
		b.take(len(p))
		n -= len(p)
	}
	return out, nil
}
