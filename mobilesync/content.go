package mobilesync

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"russet/mobilesync/keybag"
)

// Condition says how a file's content came out of its stored bytes.
type Condition int

// The conditions of a file. A file whose condition is not Whole can be read,
// but must be kept as it is stored.
const (
	Whole     Condition = iota // as it should be
	Dataless                   // a placeholder: stored empty, the content is in iCloud or was left out
	Unpadded                   // without the padding the device adds: another program wrote it
	Truncated                  // cut off: reading ends with keybag.ErrTruncated
	Foreign                    // plain content in an encrypted backup: another program wrote it
)

// String names the condition for people.
func (c Condition) String() string {
	switch c {
	case Whole:
		return "whole"
	case Dataless:
		return "dataless"
	case Unpadded:
		return "unpadded"
	case Truncated:
		return "truncated"
	case Foreign:
		return "not encrypted"
	}
	return fmt.Sprintf("Condition(%d)", int(c))
}

// Payload opens a file as it is stored. It may be missing (fs.ErrNotExist).
func (b *Backup) Payload(r *Record) (fs.File, error) {
	if r.Kind != File {
		return nil, &fs.PathError{Op: "open", Path: r.ID.Name(), Err: fmt.Errorf("a %v has no content", r.Kind)}
	}
	return b.fsys.Open(r.ID.Name())
}

// Plain may be implemented by the files of a folder whose keeper has decrypted
// them: an encrypted backup then opens without its password. ok is false for a
// file of which only the stored bytes are known.
type Plain interface {
	Plain() (content io.ReaderAt, size int64, cond Condition, ok bool)
}

// Content is the content of one file, decrypted as it is read. ReadAt may be
// used by several goroutines.
type Content struct {
	io.ReaderAt
	size   int64
	stored int64
	cond   Condition
	exact  bool
	file   fs.File
	off    int64
}

// Content opens a file's content. Errors: fs.ErrNotExist if the stored bytes
// are missing; ErrEncrypted; ErrUndecryptable if no key fits or the content
// is none although the bytes are as the device sent them;
// errors.ErrUnsupported for encodings never seen.
func (b *Backup) Content(r *Record) (*Content, error) {
	f, err := b.Payload(r)
	if err != nil {
		return nil, err
	}
	c := &Content{file: f}
	if err := b.fillContent(c, r); err != nil {
		return nil, errors.Join(fmt.Errorf("%s/%s: %w", r.Domain, r.Path, err), f.Close())
	}
	return c, nil
}

func (b *Backup) fillContent(c *Content, r *Record) error {
	info, err := c.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: stored as %v", ErrDamaged, info.Mode())
	}
	c.size, c.stored = info.Size(), info.Size()
	if p, ok := c.file.(Plain); ok {
		var known bool
		if c.ReaderAt, c.size, c.cond, known = p.Plain(); known {
			c.exact = c.cond == Whole
			if c.cond == Dataless && r.Size == 0 {
				c.cond = Whole // there is nothing to be missed
			}
			return nil
		}
		c.size = c.stored
	}
	if c.ReaderAt, err = randomAccess(c.file); err != nil {
		return err
	}
	switch {
	case r.Encoding != 0 || r.Compression != 0:
		return fmt.Errorf("content encoding %d, compression %d: %w", r.Encoding, r.Compression, errors.ErrUnsupported)
	case len(r.EncryptionKey) > 0:
		return b.decrypt(c, r)
	case c.size == 0 && r.Size > 0:
		c.cond = Dataless
	case c.size > 0 && b.Encrypted():
		c.cond = Foreign
	default:
		c.exact = true
	}
	return nil
}

// decrypt puts the decrypted content in the place of the stored one.
func (b *Backup) decrypt(c *Content, r *Record) error {
	switch {
	case b.keys == nil && b.source != nil && b.source.known:
		return fmt.Errorf("%w: its key was not found when it was kept", ErrUndecryptable)
	case b.keys == nil:
		return ErrEncrypted
	}
	key, err := b.keys.FileKey(r.EncryptionKey)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUndecryptable, err)
	}
	f, err := keybag.NewFile(c.ReaderAt, c.stored, key)
	if err != nil {
		return err
	}
	stored := c.ReaderAt
	c.ReaderAt, c.size = f, f.Size()
	switch f.Form() {
	case keybag.Padded:
		c.exact = true
		return nil
	case keybag.Empty:
		if r.Size > 0 {
			c.cond = Dataless
		}
		return nil
	case keybag.Unpadded:
		c.cond = Unpadded
	case keybag.Truncated:
		c.cond = Truncated
	}
	if Recognised(stored) && !Recognised(f) {
		c.ReaderAt, c.size, c.cond = stored, c.stored, Foreign
		return nil
	}
	if c.cond != Unpadded || len(r.Digest) == 0 || Recognised(f) {
		return nil
	}
	// The bytes are what the device sent, and still do not decrypt: it is the
	// key that is wrong.
	if same, err := hasDigest(stored, c.stored, r.Digest); err != nil || !same {
		return err
	}
	return fmt.Errorf("%w: no valid padding, yet the digest matches", ErrUndecryptable)
}

func hasDigest(r io.ReaderAt, size int64, digest []byte) (bool, error) {
	h := sha1.New()
	if _, err := io.Copy(h, io.NewSectionReader(r, 0, size)); err != nil {
		return false, err
	}
	return bytes.Equal(h.Sum(nil), digest), nil
}

// Recognised reports whether content begins as files of a common kind do. What
// is stored and is recognised, though it has a key, was never encrypted; what is
// recognised once it is decrypted was decrypted with the right key.
func Recognised(r io.ReaderAt) bool {
	var head [16]byte
	n, err := r.ReadAt(head[:], 0)
	if err != nil && n == 0 {
		return false
	}
	for _, magic := range []string{
		sqliteHeader, "bplist00", "<?xml", "\xFF\xD8\xFF", "\x89PNG\r\n", "GIF8", "PK\x03\x04", "%PDF-",
	} {
		if bytes.HasPrefix(head[:n], []byte(magic)) {
			return true
		}
	}
	return n >= 8 && string(head[4:8]) == "ftyp" // HEIC, MOV, MP4
}

// Size is the length of the content.
func (c *Content) Size() int64 { return c.size }

// StoredSize is the length of the bytes stored for it.
func (c *Content) StoredSize() int64 { return c.stored }

// Condition tells whether the content is sound.
func (c *Content) Condition() Condition { return c.cond }

// Exact reports whether the stored bytes can be made again from content and
// key (or are the content), so that they need not be kept.
func (c *Content) Exact() bool { return c.exact }

// Read implements io.Reader.
func (c *Content) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.ReadAt(p, c.off)
	c.off += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// Seek implements io.Seeker.
func (c *Content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.off
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 {
		return 0, fs.ErrInvalid
	}
	c.off = offset
	return offset, nil
}

// Close closes the stored file.
func (c *Content) Close() error { return c.file.Close() }
