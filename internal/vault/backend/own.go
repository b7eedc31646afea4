package backend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/kopia/kopia/repo/blob"
)

// ownPrefix begins the names of the blobs that are russet's and not kopia's.
const ownPrefix = "russet."

func checkOwn(op, name string) error {
	if !strings.HasPrefix(name, ownPrefix) || len(name) > 100 || strings.ContainsAny(name, "/\\\x00") {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return nil
}

// Get reads one of russet's own blobs, of at most limit bytes; fs.ErrNotExist
// when it is not there.
func (b *Backend) Get(ctx context.Context, name string, limit int64) ([]byte, error) {
	if err := checkOwn("get", name); err != nil {
		return nil, err
	}
	// Asked first: an answer that is too long is better not begun.
	m, err := b.GetMetadata(ctx, blob.ID(name))
	if err != nil {
		return nil, notExist("get", name, err)
	}
	if m.Length > limit {
		return nil, fmt.Errorf("get %q: longer than %d bytes", name, limit)
	}
	out := output{limit: limit}
	if err := b.GetBlob(ctx, blob.ID(name), 0, -1, &out); err != nil {
		return nil, notExist("get", name, err)
	}
	return out.Bytes(), nil
}

func notExist(op, name string, err error) error {
	if errors.Is(err, blob.ErrBlobNotFound) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return err
}

// Put writes one of russet's own blobs, over what was there.
func (b *Backend) Put(ctx context.Context, name string, data []byte) error {
	if err := checkOwn("put", name); err != nil {
		return err
	}
	return b.PutBlob(ctx, blob.ID(name), input(data), blob.PutOptions{})
}

// Remove removes one of russet's own blobs; a missing one is no error.
func (b *Backend) Remove(ctx context.Context, name string) error {
	if err := checkOwn("remove", name); err != nil {
		return err
	}
	return b.DeleteBlob(ctx, blob.ID(name))
}

// List gives the names of russet's own blobs that begin with prefix.
func (b *Backend) List(ctx context.Context, prefix string) ([]string, error) {
	if !strings.HasPrefix(prefix, ownPrefix) {
		return nil, checkOwn("list", prefix)
	}
	var names []string
	err := b.ListBlobs(ctx, blob.ID(prefix), func(m blob.Metadata) error {
		names = append(names, string(m.BlobID))
		return nil
	})
	return names, err
}

// input is bytes as kopia takes them.
type input []byte

func (in input) Length() int { return len(in) }

func (in input) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(in)
	return int64(n), err
}

func (in input) Reader() io.ReadSeekCloser { return nopCloser{bytes.NewReader(in)} }

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

// output is where kopia puts bytes, up to a limit.
type output struct {
	bytes.Buffer
	limit int64
}

// Length is how many there are.
func (o *output) Length() int { return o.Len() }

func (o *output) Write(p []byte) (int, error) {
	if int64(o.Len()+len(p)) > o.limit {
		return 0, fmt.Errorf("longer than %d bytes", o.limit)
	}
	return o.Buffer.Write(p)
}

// ReadFrom must not be bytes.Buffer's: that knows no limit.
func (o *output) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{o}, r)
}
