package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/kopia/kopia/repo/blob"
	"golang.org/x/time/rate"
)

// Counters say what was done since the place was opened.
type Counters struct {
	Puts, Gets, Lists, Deletes int64
	BytesPut, BytesGot         int64
}

type counters struct {
	puts, gets, lists, deletes, bytesPut, bytesGot atomic.Int64
}

// Counters says what was done so far.
func (b *Backend) Counters() Counters {
	c := &b.count
	return Counters{
		Puts: c.puts.Load(), Gets: c.gets.Load(), Lists: c.lists.Load(), Deletes: c.deletes.Load(),
		BytesPut: c.bytesPut.Load(), BytesGot: c.bytesGot.Load(),
	}
}

// PutBlob stores a blob, whole or not at all.
func (b *Backend) PutBlob(ctx context.Context, id blob.ID, data blob.Bytes, opts blob.PutOptions) error {
	if b.opts.ReadOnly {
		return fmt.Errorf("put blob %s: %w", id, ErrReadOnly)
	}
	size := int64(data.Length())
	if b.opts.Limit != nil && strings.HasPrefix(string(id), "p") {
		if err := b.opts.Limit(string(id), size); err != nil {
			return err
		}
	}
	if err := b.before("putblob", string(id)); err != nil {
		return err
	}
	if err := wait(ctx, &b.up, size); err != nil {
		return err
	}
	err := b.watch.run(ctx, size, func(ctx context.Context, _ func()) error { return b.provider.PutBlob(ctx, id, data, opts) })
	if err == nil && b.folder != nil {
		err = b.syncNames(ctx, id)
	}
	if err != nil {
		return explain(b.opts.Location, "write to the vault", err)
	}
	b.count.puts.Add(1)
	b.count.bytesPut.Add(size)
	b.mirrorPut(id, data)
	return nil
}

// DeleteBlob removes a blob; a missing one is no error.
func (b *Backend) DeleteBlob(ctx context.Context, id blob.ID) error {
	if b.opts.ReadOnly {
		return fmt.Errorf("delete blob %s: %w", id, ErrReadOnly)
	}
	if err := b.before("deleteblob", string(id)); err != nil {
		return err
	}
	if err := b.watch.run(ctx, 0, func(ctx context.Context, _ func()) error { return b.provider.DeleteBlob(ctx, id) }); err != nil {
		return explain(b.opts.Location, "delete in the vault", err)
	}
	b.count.deletes.Add(1)
	b.mirrorDelete(id)
	return nil
}

// ExtendBlobRetention lengthens the lock of a blob where there are such locks.
func (b *Backend) ExtendBlobRetention(ctx context.Context, id blob.ID, opts blob.ExtendOptions) error {
	if b.opts.ReadOnly {
		return fmt.Errorf("lock blob %s: %w", id, ErrReadOnly)
	}
	return explain(b.opts.Location, "lock in the vault", b.provider.ExtendBlobRetention(ctx, id, opts))
}

func (b *Backend) before(op, name string) error {
	if b.opts.Before == nil {
		return nil
	}
	return b.opts.Before(op, name)
}

// GetBlob reads a blob or a part of it. One in quarantine is not there.
func (b *Backend) GetBlob(ctx context.Context, id blob.ID, offset, length int64, out blob.OutputBuffer) error {
	if err := wait(ctx, &b.down, length); err != nil {
		return err
	}
	most := length
	if length < 0 {
		most = mostOfABlob
	}
	err := b.watch.run(ctx, most, func(ctx context.Context, _ func()) error { return b.provider.GetBlob(ctx, id, offset, length, out) })
	b.count.gets.Add(1)
	// Asking again is for answers only an empty blob gives, not for a dead server.
	if quarantinable(id) && out.Length() == 0 && (err == nil && length < 0 || errors.Is(err, blob.ErrInvalidRange) || err != nil && b.folder != nil) {
		if m, statErr := b.provider.GetMetadata(ctx, id); statErr == nil && m.Length == 0 {
			return blob.ErrBlobNotFound
		}
	}
	if err != nil {
		return explain(b.opts.Location, "read from the vault", err)
	}
	b.count.bytesGot.Add(int64(out.Length()))
	if length < 0 {
		return wait(ctx, &b.down, int64(out.Length()))
	}
	return nil
}

// GetMetadata describes a blob. One in quarantine is not there.
func (b *Backend) GetMetadata(ctx context.Context, id blob.ID) (blob.Metadata, error) {
	var m blob.Metadata
	err := b.watch.run(ctx, 0, func(ctx context.Context, _ func()) (err error) {
		m, err = b.provider.GetMetadata(ctx, id)
		return err
	})
	if err != nil {
		return blob.Metadata{}, explain(b.opts.Location, "read from the vault", err)
	}
	if m.Length == 0 && quarantinable(id) {
		return blob.Metadata{}, blob.ErrBlobNotFound
	}
	return m, nil
}

// ListBlobs gives each blob whose name has the prefix, but those in quarantine.
func (b *Backend) ListBlobs(ctx context.Context, prefix blob.ID, each func(blob.Metadata) error) error {
	return b.list(ctx, prefix, func(m blob.Metadata) error {
		if m.Length == 0 && quarantinable(m.BlobID) {
			return nil
		}
		return each(m)
	})
}

// list gives each blob there is. An error of each is returned as it is.
func (b *Backend) list(ctx context.Context, prefix blob.ID, each func(blob.Metadata) error) error {
	b.count.lists.Add(1)
	var mine error
	err := b.watch.run(ctx, 0, func(ctx context.Context, heard func()) error {
		return b.provider.ListBlobs(ctx, prefix, func(m blob.Metadata) error {
			heard()
			mine = each(m)
			return mine
		})
	})
	if mine != nil {
		return mine
	}
	err = explain(b.opts.Location, "list the vault", err)
	if err != nil {
		b.listFailed(ctx, err)
	}
	return err
}

// quarantinable blobs are those that make the whole vault unreadable when they
// are empty: indexes, metadata packs and session markers. Kopia never writes an
// empty one; a power cut at a careless server does.
func quarantinable(id blob.ID) bool {
	return id != "" && (id[0] == 'x' || id[0] == 'q' || id[0] == 'n' || id[0] == 's')
}

// Quarantined are the names of the blobs that are hidden because they are
// empty. Deleting one, or putting it anew, ends its quarantine.
func (b *Backend) Quarantined(ctx context.Context) ([]string, error) {
	var names []string
	err := b.list(ctx, "", func(m blob.Metadata) error {
		if m.Length == 0 && quarantinable(m.BlobID) {
			names = append(names, string(m.BlobID))
		}
		return nil
	})
	return names, err
}

func limiter(perSecond float64) *rate.Limiter {
	if perSecond <= 0 {
		return nil
	}
	// A second's worth may go at once, so that small blobs do not wait.
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond)))
}

// SetRates limits the bytes per second from now on; 0 is no limit. What waits
// already still waits as it did.
func (b *Backend) SetRates(up, down float64) {
	for limit, perSecond := range map[*atomic.Pointer[rate.Limiter]]float64{&b.up: up, &b.down: down} {
		old := limit.Load()
		if old == nil || perSecond != float64(old.Limit()) {
			limit.Store(limiter(perSecond))
		}
	}
}

// wait waits until n more bytes may pass.
func wait(ctx context.Context, limit *atomic.Pointer[rate.Limiter], n int64) error {
	for n > 0 {
		l := limit.Load()
		if l == nil {
			return nil
		}
		part := min(n, int64(l.Burst()))
		if err := l.WaitN(ctx, int(part)); err != nil {
			return err
		}
		n -= part
	}
	return nil
}
