package afc

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// syncLockPath is the file whose lock means "a host is syncing"; the services
// of the device itself respect it too.
const syncLockPath = "/com.apple.itunes.lock_sync"

// Ten seconds, as libimobiledevice waits.
const (
	lockTries = 50
	lockPause = 200 * time.Millisecond
)

// SyncLock keeps other hosts, and the device, from syncing.
type SyncLock struct{ file *File }

// LockSync takes the sync lock. Before the first try it calls requested, if not
// nil, which is the moment to post the notification syncLockRequest. A lock that
// another holds for more than ten seconds is [WouldBlock].
func (c *Client) LockSync(ctx context.Context, requested func() error) (*SyncLock, error) {
	f, err := c.Open(ctx, syncLockPath, ReadWrite)
	if err != nil {
		return nil, err
	}
	if requested != nil {
		err = requested()
	}
	if err == nil {
		err = lockPatiently(ctx, f)
	}
	if err != nil {
		_ = f.Close(ctx) // the lock was not taken; the error says why
		return nil, err
	}
	return &SyncLock{f}, nil
}

func lockPatiently(ctx context.Context, f *File) error {
	tick := time.NewTicker(lockPause)
	defer tick.Stop()
	for try := 1; ; try++ {
		err := f.Lock(ctx)
		if !errors.Is(err, WouldBlock) {
			return err
		}
		if try == lockTries {
			return fmt.Errorf("another sync with the device is in progress: %w", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// Release gives the lock up.
func (l *SyncLock) Release(ctx context.Context) error {
	return errors.Join(l.file.Unlock(ctx), l.file.Close(ctx))
}
