package depot

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/kopia/kopia/repo"
)

// Session is one run of writing. Everything written since the last Flush is
// lost to readers until Flush returns (Salvage gets back what was uploaded).
type Session struct {
	d        *Depot
	ctx      context.Context // the one given to Begin: ends all writing
	w        repo.DirectRepositoryWriter
	uploaded atomic.Int64
	once     sync.Once
}

// Begin starts a session. Cancelling ctx makes its writers fail.
func (d *Depot) Begin(ctx context.Context, purpose string) (*Session, error) {
	return nil, errors.New("not yet")
}

// Writer starts an object. Several writers may be used at once, each by one
// goroutine.
func (s *Session) Writer(kind Kind) *Writer { return &Writer{} }

// Flush makes everything whose Result was returned durable and visible.
func (s *Session) Flush(ctx context.Context) error { return errors.New("not yet") }

// Uploaded is how many bytes this session has put into the storage.
func (s *Session) Uploaded() int64 { return s.uploaded.Load() }

// Close ends the session and drops what was not flushed.
func (s *Session) Close(ctx context.Context) error { return nil }
