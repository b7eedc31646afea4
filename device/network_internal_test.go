package device

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestRedial: an address that nobody owned up to is asked for again for as long
// as somebody waits; another answer is an answer.
func TestRedial(t *testing.T) {
	unreachable := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}
	for _, c := range []struct {
		name   string
		after  time.Duration // of each try
		err    error
		failed int // tries before the one that succeeds
		tries  int
		want   error
	}{
		{"the second time it hears", 3 * time.Second, unreachable, 1, 2, nil},
		{"it never hears", 3 * time.Second, unreachable, 100, 3, syscall.EHOSTUNREACH},
		{"a router says so", 10 * time.Millisecond, unreachable, 1, 1, syscall.EHOSTUNREACH},
		{"it refuses", 3 * time.Second, os.NewSyscallError("connect", syscall.ECONNREFUSED), 1, 1, syscall.ECONNREFUSED},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
				defer cancel()
				tries := 0
				conn, err := redial(ctx, func() (net.Conn, error) {
					tries++
					if tries > c.failed {
						ours, theirs := net.Pipe()
						return ours, theirs.Close()
					}
					select {
					case <-time.After(c.after):
						return nil, c.err
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				})
				if !errors.Is(err, c.want) || (conn != nil) != (err == nil) || tries != c.tries {
					t.Errorf("%d tries, %v, %v", tries, conn, err)
				}
				if c.tries > 2 && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the limit is not in %v", err)
				}
			})
		})
	}
}
