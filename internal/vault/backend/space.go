package backend

import (
	"context"
	"errors"
	"math"

	"github.com/kopia/kopia/repo/blob"
	"github.com/pkg/sftp"
)

// Usage says what the vault takes at its place, by listing it.
func (b *Backend) Usage(ctx context.Context) (bytes int64, blobs int, err error) {
	err = b.list(ctx, "", func(m blob.Metadata) error {
		bytes += m.Length
		blobs++
		return nil
	})
	return bytes, blobs, err
}

// Free says how many bytes the disk below the vault still takes from this
// user, quotas included where they can be asked for; errors.ErrUnsupported
// where nobody says.
func (b *Backend) Free(ctx context.Context) (int64, error) {
	switch b.opts.Location.Kind {
	case File:
		n, err := b.folder.Free()
		return n, explain(b.opts.Location, "ask for free space", err)
	case SFTP:
		// Not kopia's GetCapacity: it counts blocks kept for root, in the wrong unit.
		free := int64(0)
		ctx, cancel := context.WithTimeout(ctx, firstLook)
		defer cancel()
		err := withSFTP(ctx, b.opts, func() {}, func(client *sftp.Client) error {
			if _, ok := client.HasExtension("statvfs@openssh.com"); !ok {
				return errors.ErrUnsupported
			}
			s, err := client.StatVFS(b.opts.Location.Path)
			if e, ok := errors.AsType[*sftp.StatusError](err); ok && e.FxCode() == sftp.ErrSSHFxOpUnsupported {
				return errors.ErrUnsupported // some promise it and cannot
			}
			if err == nil {
				free = int64(min(float64(s.Bavail)*float64(s.Frsize), math.MaxInt64/2))
			}
			return err
		})
		return free, explain(b.opts.Location, "ask for free space", err)
	}
	return 0, errors.ErrUnsupported
}

// GetCapacity tells kopia what Free says.
func (b *Backend) GetCapacity(ctx context.Context) (blob.Capacity, error) {
	free, err := b.Free(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		return blob.Capacity{}, blob.ErrNotAVolume
	}
	return blob.Capacity{FreeB: uint64(max(0, free))}, err
}
