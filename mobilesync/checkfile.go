package mobilesync

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"io"
	"io/fs"

	"russet/internal/sqlitefs"
)

// file checks one file from CheckPadding up. An error of one file is a
// problem of that file.
func (c *checker) file(r *Record) error {
	if c.level < CheckPadding {
		return nil
	}
	content, err := c.b.Content(r)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // the listing of the folders tells
	case errors.Is(err, ErrUndecryptable) || errors.Is(err, errors.ErrUnsupported):
		c.about(r, ProblemUndecryptable, "%v", err)
		return nil
	case err != nil:
		c.about(r, ProblemUnreadable, "%v", err)
		return nil
	}
	c.condition(r, content)
	if c.level >= CheckDigest && content.Condition() != Dataless {
		err = c.digest(r)
	}
	if err == nil && c.level >= CheckDatabases {
		err = c.database(r, content)
	}
	if closeErr := content.Close(); closeErr != nil {
		c.about(r, ProblemUnreadable, "%v", closeErr)
	}
	return err
}

func (c *checker) condition(r *Record, content *Content) {
	switch content.Condition() {
	case Dataless:
		c.sum.Dataless++
	case Unpadded:
		c.about(r, ProblemUnpadded, "the padding at the end is not valid")
	case Truncated:
		c.about(r, ProblemTruncated, "%d bytes are not whole blocks", content.StoredSize())
	case Foreign:
		c.about(r, ProblemForeign, "plain content in an encrypted backup")
	}
}

// digest reads all stored bytes of a file.
func (c *checker) digest(r *Record) error {
	f, err := c.b.Payload(r)
	if err != nil {
		c.about(r, ProblemUnreadable, "%v", err)
		return nil
	}
	h := sha1.New()
	_, err = io.Copy(h, &cancelReader{c.ctx, f})
	if err = errors.Join(err, f.Close()); err != nil {
		if c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		c.about(r, ProblemUnreadable, "%v", err)
		return nil
	}
	if len(r.Digest) > 0 && !bytes.Equal(h.Sum(nil), r.Digest) {
		c.about(r, ProblemDigest, "SHA-1 is %x, the device sent %x", h.Sum(nil), r.Digest)
	}
	return nil
}

// cancelReader ends with its context: files have gigabytes.
type cancelReader struct {
	ctx context.Context
	r   io.Reader
}

func (r *cancelReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// database has SQLite check a file that is a database, with its -wal.
func (c *checker) database(r *Record, content *Content) error {
	head := make([]byte, len(sqliteHeader))
	if n, _ := content.ReadAt(head, 0); n < len(head) || string(head) != sqliteHeader {
		return nil
	}
	findings, err := c.integrity(r, content)
	switch {
	case c.ctx.Err() != nil:
		return c.ctx.Err()
	case sqlitefs.IsDamaged(err):
		findings = append(findings, err.Error())
	case err != nil:
		// Apps bring functions, collations and virtual tables of their own,
		// which nobody else can run: such a database proves nothing.
		return nil
	}
	c.sum.Databases++
	if len(findings) > 0 {
		c.about(r, ProblemDatabase, "%q", findings)
	}
	return nil
}

func (c *checker) integrity(r *Record, content *Content) ([]string, error) {
	var wal io.ReaderAt
	var walSize int64
	if w, err := c.b.Lookup(c.ctx, r.Domain, r.Path+"-wal"); err == nil && w.Kind == File {
		log, err := c.b.Content(&w)
		if err != nil {
			return nil, err
		}
		defer log.Close()
		wal, walSize = log, log.Size()
	}
	o, err := sqlitefs.NewOverlay(content, content.Size(), wal, walSize)
	if err != nil {
		return nil, err
	}
	db, err := sqlitefs.Open(o, o.Size())
	if err != nil {
		return nil, err
	}
	findings, err := db.Check(c.ctx, false)
	return findings, errors.Join(err, db.Close())
}
