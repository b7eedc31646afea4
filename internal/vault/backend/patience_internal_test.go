package backend

import (
	"context"
	"errors"
	"testing"
)

// TestShut: what is under way when a place is closed ends, however often it
// would be tried again, and nothing begins after that.
func TestShut(t *testing.T) {
	w := newWatch(Options{Location: Location{Kind: SFTP, Host: "192.0.2.1"}})
	err := w.run(t.Context(), 0, func(ctx context.Context, _ func()) error {
		w.close()
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, errShut) {
		t.Errorf("what was under way: %v", err)
	}
	err = w.run(t.Context(), 0, func(context.Context, func()) error {
		t.Error("an operation began after the end")
		return nil
	})
	if !errors.Is(err, errShut) || w.isGone() {
		t.Errorf("what came after: %v, gone %v", err, w.isGone())
	}
}
