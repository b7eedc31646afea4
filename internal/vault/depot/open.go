package depot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/content"
	"github.com/kopia/kopia/repo/format"

	"russet/internal/vault/backend"
)

// What a repository of ours is made of. Who writes is the same everywhere, so
// that versions made by any host stand under one source in the stock tool.
const (
	userName     = "russet"
	hostName     = "vault"
	splitterName = "DYNAMIC-1M-BUZHASH"
	compressor   = "zstd-fastest"
	cacheBytes   = 256 << 20
)

func create(ctx context.Context, st blob.Storage, password string, opts CreateOptions) error {
	if opts.Hash == "" {
		opts.Hash = DefaultHash
	}
	err := repo.Initialize(ctx, st, &repo.NewRepositoryOptions{
		BlockFormat:  format.ContentFormat{Hash: opts.Hash, ECCOverheadPercent: opts.ECC},
		ObjectFormat: format.ObjectFormat{Splitter: splitterName},
	}, password)
	if errors.Is(err, repo.ErrAlreadyInitialized) {
		return fmt.Errorf("create repository: %w", fs.ErrExist)
	}
	if err != nil {
		return fmt.Errorf("create repository: %w", err)
	}
	return nil
}

func open(ctx context.Context, st blob.Storage, password string, opts OpenOptions) (*Depot, error) {
	if !filepath.IsAbs(opts.State) {
		return nil, fmt.Errorf("open repository: the state folder %q is not absolute", opts.State)
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Host == "" {
		opts.Host = hostName
	}
	config, release, err := writeConfig(st, opts)
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	defer release()
	ignoreEnvironment()
	var r repo.Repository
	err = backend.Bounded(ctx, func(ctx context.Context) (err error) {
		r, err = repo.Open(ctx, config, password, kopiaOptions(opts.Log))
		return err
	})
	if err != nil {
		return nil, openError(ctx, st, err)
	}
	d := newDepot(r.(repo.DirectRepository), st, opts)
	if err := backend.Bounded(ctx, d.checkIndex); err != nil && !opts.Repair {
		return nil, errors.Join(fmt.Errorf("open repository: %w", err), d.Close(ctx))
	}
	return d, nil
}

// kopiaOptions are what kopia must be told not to do.
func kopiaOptions(log *slog.Logger) *repo.Options {
	return &repo.Options{
		DisableRepositoryLog: true, // else encrypted logs land in the storage
		DoNotWaitForUpgrade:  true, // else it waits for ever
		// Without it kopia ends the process. The operation that met the fault
		// returns it too.
		OnFatalError: func(err error) { log.Error("repository", "err", err) },
	}
}

func newDepot(rep repo.DirectRepository, st blob.Storage, opts OpenOptions) *Depot {
	slots, cached := min(max(runtime.GOMAXPROCS(0), 2), 3), int64(64<<20)
	if opts.LowMemory {
		slots, cached = 1, 8<<20
	}
	return &Depot{
		rep: rep, st: st, opts: opts, log: opts.Log,
		slots: make(chan struct{}, slots), cache: newCache(cached),
	}
}

// openError sorts what kopia says when it cannot open.
func openError(ctx context.Context, st blob.Storage, err error) error {
	switch {
	case errors.Is(err, repo.ErrInvalidPassword):
		return fmt.Errorf("open repository: %w", ErrPassword)
	case errors.Is(err, blob.ErrBlobNotFound):
		// An index blob may be what is missing; only without the format blob
		// is there no repository.
		if _, e := st.GetMetadata(ctx, format.KopiaRepositoryBlobID); errors.Is(e, blob.ErrBlobNotFound) {
			return fmt.Errorf("open repository: %w", fs.ErrNotExist)
		}
	}
	// Kopia has no values for these; the vault's tests notice when the words change.
	for _, words := range []string{"message authentication failed", "error loading index", "invalid format blob", "can't parse format blob", "unable to decrypt repository"} {
		if strings.Contains(err.Error(), words) {
			return fmt.Errorf("open repository: %w: %w", ErrDamaged, err)
		}
	}
	return fmt.Errorf("open repository: %w", err)
}

// writeConfig writes the file kopia insists on. It holds no secret, and its
// name is a new one: two that open at once must not read each other's. Kopia
// does not look at it again, so release removes it.
func writeConfig(st blob.Storage, opts OpenOptions) (name string, release func(), err error) {
	if err := os.MkdirAll(opts.State, 0o700); err != nil {
		return "", nil, err
	}
	info, lent := backend.Register(st)
	lc := repo.LocalConfig{
		Storage: &info,
		ClientOptions: repo.ClientOptions{
			Username: userName, Hostname: opts.Host, Description: "russet",
			FormatBlobCacheDuration: -1, // else a new password is noticed 15 minutes late
		},
	}
	if opts.Cache {
		if opts.CacheBytes <= 0 {
			opts.CacheBytes = cacheBytes
		}
		lc.Caching = &content.CachingOptions{
			CacheDirectory:         filepath.Join(opts.State, "cache"),
			ContentCacheSizeBytes:  opts.CacheBytes,
			MetadataCacheSizeBytes: opts.CacheBytes,
		}
	}
	data, err := json.Marshal(lc)
	if err != nil {
		lent()
		return "", nil, err
	}
	dir, err := os.MkdirTemp(opts.State, "open-")
	if err != nil {
		lent()
		return "", nil, err
	}
	release = func() { lent(); os.RemoveAll(dir) }
	name = filepath.Join(dir, "repository.json")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		release()
		return "", nil, err
	}
	return name, release, nil
}

// ignoreEnvironment removes what would change kopia behind our back: where
// caches lie, whether damaged manifests are skipped in silence, whether
// maintenance goes on over what it could not read.
func ignoreEnvironment() {
	for _, name := range []string{
		"KOPIA_CACHE_DIRECTORY", "KOPIA_IGNORE_MALFORMED_MANIFEST_CONTENTS", "KOPIA_DEBUG_MANIFEST_MANAGER",
		"KOPIA_ENABLE_CLOCK_SKEW_CHECK", "KOPIA_VERIFY_INVARIANTS", "KOPIA_IGNORE_MAINTENANCE_REWRITE_ERROR",
		"KOPIA_MAINTENANCE_CONTENT_VERIFY_PERCENTAGE", "KOPIA_UPGRADE_LOCK_ENABLED",
	} {
		os.Unsetenv(name)
	}
}

// checkIndex tells an empty repository from one whose indexes are gone: kopia
// shows both as empty. Packs of a session that never committed do not count:
// the session's marker stands beside them.
func (d *Depot) checkIndex(ctx context.Context) error {
	indexes, err := d.rep.IndexBlobs(ctx, false)
	if err != nil || len(indexes) > 0 {
		return err
	}
	open := make(map[content.SessionID]bool)
	err = d.st.ListBlobs(ctx, content.BlobIDPrefixSession, func(m blob.Metadata) error {
		open[content.SessionIDFromBlobID(m.BlobID)] = true
		return nil
	})
	if err != nil {
		return err
	}
	for _, prefix := range content.PackBlobIDPrefixes {
		err := d.st.ListBlobs(ctx, prefix, func(m blob.Metadata) error {
			if open[content.SessionIDFromBlobID(m.BlobID)] {
				return nil
			}
			return ErrNoIndex
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Close lets go of the repository. Sessions must be closed before.
func (d *Depot) Close(ctx context.Context) error {
	d.closeOnce.Do(func() { d.closeErr = d.rep.Close(context.WithoutCancel(ctx)) })
	return d.closeErr
}

// Refresh makes visible what other hosts wrote.
func (d *Depot) Refresh(ctx context.Context) error {
	if err := backend.Bounded(ctx, d.rep.Refresh); err != nil {
		return fmt.Errorf("refresh repository: %w", err)
	}
	return nil
}

// ChangePassword makes password the only one that opens the repository.
func (d *Depot) ChangePassword(ctx context.Context, password string) error {
	if err := d.rep.FormatManager().ChangePassword(ctx, password); err != nil {
		return fmt.Errorf("change repository password: %w", err)
	}
	return nil
}
