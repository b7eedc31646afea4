package backend_test

import (
	"testing"
	"time"

	"github.com/kopia/kopia/repo/blob"

	"russet"
	"russet/internal/vault/backend"
	"russet/internal/vault/servers"
)

// TestServerThatHangs has servers that take connections and do not answer: an
// operation ends with a word about it, and all is as before when they wake up.
// (A stopped sshd goes on serving who is connected: its children do.)
func TestServerThatHangs(t *testing.T) {
	for kind, start := range map[string]func(testing.TB) *servers.Server{"s3": servers.StartS3, "webdav": servers.StartWebDAV} {
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
				if err := op(); russet.KindOf(err) != russet.NotConnected {
					t.Errorf("a server that hangs: %v", err)
				}
			}
			s.WakeUp()
			if _, err := b.GetMetadata(t.Context(), "p1"); err != nil {
				t.Errorf("it woke up: %v", err)
			}
		})
	}
}
