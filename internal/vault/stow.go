package vault

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"io"
	"strings"

	"russet/internal/vault/depot"
	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

// source is a file as it was received.
type source interface {
	io.ReaderAt
	Size() int64
	Close() error
}

// stowed is what became of a file in the vault.
type stowed struct {
	id      depot.ID
	length  int64 // in the vault
	content sum   // of what is in the vault
	sum     sum   // of what was received
	cbc     bool  // the vault has the content
	why     string
	legible bool // decrypted it begins as files of a common kind do
}

// settle adds what the file's row says to why it is kept as it came.
func (s *stowed) settle(row *mobilesync.Record) {
	if s.why == whyUnpadded && !s.legible && row != nil && len(row.Digest) == sha1.Size {
		s.why = whyNoKey // it is just what the device sent, so it is the key that is wrong
	}
}

// stow writes a file to the vault: its content where key opens it and makes the
// very same ciphertext again, else what was received. want is the checksum of
// what was received; nil when nobody has taken it yet. path, which may be "",
// is the file's on the device.
func (w *session) stow(ctx context.Context, src source, key *keybag.Key, want *sum, path string) (stowed, error) {
	why, legible := "", false
	if key != nil {
		f, err := keybag.NewFile(src, src.Size(), *key)
		if err != nil {
			return stowed{}, err
		}
		legible = mobilesync.Recognised(f)
		switch f.Form() {
		case keybag.Padded:
			s, err := w.stowContent(ctx, src, *key, want, path)
			if !errors.Is(err, errNotExact) {
				return s, err
			}
			why = whyUnpadded
		case keybag.Empty:
			why = whyDataless
		case keybag.Unpadded:
			why = whyUnpadded
		case keybag.Truncated:
			why = whyTruncated
		}
		if (why == whyUnpadded || why == whyTruncated) && !legible && mobilesync.Recognised(src) {
			why = whyForeign
		}
	}
	in := io.NewSectionReader(src, 0, src.Size())
	s := stowed{why: why, legible: legible}
	out := sha256.New()
	var err error
	s.id, s.length, err = w.write(ctx, in, path, out)
	out.Sum(s.content[:0])
	s.sum = s.content
	if err == nil && want != nil && s.sum != *want {
		err = errChecksum
	}
	return s, err
}

// errNotExact: encrypting the content again gave other bytes.
var errNotExact = errors.New("the content does not make the same ciphertext")

// stowContent decrypts a file, and encrypts it again to see that it comes back.
func (w *session) stowContent(ctx context.Context, src source, key keybag.Key, want *sum, path string) (stowed, error) {
	stored, again, content := sha256.New(), sha256.New(), sha256.New()
	var in io.Reader = io.NewSectionReader(src, 0, src.Size())
	if want == nil {
		in = io.TeeReader(in, stored)
	}
	enc := keybag.EncryptWriter(again, key)
	s := stowed{cbc: true}
	check := newBeside(src.Size(), func(p []byte) error {
		content.Write(p) //nolint:errcheck // hashes do not fail
		_, err := enc.Write(p)
		return err
	})
	var err error
	s.id, s.length, err = w.write(ctx, keybag.DecryptReader(in, key), path, check)
	if err = errors.Join(err, check.end()); err != nil {
		return s, err
	}
	if err := enc.Close(); err != nil {
		return s, err
	}
	again.Sum(s.sum[:0])
	content.Sum(s.content[:0])
	if want == nil {
		want = new(sum)
		stored.Sum(want[:0])
	}
	if s.sum != *want {
		return s, errNotExact
	}
	return s, nil
}

// stowKnown keeps content that is known already, of a file whose stored form
// another vault has proven to follow from it; want is that form's checksum.
func (w *session) stowKnown(ctx context.Context, content io.Reader, key keybag.Key, want sum, path string) (stowed, error) {
	again, plain := sha256.New(), sha256.New()
	enc := keybag.EncryptWriter(again, key)
	s := stowed{cbc: true}
	var err error
	if s.id, s.length, err = w.write(ctx, content, path, io.MultiWriter(plain, enc)); err != nil {
		return s, err
	}
	if err = enc.Close(); err != nil {
		return s, err
	}
	again.Sum(s.sum[:0])
	plain.Sum(s.content[:0])
	if s.sum != want {
		return s, errNotExact
	}
	return s, nil
}

const copyBuffer = 256 << 10

// write writes a stream as one object; also sees every byte of it.
func (w *session) write(ctx context.Context, in io.Reader, path string, also io.Writer) (depot.ID, int64, error) {
	buf := make([]byte, copyBuffer)
	n, err := io.ReadFull(in, buf)
	out := w.Writer(kindOf(buf[:n], path))
	var size int64
	for {
		if n > 0 {
			size += int64(n)
			if _, e := out.Write(buf[:n]); e != nil {
				out.Abort()
				return "", size, e
			}
			also.Write(buf[:n]) //nolint:errcheck // it is a hash, or tells in the end
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			out.Abort()
			return "", size, err
		}
		n, err = io.ReadFull(in, buf)
	}
	id, err := out.Result()
	return id, size, err
}

// kindOf decides how a file is cut, by how it begins. Databases change page by
// page. A -wal has frames that are no multiple of a page long, so it is left to
// the cut that follows the content.
func kindOf(head []byte, path string) depot.Kind {
	switch {
	case bytes.HasPrefix(head, []byte("SQLite format 3\x00")):
		return depot.Pages
	case strings.HasSuffix(path, "-wal"):
		return depot.Stream
	case isCompressed(head):
		return depot.Media
	default:
		return depot.Stream
	}
}

// isCompressed knows the files that no compressor makes smaller. Who looks like
// one and is none costs space, nothing else.
func isCompressed(head []byte) bool {
	for _, magic := range []string{"\xFF\xD8\xFF", "\x89PNG\r\n", "GIF8", "PK\x03\x04", "\x1f\x8b\x08", "ID3", "\x28\xb5\x2f\xfd", "RIFF"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return len(head) >= 12 && string(head[4:8]) == "ftyp" // HEIC, MOV, MP4, M4A
}

// beside does work on the pieces of a big stream on another core; small ones
// are done at once.
type beside struct {
	do    func([]byte) error
	work  chan []byte // nil for small streams
	spare chan []byte
	done  chan struct{}
	err   error
}

// besideFrom is the size from which the other core is worth it.
const besideFrom = 4 << 20

func newBeside(size int64, do func([]byte) error) *beside {
	b := &beside{do: do}
	if size < besideFrom {
		return b
	}
	b.work, b.spare, b.done = make(chan []byte, 4), make(chan []byte, 6), make(chan struct{})
	go func() {
		defer close(b.done)
		for p := range b.work {
			if b.err == nil {
				b.err = do(p)
			}
			select {
			case b.spare <- p:
			default:
			}
		}
	}()
	return b
}

func (b *beside) Write(p []byte) (int, error) {
	if b.work == nil {
		if b.err == nil {
			b.err = b.do(p)
		}
		return len(p), nil
	}
	var q []byte
	select {
	case q = <-b.spare:
	default:
	}
	b.work <- append(q[:0], p...)
	return len(p), nil
}

// end waits for the work and returns its error.
func (b *beside) end() error {
	if b.work != nil {
		close(b.work)
		<-b.done
	}
	return b.err
}
