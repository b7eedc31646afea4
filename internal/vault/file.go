package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"russet/internal/facts"
	"russet/internal/vault/depot"
	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

var errEnd = io.EOF

// errChecksum: the bytes in the vault are not those the device sent. Kopia's
// own check of every chunk makes it next to impossible.
var errChecksum = errors.New("the stored bytes are not what the device sent")

// file is an open file of a backup as the device stored it. What is kept as
// content is encrypted again while it is read; at its end, read from front to
// back, it is compared with the checksum taken when it came.
type file struct {
	entry *entry
	info  info
	bytes *depot.Reader // what is in the vault
	off   int64         // of the next Read
	make  *maker        // of the stored form; nil when it is what is in the vault
	hash  hash.Hash     // of what was read so far, from the start; nil after a jump
}

func openEntry(ctx context.Context, from objects, e *entry, i info) (*file, error) {
	r, err := from.Reader(ctx, e.id)
	if err != nil {
		return nil, err
	}
	if r.Size() != e.Size {
		return nil, errors.Join(fmt.Errorf("%w: %q has %d bytes in the vault, not %d", errIndex, e.Name, r.Size(), e.Size), r.Close())
	}
	f := &file{entry: e, info: i, bytes: r, hash: sha256.New()}
	if e.Rebuild == rebuildCBC {
		f.make = &maker{content: io.NewSectionReader(r, 0, e.Size), key: *e.Key.key}
	}
	return f, nil
}

// Stat implements fs.File.
func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }

// Close implements fs.File.
func (f *file) Close() error { return f.bytes.Close() }

// Read implements io.Reader.
func (f *file) Read(p []byte) (int, error) {
	if f.off >= f.entry.Stored {
		return 0, f.end()
	}
	n, err := f.ReadAt(p[:min(int64(len(p)), f.entry.Stored-f.off)], f.off)
	if f.hash != nil {
		f.hash.Write(p[:n]) //nolint:errcheck // hashes do not fail
	}
	f.off += int64(n)
	if errors.Is(err, io.EOF) && n > 0 {
		err = nil
	}
	if f.off == f.entry.Stored && err == nil && f.end() != io.EOF { //nolint:errorlint // end returns it bare
		// A reader that knows the size asks for no more: it must not miss this.
		return n, f.end()
	}
	return n, err
}

// end is io.EOF, unless what was read is not what the device sent.
func (f *file) end() error {
	if f.hash != nil && !bytes.Equal(f.hash.Sum(nil), f.entry.Sum[:]) {
		return fmt.Errorf("%q: %w", f.entry.Name, errChecksum)
	}
	return io.EOF
}

// Seek implements io.Seeker.
func (f *file) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.off
	case io.SeekEnd:
		offset += f.entry.Stored
	}
	if offset < 0 {
		return 0, &fs.PathError{Op: "seek", Path: f.entry.Name, Err: fs.ErrInvalid}
	}
	switch {
	case offset == f.off:
	case offset == 0:
		f.hash = sha256.New()
	default:
		f.hash = nil
	}
	f.off = offset
	return offset, nil
}

// ReadAt implements io.ReaderAt. Ciphertext is made from the front: reading it
// backwards is slow, and nobody does.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	switch {
	case off < 0:
		return 0, &fs.PathError{Op: "read", Path: f.entry.Name, Err: fs.ErrInvalid}
	case f.make == nil:
		return f.bytes.ReadAt(p, off)
	default:
		return f.make.readAt(p, off, f.entry.Stored)
	}
}

// Plain implements mobilesync.Plain: the content, without any password.
func (f *file) Plain() (io.ReaderAt, int64, mobilesync.Condition, bool) {
	switch {
	case f.entry.Rebuild == rebuildCBC:
		return f.bytes, f.entry.Size, mobilesync.Whole, true
	case f.entry.Why == "":
		return f.bytes, f.entry.Size, mobilesync.Whole, f.entry.Name == facts.ManifestDB
	case f.entry.Why == whyForeign:
		return f.bytes, f.entry.Size, mobilesync.Foreign, true
	case f.entry.Why == whyDataless:
		return bytes.NewReader(nil), 0, mobilesync.Dataless, true
	case f.entry.Key.key == nil:
		return nil, 0, 0, false
	}
	k, err := keybag.NewFile(f.bytes, f.entry.Size, *f.entry.Key.key)
	if err != nil {
		return nil, 0, 0, false
	}
	switch k.Form() {
	case keybag.Padded:
		return k, k.Size(), mobilesync.Whole, true
	case keybag.Truncated:
		return k, k.Size(), mobilesync.Truncated, true
	default:
		return k, k.Size(), mobilesync.Unpadded, true
	}
}

// FileKey is the key of the file's stored form, for another vault that takes
// it over.
func (f *file) FileKey() (keybag.Key, bool) {
	if f.entry.Key.key == nil {
		return keybag.Key{}, false
	}
	return *f.entry.Key.key, true
}

// StoredSum is the SHA-256 of what the device sent, for the same.
func (f *file) StoredSum() [sha256.Size]byte { return f.entry.Sum }

// Why is why the file is kept as it came, for the same.
func (f *file) Why() string { return f.entry.Why }

// maker encrypts content on its way out.
type maker struct {
	content io.ReadSeeker
	key     keybag.Key
	off     int64 // of what comes next
	buf     bytes.Buffer
	enc     io.WriteCloser // into buf; nil before the start
	done    bool
	piece   []byte
}

func (m *maker) readAt(p []byte, off, size int64) (int, error) {
	if off < m.off || m.enc == nil {
		if _, err := m.content.Seek(0, io.SeekStart); err != nil {
			return 0, err
		}
		m.off, m.done = 0, false
		m.buf.Reset()
		m.enc = keybag.EncryptWriter(&m.buf, m.key)
	}
	if m.piece == nil {
		m.piece = make([]byte, 128<<10)
	}
	n := 0
	for n < len(p) && off+int64(n) < size {
		if m.buf.Len() == 0 {
			if m.done {
				return n, io.ErrUnexpectedEOF
			}
			if err := m.more(); err != nil {
				return n, err
			}
			continue
		}
		if skip := off + int64(n) - m.off; skip > 0 {
			m.off += int64(len(m.buf.Next(int(min(skip, int64(m.buf.Len()))))))
			continue
		}
		k, _ := m.buf.Read(p[n:])
		n, m.off = n+k, m.off+int64(k)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// more encrypts the next piece.
func (m *maker) more() error {
	m.buf.Reset()
	n, err := io.ReadFull(m.content, m.piece)
	if n > 0 {
		if _, err := m.enc.Write(m.piece[:n]); err != nil {
			return err
		}
	}
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		m.done = true
		return m.enc.Close()
	default:
		return err
	}
}
