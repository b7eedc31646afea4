package afc_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"russet/device/afc"
)

// lockDevice has a lock that is busy for the first tries.
func lockDevice(t *testing.T, busy int, log *[]string) *afc.Client {
	t.Helper()
	return device(t, func(r request) []byte {
		switch r.op {
		case 0x0d:
			*log = append(*log, "open "+strings.TrimRight(r.params[8:], "\x00"))
			return packet(r.number, 0x0e, word(1), "")
		case 0x1b:
			*log = append(*log, fmt.Sprint("lock ", r.word(1)))
			if busy--; busy >= 0 {
				return status(r, 19)
			}
		case 0x14:
			*log = append(*log, "close")
		}
		return status(r, 0)
	})
}

func TestLockSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		c := lockDevice(t, 2, &log)
		start := time.Now()
		lock, err := c.LockSync(t.Context(), func() error {
			log = append(log, "requested")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != 400*time.Millisecond {
			t.Errorf("took %v", d)
		}
		if err := lock.Release(t.Context()); err != nil {
			t.Error(err)
		}
		want := []string{"open /com.apple.itunes.lock_sync", "requested", "lock 6", "lock 6", "lock 6", "lock 12", "close"}
		if !reflect.DeepEqual(log, want) {
			t.Errorf("got %q", log)
		}
	})
}

func TestLockSyncIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		_, err := lockDevice(t, 1000, &log).LockSync(t.Context(), nil)
		if !errors.Is(err, afc.WouldBlock) || len(log) != 52 || log[51] != "close" {
			t.Errorf("%v after %d calls", err, len(log))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := lockDevice(t, 1000, new([]string)).LockSync(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		gone := errors.New("gone")
		if _, err := lockDevice(t, 0, new([]string)).LockSync(t.Context(), func() error { return gone }); !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
	})
}
