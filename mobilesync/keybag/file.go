package keybag

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
)

const blockSize = aes.BlockSize

// Form says what became of the padding of an encrypted file. The device pads
// everything it sends, multiples of 16 and empty files too; other forms come
// from placeholders, third parties' tools and accidents. Only a Padded file
// can be encrypted again to the same bytes: keep the stored bytes of others.
type Form int

// The forms of an encrypted file.
const (
	Padded    Form = iota // sound; the content is what stood before the padding
	Empty                 // no bytes at all: a placeholder, its content is in iCloud
	Unpadded              // whole blocks, the last without valid padding: all of it is the content
	Truncated             // not whole blocks: cut off; the whole blocks are salvaged
)

// String names the form.
func (f Form) String() string {
	switch f {
	case Padded:
		return "padded"
	case Empty:
		return "empty"
	case Unpadded:
		return "unpadded"
	case Truncated:
		return "truncated"
	}
	return fmt.Sprintf("Form(%d)", int(f))
}

// ErrTruncated is returned at the end of a truncated file, after all that
// could be salvaged.
var ErrTruncated = errors.New("encrypted file is cut off")

// padding returns how many bytes of the last block are PKCS#7 padding,
// strictly: from 1 to 16 bytes of their own number. ok is false otherwise.
func padding(last []byte) (n int, ok bool) {
	n = int(last[blockSize-1])
	if n < 1 || n > blockSize {
		return 0, false
	}
	for _, b := range last[blockSize-n:] {
		if int(b) != n {
			return 0, false
		}
	}
	return n, true
}

// File reads an encrypted file at random: each block needs only the stored
// one before it. It is safe for use by several goroutines if the stored
// bytes are.
type File struct {
	stored io.ReaderAt
	block  cipher.Block
	size   int64
	whole  int64 // stored bytes in whole blocks
	form   Form
}

// NewFile looks at the end of the size stored bytes to learn the content's
// length and form.
func NewFile(stored io.ReaderAt, size int64, key Key) (*File, error) {
	f := &File{stored: stored, block: key.block(), whole: size - size%blockSize}
	f.size = f.whole
	switch {
	case size == 0:
		f.form = Empty
	case size%blockSize != 0:
		f.form = Truncated
	default:
		var last [blockSize]byte
		if err := f.decryptAt(last[:], size-blockSize); err != nil {
			return nil, err
		}
		n, ok := padding(last[:])
		if ok && size%pageSize == 0 {
			// A database whose last byte happens to be 1, without padding.
			var err error
			if ok, err = f.noDatabase(); err != nil {
				return nil, err
			}
		}
		if !ok {
			f.form, n = Unpadded, 0
		}
		f.size -= int64(n)
	}
	return f, nil
}

// pageSize is the smallest of a SQLite database, which is always a whole number
// of pages.
const pageSize = 512

// noDatabase looks at the first block.
func (f *File) noDatabase() (bool, error) {
	var first [blockSize]byte
	err := f.decryptAt(first[:], 0)
	return string(first[:]) != "SQLite format 3\x00", err
}

// Form tells whether the file is sound.
func (f *File) Form() Form { return f.form }

// Size is the length of the content. A record's Size is another: what the
// file measured when the device listed it.
func (f *File) Size() int64 { return f.size }

// decryptAt decrypts whole blocks in place of p.
func (f *File) decryptAt(p []byte, off int64) error {
	var iv [blockSize]byte
	if off > 0 {
		if err := readFull(f.stored, iv[:], off-blockSize); err != nil {
			return err
		}
	}
	if err := readFull(f.stored, p, off); err != nil {
		return err
	}
	cipher.NewCBCDecrypter(f.block, iv[:]).CryptBlocks(p, p)
	return nil
}

// readFull does not take an early end for an answer: the length was known.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read encrypted file: %w", err)
}

// ReadAt implements io.ReaderAt. What was cut off reads as ErrTruncated
// instead of io.EOF.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read encrypted file at %d", off)
	}
	if off >= f.size {
		return 0, f.end()
	}
	var end error
	if int64(len(p)) > f.size-off {
		p, end = p[:f.size-off], f.end()
	}
	n := 0
	for n < len(p) {
		k, err := f.readSome(p[n:], off+int64(n))
		n += k
		if err != nil {
			return n, err
		}
	}
	return n, end
}

// readSome decrypts straight into p as many whole blocks as fit, or a part of
// one block by a detour.
func (f *File) readSome(p []byte, off int64) (int, error) {
	in := int(off % blockSize)
	if in == 0 && len(p) >= blockSize {
		n := len(p) - len(p)%blockSize
		return n, f.decryptAt(p[:n], off)
	}
	var one [blockSize]byte
	if err := f.decryptAt(one[:], off-int64(in)); err != nil {
		return 0, err
	}
	return copy(p, one[in:]), nil
}

func (f *File) end() error {
	if f.form == Truncated {
		return ErrTruncated
	}
	return io.EOF
}
