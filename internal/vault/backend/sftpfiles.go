package backend

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
	"strings"
	"time"

	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/blob/retrying"
	"github.com/kopia/kopia/repo/blob/sharded"
	"github.com/pkg/sftp"
)

// sftpStorage keeps blobs as kopia's own SFTP storage does, in the same files.
// Kopia's cannot be used: its connection cannot be closed while the server does
// not answer, nor made with a limit of time, so that whoever asks is held until
// TCP gives up.
type sftpStorage struct {
	sharded.Storage
	blob.DefaultProviderImplementation
	files *sftpFiles
}

func newSFTP(o Options, heard func()) blob.Storage {
	f := &sftpFiles{o: o, heard: heard, turn: make(chan struct{}, 1)}
	s := &sftpStorage{Storage: sharded.New(f, o.Location.Path, shards(), o.Create), files: f}
	return retrying.NewWrapper(s)
}

// ConnectionInfo implements blob.Storage; nobody asks: see Backend.
func (s *sftpStorage) ConnectionInfo() blob.ConnectionInfo { return blob.ConnectionInfo{} }

// DisplayName implements blob.Storage.
func (s *sftpStorage) DisplayName() string { return s.files.o.Location.String() }

// Close ends the connection.
func (s *sftpStorage) Close(context.Context) error {
	s.files.turn <- struct{}{}
	defer func() { <-s.files.turn }()
	s.files.closed = true
	s.files.drop(s.files.conn)
	return nil
}

// sftpFiles are the files of a vault on an SFTP server; it implements
// sharded.Impl. All calls share one connection, which is made anew when it broke.
type sftpFiles struct {
	o     Options
	heard func()

	turn   chan struct{} // to use what follows
	conn   *sftpConn     // nil when there is none
	closed bool
}

// Attempts to connect again, as kopia makes them.
const (
	sftpAttempts  = 10
	sftpFirstWait = 100 * time.Millisecond
)

// use does something with the connection, and once more when it broke. When ctx
// ends because the server was silent, the connection is closed, so that
// whatever waits on it fails; another end of ctx concerns nobody else.
func (f *sftpFiles) use(ctx context.Context, do func(*sftp.Client) error) error {
	wait := sftpFirstWait
	for attempt := 1; ; attempt++ {
		err := f.once(ctx, do)
		if err == nil || !broken(err) || attempt == sftpAttempts {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
			wait += wait / 2
		}
	}
}

func (f *sftpFiles) once(ctx context.Context, do func(*sftp.Client) error) error {
	conn, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() {
		if _, silent := errors.AsType[net.Error](context.Cause(ctx)); silent {
			_ = conn.Close()
		}
	})()
	if err = do(conn.Client); broken(err) {
		f.turn <- struct{}{}
		f.drop(conn)
		<-f.turn
	}
	return err
}

// connect is the connection there is, or a new one.
func (f *sftpFiles) connect(ctx context.Context) (*sftpConn, error) {
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-f.turn }()
	if f.closed {
		return nil, errShut
	}
	if f.conn == nil {
		conn, err := dialSFTP(ctx, f.o, f.heard)
		if err != nil {
			return nil, err
		}
		f.conn = conn
	}
	return f.conn, nil
}

// drop closes a connection that is not used any more. It is the caller's turn.
func (f *sftpFiles) drop(conn *sftpConn) {
	if conn == nil {
		return
	}
	_ = conn.Close()
	if f.conn == conn {
		f.conn = nil
	}
}

// broken reports whether an error is about the connection.
func broken(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, sftp.ErrSSHFxConnectionLost) || errors.Is(err, sftp.ErrSSHFxNoConnection) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe)
}

// GetBlobFromPath reads a file, or length bytes of it.
func (f *sftpFiles) GetBlobFromPath(ctx context.Context, _, name string, offset, length int64, out blob.OutputBuffer) error {
	return f.use(ctx, func(c *sftp.Client) error {
		file, err := c.Open(name)
		if err != nil {
			return blobError(err)
		}
		defer file.Close()
		out.Reset()
		if length < 0 {
			_, err = io.Copy(out, file)
			return err
		}
		part := make([]byte, length)
		n, err := file.ReadAt(part, offset)
		if int64(n) < length && errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: %d bytes instead of %d", blob.ErrInvalidRange, n, length)
		}
		if int64(n) < length {
			return err
		}
		_, err = out.Write(part)
		return err
	})
}

// blobError makes kopia recognise that a file is not there.
func blobError(err error) error {
	if errors.Is(err, fs.ErrNotExist) || err != nil && strings.Contains(err.Error(), "does not exist") {
		return blob.ErrBlobNotFound
	}
	return err
}

// GetMetadataFromPath describes a file.
func (f *sftpFiles) GetMetadataFromPath(ctx context.Context, _, name string) (m blob.Metadata, err error) {
	err = f.use(ctx, func(c *sftp.Client) error {
		info, err := c.Stat(name)
		if err == nil {
			m.Length, m.Timestamp = info.Size(), info.ModTime()
		}
		return blobError(err)
	})
	return m, err
}

// PutBlobInPath writes a file under another name first. Folders are made below
// the vault's own, which is not made again: it may be on a disk that is away.
func (f *sftpFiles) PutBlobInPath(ctx context.Context, dir, name string, data blob.Bytes, opts blob.PutOptions) error {
	switch {
	case opts.HasRetentionOptions():
		return fmt.Errorf("retention: %w", blob.ErrUnsupportedPutBlobOption)
	case opts.DoNotRecreate:
		return fmt.Errorf("do not recreate: %w", blob.ErrUnsupportedPutBlobOption)
	}
	whole := &output{limit: int64(data.Length())}
	if _, err := data.WriteTo(whole); err != nil {
		return err
	}
	return f.use(ctx, func(c *sftp.Client) error {
		var random [8]byte
		if _, err := rand.Read(random[:]); err != nil {
			return err
		}
		half := name + ".tmp." + hex.EncodeToString(random[:])
		file, err := c.OpenFile(half, os.O_CREATE|os.O_WRONLY|os.O_EXCL)
		if errors.Is(blobError(err), blob.ErrBlobNotFound) {
			if err := f.mkdir(c, dir); err != nil {
				return err
			}
			file, err = c.OpenFile(half, os.O_CREATE|os.O_WRONLY|os.O_EXCL)
		}
		if err != nil {
			return err
		}
		if _, err = file.Write(whole.Bytes()); err == nil {
			err = syncFile(c, file)
		}
		if err = errors.Join(err, file.Close()); err == nil {
			err = c.PosixRename(half, name)
		}
		if err != nil {
			if !broken(err) {
				err = errors.Join(err, c.Remove(half))
			}
			return err
		}
		return setTimes(c, name, opts)
	})
}

// syncFile puts a file on the server's disk, where the server can: without that, a
// power cut there leaves names of packs with nothing in them.
func syncFile(c *sftp.Client, file *sftp.File) error {
	if _, can := c.HasExtension("fsync@openssh.com"); !can {
		return nil
	}
	err := file.Sync()
	if s, ok := errors.AsType[*sftp.StatusError](err); ok && s.FxCode() == sftp.ErrSSHFxOpUnsupported {
		return nil // some promise it and cannot
	}
	return err
}

func setTimes(c *sftp.Client, name string, opts blob.PutOptions) error {
	if t := opts.SetModTime; !t.IsZero() {
		if err := c.Chtimes(name, t, t); err != nil {
			return err
		}
	}
	if opts.GetModTime == nil {
		return nil
	}
	info, err := c.Stat(name)
	if err == nil {
		*opts.GetModTime = info.ModTime()
	}
	return err
}

// mkdir makes a folder and those above it, up to the vault's own.
func (f *sftpFiles) mkdir(c *sftp.Client, dir string) error {
	if dir == f.o.Location.Path || len(dir) <= len(f.o.Location.Path) {
		return fmt.Errorf("the folder %q: %w", dir, fs.ErrNotExist)
	}
	err := c.Mkdir(dir)
	if errors.Is(blobError(err), blob.ErrBlobNotFound) {
		if err := f.mkdir(c, path.Dir(dir)); err != nil {
			return err
		}
		err = c.Mkdir(dir)
	}
	if err == nil || broken(err) {
		return err
	}
	// Others may have made it; servers say so in different words.
	if info, e := c.Stat(dir); e == nil && info.IsDir() {
		return nil
	}
	return err
}

// DeleteBlobInPath removes a file; a missing one is no error.
func (f *sftpFiles) DeleteBlobInPath(ctx context.Context, _, name string) error {
	return f.use(ctx, func(c *sftp.Client) error {
		if err := blobError(c.Remove(name)); !errors.Is(err, blob.ErrBlobNotFound) {
			return err
		}
		return nil
	})
}

// ReadDir lists a folder.
func (f *sftpFiles) ReadDir(ctx context.Context, dir string) (list []os.FileInfo, err error) {
	err = f.use(ctx, func(c *sftp.Client) error {
		list, err = c.ReadDirContext(ctx, dir)
		return err
	})
	return list, err
}
