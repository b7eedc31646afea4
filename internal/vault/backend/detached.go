package backend

import (
	"context"
	"math"

	"github.com/kopia/kopia/repo/blob"
)

// detached is a storage whose operations end with their context, although the
// client below hears of no context: they are left to themselves then. What
// they read and write is their own, because kopia uses its buffers again.
type detached struct{ blob.Storage }

// leave does something and waits for it, but not longer than ctx lasts.
func leave(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (d detached) PutBlob(ctx context.Context, id blob.ID, data blob.Bytes, opts blob.PutOptions) error {
	own := &output{limit: math.MaxInt64}
	if _, err := data.WriteTo(own); err != nil {
		return err
	}
	return leave(ctx, func() error { return d.Storage.PutBlob(ctx, id, input(own.Bytes()), opts) })
}

func (d detached) GetBlob(ctx context.Context, id blob.ID, offset, length int64, out blob.OutputBuffer) error {
	own := &output{limit: math.MaxInt64}
	if err := leave(ctx, func() error { return d.Storage.GetBlob(ctx, id, offset, length, own) }); err != nil {
		return err
	}
	_, err := out.Write(own.Bytes())
	return err
}

func (d detached) GetMetadata(ctx context.Context, id blob.ID) (blob.Metadata, error) {
	var m blob.Metadata
	err := leave(ctx, func() (err error) {
		m, err = d.Storage.GetMetadata(ctx, id)
		return err
	})
	if err != nil {
		return blob.Metadata{}, err
	}
	return m, nil
}

func (d detached) DeleteBlob(ctx context.Context, id blob.ID) error {
	return leave(ctx, func() error { return d.Storage.DeleteBlob(ctx, id) })
}

func (d detached) ListBlobs(ctx context.Context, prefix blob.ID, each func(blob.Metadata) error) error {
	found := make(chan blob.Metadata)
	done := make(chan error, 1)
	go func() {
		done <- d.Storage.ListBlobs(ctx, prefix, func(m blob.Metadata) error {
			select {
			case found <- m:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	}()
	for {
		select {
		case m := <-found:
			if err := each(m); err != nil {
				return err
			}
		case err := <-done:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
