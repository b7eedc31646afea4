package link

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"russet/device/heartbeat"
)

// TestAsleepForTooLong: a phone that answers when asked and says at every
// heartbeat that it sleeps is given up when nothing else comes; the virtual
// iPhone does not do that.
func TestAsleepForTooLong(t *testing.T) {
	for name, transfer := range map[string]bool{"frozen": false, "going on": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := New(nil, Options{})
				g := &guard{link: l, asleep: time.Now()}
				start := time.Now()
				var err error
				for err == nil && time.Since(start) < time.Hour {
					if transfer {
						l.came(1)
					}
					err = g.rest(context.Background(), time.Now())
				}
				if lost := errors.Is(err, ErrLost) && errors.Is(err, heartbeat.ErrSleepy); lost == transfer {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
				if took := time.Since(start); !transfer && (took < sleepLimit || took > sleepLimit+restLimit) {
					t.Errorf("given up after %v", took)
				}
			})
		})
	}
}
