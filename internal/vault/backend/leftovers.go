package backend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"time"

	"github.com/pkg/sftp"
	"github.com/studio-b12/gowebdav"

	"russet/internal/durable"
)

// halfWritten are the names under which kopia writes a blob before it has its
// own: one per place of writing, with a random end.
var halfWritten = regexp.MustCompile(`^(\.shards|.+\.f)(\.tmp\.[0-9a-f]{16}|-[0-9]{1,19}|\.new)$`)

// files are the files of a place, whatever carries them.
type files interface {
	ReadDir(name string) ([]fs.FileInfo, error)
	Remove(name string) error
}

// RemoveLeftovers removes what interrupted puts left and nobody else would ever
// remove, if it is older than that: a younger one may be somebody's put. It
// says how many bytes that freed. A bucket has none.
func (b *Backend) RemoveLeftovers(ctx context.Context, olderThan time.Duration) (freed int64, err error) {
	if b.opts.ReadOnly {
		return 0, fmt.Errorf("remove leftovers: %w", ErrReadOnly)
	}
	before := time.Now().Add(-olderThan)
	remove := func(f files, root string) (err error) {
		freed, err = b.removeLeftovers(ctx, f, root, before, 0)
		return err
	}
	switch l := b.opts.Location; l.Kind {
	case File:
		err = remove(local{b.folder}, ".")
	case SFTP:
		err = b.watch.run(ctx, 0, func(ctx context.Context, _ func()) error {
			return withSFTP(ctx, b.opts, b.watch.pulse, func(c *sftp.Client) error { return remove(c, l.Path) })
		})
	case WebDAV:
		var transport *http.Transport
		if transport, err = webTransport(b.opts); err != nil {
			return 0, err
		}
		defer transport.CloseIdleConnections()
		err = remove(newWebDAV(ctx, b.opts, transport), l.Path)
	}
	return freed, explain(b.opts.Location, "remove leftovers in the vault", err)
}

// maxShards is deeper than any folder kopia makes.
const maxShards = 8

func (b *Backend) removeLeftovers(ctx context.Context, f files, folder string, before time.Time, depth int) (freed int64, err error) {
	if depth > maxShards {
		return 0, nil
	}
	entries, err := f.ReadDir(folder)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		name, size := path.Join(folder, e.Name()), e.Size()
		switch {
		case ctx.Err() != nil:
			return freed, ctx.Err()
		case e.IsDir():
			size, err = b.removeLeftovers(ctx, f, name, before, depth+1)
		case !e.Mode().IsRegular() || !halfWritten.MatchString(e.Name()) || e.ModTime().After(before):
			continue
		default:
			if err = b.before("deleteblob", e.Name()); err == nil {
				err = f.Remove(name)
			}
		}
		if err != nil {
			return freed, err
		}
		freed += size
	}
	return freed, nil
}

// local are the files of a folder of this computer.
type local struct{ *durable.Dir }

func (l local) ReadDir(name string) ([]fs.FileInfo, error) {
	entries, err := l.Dir.ReadDir(name)
	if err != nil {
		return nil, err
	}
	var infos []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // somebody's put has ended
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

var (
	_ files = (*sftp.Client)(nil)
	_ files = (*gowebdav.Client)(nil)
)
