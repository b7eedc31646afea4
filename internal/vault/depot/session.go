package depot

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/compression"
	"github.com/kopia/kopia/repo/content"
	"github.com/kopia/kopia/repo/object"

	"russet/internal/vault/backend"
)

// Session is one run of writing. Everything written since the last Flush is
// lost to readers until Flush returns (Salvage gets back what was uploaded).
type Session struct {
	d        *Depot
	ctx      context.Context // the one given to Begin: ends all writing
	w        repo.DirectRepositoryWriter
	uploaded atomic.Int64

	once sync.Once
	err  error
}

// Begin starts a session. Cancelling ctx makes its writers fail.
func (d *Depot) Begin(ctx context.Context, purpose string) (*Session, error) {
	s := &Session{d: d}
	ctx, w, err := d.rep.NewDirectWriter(ctx, repo.WriteSessionOptions{
		Purpose: purpose, OnUpload: func(n int64) { s.uploaded.Add(n) },
	})
	if err != nil {
		return nil, fmt.Errorf("begin session: %w", err)
	}
	s.ctx, s.w = ctx, w
	return s, nil
}

// Flush makes everything whose Result was returned durable and visible.
func (s *Session) Flush(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		err = backend.Bounded(ctx, s.w.Flush)
	}
	if err != nil {
		return fmt.Errorf("flush session: %w", err)
	}
	return nil
}

// Uploaded is how many bytes this session has put into the storage.
func (s *Session) Uploaded() int64 { return s.uploaded.Load() }

// Close ends the session and drops what was not flushed. Its writers must have
// ended.
func (s *Session) Close(ctx context.Context) error {
	s.once.Do(func() { s.err = s.w.Close(context.WithoutCancel(ctx)) })
	return s.err
}

// acquire waits for a slot; see Depot.slots.
func (s *Session) acquire() error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	select {
	case s.d.slots <- struct{}{}:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

func (s *Session) release() { <-s.d.slots }

// put stores one chunk. This is the only place that uses kopia's object
// writers: they go back to a pool when closed, and a second Close would give
// one to two callers, whose data would run together.
func (s *Session) put(chunk []byte, prefix content.IDPrefix, compressor compression.Name) (object.ID, error) {
	if len(chunk) >= maxChunk {
		return object.EmptyID, fmt.Errorf("a chunk of %d bytes is too large", len(chunk))
	}
	id := object.EmptyID
	err := backend.Bounded(s.ctx, func(ctx context.Context) error {
		w := s.w.NewObjectWriter(ctx, object.WriterOptions{
			Prefix: prefix, Compressor: compressor, Splitter: "FIXED-8M",
		})
		defer w.Close()
		_, err := w.Write(chunk)
		if err == nil {
			id, err = w.Result()
		}
		return err
	})
	return id, err
}
