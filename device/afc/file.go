package afc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Mode says how to open a file.
type Mode uint64

// The modes, as in C's fopen.
const (
	ReadOnly  Mode = 1 // "r"
	ReadWrite Mode = 2 // "r+", but makes the file if there is none
	WriteOnly Mode = 3 // "w": truncates
	Truncate  Mode = 4 // "w+": truncates
	Append    Mode = 5 // "a"
)

// File is an open file on the device.
type File struct {
	c      *Client
	path   string
	handle uint64
}

// Open opens a file; it must be closed.
func (c *Client) Open(ctx context.Context, path string, mode Mode) (*File, error) {
	params, err := names(opOpen, path)
	if err != nil {
		return nil, err
	}
	answer, err := c.call(ctx, opOpen, path, append(words(uint64(mode)), params...), nil)
	if err != nil {
		return nil, err
	}
	handle, ok := answer.number()
	if answer.op != opOpened || !ok {
		return nil, c.unexpected(opOpen, answer.op)
	}
	return &File{c, path, handle}, nil
}

// Read reads the next bytes, up to len(p), and returns io.EOF at the end.
func (f *File) Read(ctx context.Context, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	want := min(len(p), chunkSize)
	body, err := f.c.data(ctx, opRead, f.path, words(f.handle, uint64(want)))
	switch {
	case err != nil:
		return 0, err
	case len(body) == 0:
		return 0, io.EOF
	case len(body) > want:
		return 0, fmt.Errorf("afc read %q: %d bytes came for %d", f.path, len(body), want)
	}
	return copy(p, body), nil
}

// Write writes all of p.
func (f *File) Write(ctx context.Context, p []byte) (int, error) {
	done := 0
	for done < len(p) {
		chunk := p[done:min(done+chunkSize, len(p))]
		if err := f.c.status(ctx, opWrite, f.path, words(f.handle), chunk); err != nil {
			return done, err
		}
		done += len(chunk)
	}
	return done, nil
}

// Seek moves to an offset from the start (io.SeekStart), the current position
// or the end, and returns the new position.
func (f *File) Seek(ctx context.Context, offset int64, whence int) (int64, error) {
	params := words(f.handle, uint64(whence), uint64(offset))
	if err := f.c.status(ctx, opSeek, f.path, params, nil); err != nil {
		return 0, err
	}
	answer, err := f.c.call(ctx, opTell, f.path, words(f.handle), nil)
	if err != nil {
		return 0, err
	}
	at, ok := answer.number()
	if answer.op != opPosition || !ok || int64(at) < 0 {
		return 0, f.c.unexpected(opTell, answer.op)
	}
	return int64(at), nil
}

// Truncate sets the size of the file.
func (f *File) Truncate(ctx context.Context, size int64) error {
	return f.c.status(ctx, opSetSize, f.path, words(f.handle, uint64(size)), nil)
}

// The kinds of lock a file can have; they are those of flock.
const (
	lockExclusive = 2 | 4 // and do not wait
	lockShared    = 1 | 4
	lockNone      = 8 | 4
)

// Lock locks the file for this connection alone. It does not wait: a lock held
// by another is [WouldBlock].
func (f *File) Lock(ctx context.Context) error {
	return f.c.status(ctx, opLock, f.path, words(f.handle, lockExclusive), nil)
}

// LockShared locks the file together with others that lock it so.
func (f *File) LockShared(ctx context.Context) error {
	return f.c.status(ctx, opLock, f.path, words(f.handle, lockShared), nil)
}

// Unlock gives up the lock.
func (f *File) Unlock(ctx context.Context) error {
	return f.c.status(ctx, opLock, f.path, words(f.handle, lockNone), nil)
}

// Close closes the file and gives up its lock.
func (f *File) Close(ctx context.Context) error {
	return f.c.status(ctx, opClose, f.path, words(f.handle), nil)
}

// Stream makes the file an io.ReadWriteSeeker whose calls end with ctx.
func (f *File) Stream(ctx context.Context) io.ReadWriteSeeker { return stream{ctx, f} }

type stream struct {
	ctx context.Context
	f   *File
}

func (s stream) Read(p []byte) (int, error)                { return s.f.Read(s.ctx, p) }
func (s stream) Write(p []byte) (int, error)               { return s.f.Write(s.ctx, p) }
func (s stream) Seek(off int64, whence int) (int64, error) { return s.f.Seek(s.ctx, off, whence) }

// ReadFile reads a whole file of at most limit bytes.
func (c *Client) ReadFile(ctx context.Context, path string, limit int64) (data []byte, err error) {
	f, err := c.Open(ctx, path, ReadOnly)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(ctx)) }()
	data, err = io.ReadAll(io.LimitReader(f.Stream(ctx), limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, fmt.Errorf("afc read %q: more than %d bytes", path, limit)
	}
	return data, err
}

// WriteFile replaces a file.
func (c *Client) WriteFile(ctx context.Context, path string, data []byte) (err error) {
	f, err := c.Open(ctx, path, WriteOnly)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(ctx)) }()
	_, err = f.Write(ctx, data)
	return err
}

// SetModTime sets the time a file was last changed.
func (c *Client) SetModTime(ctx context.Context, path string, t time.Time) error {
	params, err := names(opSetModTime, path)
	if err != nil {
		return err
	}
	return c.status(ctx, opSetModTime, path, append(words(uint64(t.UnixNano())), params...), nil)
}
