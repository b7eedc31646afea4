package keybag

import (
	"bytes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// streamBuffer is how much a stream decrypts or encrypts at once.
const streamBuffer = 64 << 10

// Reader decrypts a stream, holding back the last block until it is known to
// be the last.
type Reader struct {
	src   io.Reader
	mode  cipher.BlockMode
	buf   []byte // room for a held block, then what is read and decrypted
	ready []byte // the part of buf to be given out
	rest  int    // bytes after the last whole block
	held  [blockSize]byte
	holds bool
	form  Form
	err   error
}

// DecryptReader decrypts what src holds. Content is returned even where the
// padding is wrong; Form tells after the end. A stream that was cut off ends
// with ErrTruncated instead of io.EOF.
func DecryptReader(src io.Reader, key Key) *Reader {
	return &Reader{
		src:  src,
		mode: cipher.NewCBCDecrypter(key.block(), make([]byte, blockSize)),
		buf:  make([]byte, blockSize+streamBuffer),
	}
}

// Form is valid once Read has returned io.EOF or ErrTruncated.
func (r *Reader) Form() Form { return r.form }

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.ready) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.fill()
	}
	n := copy(p, r.ready)
	r.ready = r.ready[n:]
	return n, nil
}

// fill makes the next bytes ready. buf has room for the held block in front
// of what is read.
func (r *Reader) fill() {
	const from = blockSize
	n, err := io.ReadFull(r.src, r.buf[from:])
	switch {
	case err == nil:
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		r.err = io.EOF
	default:
		r.err = fmt.Errorf("read encrypted file: %w", err)
	}
	whole := n - n%blockSize
	blocks := r.buf[from : from+whole]
	r.mode.CryptBlocks(blocks, blocks)
	r.ready = blocks
	if r.holds {
		copy(r.buf, r.held[:])
		r.ready = r.buf[:from+whole]
	}
	r.rest = n % blockSize
	if r.err == nil { // more may come
		r.holds = len(r.ready) > 0
		if r.holds {
			copy(r.held[:], r.ready[len(r.ready)-blockSize:])
			r.ready = r.ready[:len(r.ready)-blockSize]
		}
		return
	}
	r.holds = false
	if errors.Is(r.err, io.EOF) {
		r.finish()
	}
}

// finish judges the end of the stream.
func (r *Reader) finish() {
	switch {
	case r.rest != 0:
		r.form, r.err = Truncated, ErrTruncated
	case len(r.ready) == 0:
		r.form = Empty
	default:
		n, ok := padding(r.ready[len(r.ready)-blockSize:])
		if !ok {
			r.form = Unpadded
		}
		r.ready = r.ready[:len(r.ready)-n]
	}
}

// writer encrypts a stream.
type writer struct {
	dst  io.Writer
	mode cipher.BlockMode
	buf  []byte
	err  error
}

// EncryptWriter encrypts as the device does: what it writes to dst, up to the
// padding that Close adds, equals the stored bytes of a Padded file of this
// key and content. It does not close dst.
func EncryptWriter(dst io.Writer, key Key) io.WriteCloser {
	return &writer{
		dst:  dst,
		mode: cipher.NewCBCEncrypter(key.block(), make([]byte, blockSize)),
		buf:  make([]byte, 0, streamBuffer),
	}
}

func (w *writer) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) && w.err == nil {
		k := min(len(p)-n, cap(w.buf)-len(w.buf))
		w.buf = append(w.buf, p[n:n+k]...)
		n += k
		if len(w.buf) == cap(w.buf) {
			w.flush()
		}
	}
	return n, w.err
}

func (w *writer) flush() {
	w.mode.CryptBlocks(w.buf, w.buf)
	_, w.err = w.dst.Write(w.buf)
	w.buf = w.buf[:0]
}

// Close pads and writes what is left.
func (w *writer) Close() error {
	if w.err != nil {
		return w.err
	}
	n := blockSize - len(w.buf)%blockSize
	for range n {
		w.buf = append(w.buf, byte(n))
	}
	w.flush()
	if w.err == nil {
		w.err = errors.New("write to a closed encryption")
		return nil
	}
	return w.err
}

// RoundTrip reports whether decrypting stored bytes and encrypting the result
// gives them back, which it does for a Padded file and no other.
func RoundTrip(stored io.Reader, key Key) (bool, error) {
	before, after := sha256.New(), sha256.New()
	enc := EncryptWriter(after, key)
	_, err := io.Copy(enc, DecryptReader(io.TeeReader(stored, before), key))
	if errors.Is(err, ErrTruncated) {
		return false, nil
	}
	if err = errors.Join(err, enc.Close()); err != nil {
		return false, err
	}
	return bytes.Equal(before.Sum(nil), after.Sum(nil)), nil
}
