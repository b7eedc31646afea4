// Package backend is where a vault keeps its bytes: a folder, an S3 bucket, an
// SFTP or a WebDAV server, as one type that kopia uses as its storage.
//
// Kopia's own providers move the bytes, but over SFTP, where its connection
// could not be ended while a server hangs. Around them stands what a vault needs
// besides: the place is looked at before kopia's ten patient attempts, so that
// a wrong password is an answer and not a wait; failures come in plain words;
// changes can be counted, refused, slowed and watched; empty index blobs, which
// a power cut leaves and kopia does not survive, are hidden; what little is
// needed to find everything else is copied to a second folder.
package backend

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kopia/kopia/repo/blob"
	"golang.org/x/time/rate"

	"russet/internal/durable"
)

// ErrReadOnly is the error of changes to what was opened for reading only.
var ErrReadOnly = errors.New("opened for reading only")

// Options say what is opened and how.
type Options struct {
	Location    Location
	Credentials Credentials // not needed for a folder of this computer

	Create   bool   // make the folder when it is absent; a bucket is never made
	ReadOnly bool   // refuse changes
	Mirror   string // absolute folder for copies of the blobs that find all others; "" is none

	// Before is asked before every change: op is "putblob" or "deleteblob" and
	// name the blob's. In a folder of this computer, a put that has become
	// durable is told as "synced", with the name of the file; the answer is ignored.
	Before func(op, name string) error
	// Limit may refuse a pack of data (p…) of that many bytes. What kopia needs
	// to close a session in order is not asked about.
	Limit func(blobID string, bytes int64) error

	// Bytes per second on average, over some seconds; 0 is no limit.
	UploadBytesPerSecond, DownloadBytesPerSecond float64

	// Patience is how long operations wait for a server that was there and can
	// no longer be reached; 0 is a minute.
	Patience time.Duration
	// Silence is how long an operation waits for a server that takes connections
	// and does not answer; 0 is five minutes.
	Silence time.Duration

	Log *slog.Logger // what does not stop a backup: the mirror's failures; may be nil
}

// provider is kopia's own storage; the name keeps it out of the package's API.
type provider = blob.Storage

// Backend is an open place. It is safe for concurrent use.
type Backend struct {
	provider
	opts Options

	folder *durable.Dir                 // of a vault on this computer, else nil
	mirror *durable.Dir                 // nil without one
	up     atomic.Pointer[rate.Limiter] // nil: no limit
	down   atomic.Pointer[rate.Limiter]
	count  counters
	watch  *watch // nil where there is nothing to look for

	mu     sync.Mutex
	synced map[string]bool // folders whose own names are durable
	closed bool
}

var _ blob.Storage = (*Backend)(nil)

// Open opens the place of a vault. When there is none and it may not be made,
// the error is fs.ErrNotExist.
func Open(ctx context.Context, opts Options) (*Backend, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	b := &Backend{opts: opts, synced: map[string]bool{}, watch: newWatch(opts)}
	b.SetRates(opts.UploadBytesPerSecond, opts.DownloadBytesPerSecond)
	err := b.open(ctx)
	if err == nil && opts.Mirror != "" {
		b.mirror, err = openMirror(opts.Mirror)
	}
	if err != nil {
		_ = b.Close(context.WithoutCancel(ctx)) // nothing was written
		return nil, explain(opts.Location, "open the vault", err)
	}
	return b, nil
}

func (b *Backend) open(ctx context.Context) (err error) {
	switch b.opts.Location.Kind {
	case File:
		err = b.openFolder(ctx)
	case S3:
		b.provider, err = openS3(ctx, b.opts)
	case SFTP:
		b.provider, err = openSFTP(ctx, &b.opts, b.watch.pulse)
	case WebDAV:
		b.provider, err = openWebDAV(ctx, &b.opts)
	default:
		err = refuse("there is no address of a vault", "")
	}
	if kind := b.opts.Location.Kind; err == nil && (kind == SFTP || kind == WebDAV) {
		b.provider = detached{b.provider}
	}
	return err
}

func openMirror(path string) (*durable.Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	return durable.Open(path, nil)
}

// Close lets go of the place.
func (b *Backend) Close(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	b.watch.close()
	var errs []error
	if b.provider != nil {
		errs = append(errs, b.provider.Close(ctx))
	}
	for _, d := range []*durable.Dir{b.folder, b.mirror} {
		if d != nil {
			errs = append(errs, d.Close())
		}
	}
	return errors.Join(errs...)
}

// Location is what was opened.
func (b *Backend) Location() Location { return b.opts.Location }

// IsReadOnly reports whether changes are refused.
func (b *Backend) IsReadOnly() bool { return b.opts.ReadOnly }

// DisplayName is the address.
func (b *Backend) DisplayName() string { return b.opts.Location.String() }

// ConnectionInfo tells kopia nothing that could be dialled; see [Register].
func (b *Backend) ConnectionInfo() blob.ConnectionInfo {
	return blob.ConnectionInfo{Type: storageType, Config: &connection{Vault: b.DisplayName()}}
}
