package agent

import (
	"bytes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"russet/vphone/agent/internal/keybag"
	"russet/vphone/agent/internal/link"
)

// maxPlist bounds the property lists read from a backup: an Info.plist of 58
// MB was seen. [T]
const maxPlist = 256 << 20

// fetch reads one small file of the backup into memory.
func (s *session) fetch(path string) ([]byte, error) {
	var content bytes.Buffer
	err := s.fetchTo(path, func(r io.Reader) error {
		n, err := io.Copy(&content, io.LimitReader(r, maxPlist+1))
		if err == nil && n > maxPlist {
			return fail(codeDamaged, nil, "%q is too large", path)
		}
		return err
	})
	return content.Bytes(), err
}

// fetchTo reads one file of the backup. What the host says about a missing
// file comes back as a *link.Failure or *link.FileError.
func (s *session) fetchTo(path string, take func(io.Reader) error) error {
	const request = "DLMessageDownloadFiles"
	d, err := s.link.StartDownload(0, []string{path})
	if err != nil {
		return err
	}
	_, sent, err := d.Next()
	if err != nil {
		return err
	}
	var taken error
	if sent {
		taken = take(d)
	}
	if taken != nil && !inStep(taken) {
		return taken
	}
	status, err := d.Finish()
	if err != nil {
		return err
	}
	if taken != nil {
		return taken
	}
	if err := status.Err(request, path); err != nil {
		return err
	}
	if !sent {
		return &link.Failure{Request: request, Status: link.Status{Code: link.CodeNotFound, Text: "not sent"}}
	}
	return nil
}

// fetchManifest reads the backup's Manifest.db into a file, deciphered when a
// key is given, and returns the SHA-256 of what the host sent.
func (s *session) fetchManifest(path, into string, key *keybag.Key) (sum [sha256.Size]byte, err error) {
	f, err := os.OpenFile(into, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return sum, fmt.Errorf("making room for Manifest.db: %w", err)
	}
	defer f.Close()
	hash := sha256.New()
	err = s.fetchTo(path, func(r io.Reader) error {
		r = io.TeeReader(r, hash)
		if key == nil {
			_, err := io.Copy(f, r)
			return err
		}
		return decryptTo(f, r, keybag.NewDecrypter(*key))
	})
	if err == nil {
		err = f.Close()
	}
	return [sha256.Size]byte(hash.Sum(nil)), err
}

// decryptTo deciphers a whole file and removes its padding.
func decryptTo(w io.Writer, r io.Reader, mode cipher.BlockMode) error {
	d := newDecrypter(r, mode)
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{d}, make([]byte, 256<<10)); err != nil {
		if errors.Is(err, keybag.ErrPadding) {
			return fail(codeDamaged, err, "Error decrypting a file")
		}
		return err
	}
	return nil
}

// decrypter is the content of an encrypted file being read.
type decrypter struct {
	r     io.Reader
	mode  cipher.BlockMode
	buf   []byte
	ready []byte // deciphered, not yet given out
	tail  []byte // ciphertext held back: up to a block, perhaps the last
	err   error
}

const decryptBuffer = 128 << 10

func newDecrypter(r io.Reader, mode cipher.BlockMode) *decrypter {
	return &decrypter{r: r, mode: mode, buf: make([]byte, decryptBuffer)}
}

// Read gives out all but the padding. A file that ends inside a block, or with
// wrong padding, ends with keybag.ErrPadding; one without any bytes is a
// placeholder of a file that is not on the phone, and empty.
func (d *decrypter) Read(p []byte) (int, error) {
	for len(d.ready) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		d.fill()
	}
	n := copy(p, d.ready)
	d.ready = d.ready[n:]
	return n, nil
}

// fill deciphers what can be, holding the last block back until it is known
// whether it is the last.
func (d *decrypter) fill() {
	kept := copy(d.buf, d.tail)
	n, err := io.ReadFull(d.r, d.buf[kept:])
	have := kept + n
	if err == nil {
		whole := (have - 1) / keybag.BlockSize * keybag.BlockSize
		d.tail = append(d.tail[:0], d.buf[whole:have]...)
		d.ready = d.buf[:whole]
		d.mode.CryptBlocks(d.ready, d.ready)
		return
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		d.err = err
		return
	}
	d.err = io.EOF
	if have == 0 {
		return
	}
	if have%keybag.BlockSize != 0 {
		d.err = keybag.ErrPadding
		return
	}
	d.mode.CryptBlocks(d.buf[:have], d.buf[:have])
	content, err := keybag.Unpad(d.buf[:have])
	if err != nil {
		d.err = err
		return
	}
	d.ready = content
}
