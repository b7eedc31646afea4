package home

import (
	"context"
	"errors"
	"time"

	"russet/internal/durable"
)

// pollLock is how often a short lock that another process holds is tried.
const pollLock = 20 * time.Millisecond

// WaitLock takes a lock that nobody holds for long.
func WaitLock(ctx context.Context, dir *durable.Dir, name string) (*durable.Lock, error) {
	tick := time.NewTicker(pollLock)
	defer tick.Stop()
	for {
		l, err := dir.Lock(name, false)
		if !errors.Is(err, durable.ErrLocked) {
			return l, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// Locked reports whether another process holds a lock, given by its path inside
// the home.
func (h *Home) Locked(name string) bool {
	dir, err := h.Open()
	if err != nil {
		return false
	}
	if there, err := dir.Exists(name); err != nil || !there {
		return false
	}
	l, err := dir.Lock(name, true) // shared, and for a moment: it keeps nobody out for long
	if err == nil {
		err = l.Unlock()
	}
	return errors.Is(err, durable.ErrLocked)
}
