package link_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"russet/device"
	"russet/device/afc"
	"russet/device/heartbeat"
	"russet/internal/link"
	"russet/vphone"
)

// doubt is how long a phone that said it sleeps may be silent, and a little.
const doubt = 47 * time.Second

// TestInTransfer: in the middle of a transfer the radio is silent for ten
// seconds and all of it arrives; the phone goes to sleep, and that is known
// within a minute, whatever the transfer itself makes of it.
func TestInTransfer(t *testing.T) {
	warm(t)
	content := bytes.Repeat([]byte("russet "), 10*megabyte/7)
	for name, c := range map[string]struct {
		fault vphone.Fault
		lost  bool
	}{
		"radio hole": {vphone.Fault{Do: vphone.Hole, For: 10 * time.Second}, false},
		"sleep":      {vphone.Fault{Do: vphone.Sleep}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, l, dev := onWiFi(t, slow())
				ctx, stop := l.Guard(t.Context(), dev)
				defer stop()
				if err := os.WriteFile(filepath.Join(p.MediaDir(), "there"), content, 0o600); err != nil {
					t.Fatal(err)
				}
				conn, err := dev.Dial(ctx, afc.Service, device.ServiceOptions{})
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conn.Close() }()
				c.fault.On, c.fault.AfterBytes = afc.Service, 5*megabyte
				p.Inject(c.fault)
				start := time.Now()
				got, err := afc.NewClient(conn).ReadFile(ctx, "/there", 20*megabyte)
				took := time.Since(start)
				if !c.lost {
					if err != nil || !bytes.Equal(got, content) || took < 100*time.Second || ctx.Err() != nil {
						t.Errorf("%d bytes after %v: %v, %v", len(got), took, err, context.Cause(ctx))
					}
					return
				}
				if err == nil {
					t.Errorf("%d bytes came while it slept", len(got))
				}
				<-ctx.Done()
				if err := context.Cause(ctx); !errors.Is(err, link.ErrLost) || !errors.Is(err, heartbeat.ErrSleepy) || time.Since(start) > 50*time.Second+doubt {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
			})
		})
	}
}
