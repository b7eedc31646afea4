package backend_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kopia/kopia/repo/blob"

	"russet"
	"russet/internal/vault/backend"
	"russet/internal/vault/servers"
)

// TestServerThatHangs has servers that take connections and do not answer: an
// operation ends with a word about it, and all is as before when they wake up.
func TestServerThatHangs(t *testing.T) {
	for kind, start := range starters() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			b := open(t, backend.Options{Location: s.Location, Credentials: s.Credentials, Create: true, Silence: 2 * time.Second})
			must(t, b.PutBlob(t.Context(), "p1", blobOf(noise(100)), blob.PutOptions{}))
			s.Hang()
			for _, op := range []func() error{
				func() error { return b.PutBlob(t.Context(), "p2", blobOf(noise(100)), blob.PutOptions{}) },
				func() error { _, err := b.GetMetadata(t.Context(), "p1"); return err },
				func() error { return b.ListBlobs(t.Context(), "p", func(blob.Metadata) error { return nil }) },
				func() error { return b.DeleteBlob(t.Context(), "p3") },
			} {
				silentEnd(t, s, op)
			}
			s.WakeUp()
			if _, err := b.GetMetadata(t.Context(), "p1"); err != nil {
				t.Errorf("it woke up: %v", err)
			}
		})
	}
}

// silentEnd does what a server does not answer: it ends in time, and the server
// is named.
func silentEnd(t *testing.T, s *servers.Server, op func() error) {
	t.Helper()
	began := time.Now()
	err := op()
	e, ok := errors.AsType[*russet.Error](err)
	if !ok || e.Kind != russet.NotConnected || !strings.Contains(e.What, s.Location.Host) {
		t.Errorf("a server that hangs: %v", err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("that took %v", took)
	}
}

// brief is a silence that these tests wait for, and that a busy computer keeps
// nobody waiting for.
const brief = 4 * time.Second

// TestSFTPStopsInTheMiddle: the server stops while a large blob is on its way.
// The operation ends and its connection with it, so that nothing waits on; the
// next one makes a new connection, though the old one is never heard of again.
func TestSFTPStopsInTheMiddle(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *servers.Server{"openssh": servers.StartSFTP, "rclone": servers.StartSFTPPassword} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			b := open(t, backend.Options{Location: s.Location, Credentials: s.Credentials, Create: true, Silence: brief})
			large := noise(12 << 20)
			must(t, b.PutBlob(t.Context(), "p1", blobOf(large), blob.PutOptions{}))
			before := runtime.NumGoroutine()
			still := s.HangAfter(3 << 20)
			pending := make(chan error, 1)
			silentEnd(t, s, func() error {
				go func() { // others use the same connection
					<-still
					pending <- b.GetBlob(t.Context(), "p1", 0, -1, &into{})
				}()
				return b.PutBlob(t.Context(), "p2", blobOf(large), blob.PutOptions{})
			})
			silentEnd(t, s, func() error { return <-pending })
			for deadline := time.Now().Add(20 * time.Second); runtime.NumGoroutine() > before; time.Sleep(50 * time.Millisecond) {
				if time.Now().After(deadline) {
					stacks := make([]byte, 1<<20)
					t.Fatalf("%d goroutines, %d before: something waits on\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
				}
			}
			s.WakeUp()
			var got into
			if err := b.GetBlob(t.Context(), "p1", 0, -1, &got); err != nil || !bytes.Equal(got.Bytes(), large) {
				t.Errorf("it woke up: %d bytes, %v", got.Len(), err)
			}
			must(t, b.PutBlob(t.Context(), "p2", blobOf(large), blob.PutOptions{}))
			m, err := b.GetMetadata(t.Context(), "p2")
			if err != nil || m.Length != int64(len(large)) {
				t.Errorf("the blob has %d bytes, %v", m.Length, err)
			}
		})
	}
}

// TestSFTPConnectsAnew: when a connection is not heard of any more, and the server
// serves others, the next operation has another one.
func TestSFTPConnectsAnew(t *testing.T) {
	t.Parallel()
	s := servers.StartSFTP(t)
	b := open(t, backend.Options{Location: s.Location, Credentials: s.Credentials, Create: true, Silence: brief})
	must(t, b.PutBlob(t.Context(), "p1", blobOf(noise(100)), blob.PutOptions{}))
	s.HangConnections()
	silentEnd(t, s, func() error { _, err := b.GetMetadata(t.Context(), "p1"); return err })
	began := time.Now()
	if m, err := b.GetMetadata(t.Context(), "p1"); err != nil || m.Length != 100 || time.Since(began) > brief {
		t.Errorf("the next operation: %+v, %v, after %v", m, err, time.Since(began))
	}
	s.WakeUp()
}

// TestSFTPHangsAtFirst: a server that takes the connection and never answers ends
// what is asked of it first, too.
func TestSFTPHangsAtFirst(t *testing.T) {
	t.Parallel()
	s := servers.StartSFTP(t)
	o := backend.Options{Location: s.Location, Credentials: s.Credentials, Create: true}
	b := open(t, o)
	s.Hang()
	for name, op := range map[string]func(context.Context) error{
		"open": func(ctx context.Context) error { _, err := backend.Open(ctx, o); return err },
		"free": func(ctx context.Context) error { _, err := b.Free(ctx); return err },
		"keys": func(ctx context.Context) error { _, err := backend.HostKeys(ctx, s.Location); return err },
		"tidy": func(ctx context.Context) error { _, err := b.RemoveLeftovers(ctx, time.Hour); return err },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			silentEnd(t, s, func() error { return op(ctx) })
		})
	}
	s.WakeUp()
}

// TestSlowIsNotSilent: a server that says something now and then is waited for,
// however long that takes.
func TestSlowIsNotSilent(t *testing.T) {
	t.Parallel()
	const silence = 4 * time.Second
	s := servers.StartSFTP(t)
	o := backend.Options{Location: s.Location, Credentials: s.Credentials, Create: true}
	large := noise(5 << 20)
	must(t, open(t, o).PutBlob(t.Context(), "p1", blobOf(large), blob.PutOptions{}))
	o.Silence = silence
	b := open(t, o)
	s.Slow(800 << 10)
	began := time.Now()
	var got into
	if err := b.GetBlob(t.Context(), "p1", 0, -1, &got); err != nil || !bytes.Equal(got.Bytes(), large) {
		t.Errorf("reading from a slow server: %d bytes, %v", got.Len(), err)
	}
	if took := time.Since(began); took < silence {
		t.Errorf("the server was not slow: %v", took)
	}
}
