// Package depot is russet's thin layer over the kopia library: it creates and
// opens a repository on any kopia storage, writes and reads objects, trees and
// versions, and keeps the repository healthy. Nothing outside internal/vault
// imports it, and nothing outside this package and its neighbour backend
// imports kopia.
//
// A repository written here is an ordinary kopia repository: the stock tool
// lists, verifies and restores it.
package depot

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/blob"
)

var (
	// ErrPassword says that the repository's password is another one.
	ErrPassword = errors.New("wrong repository password")
	// ErrNoIndex says that data packs stand in the storage and nothing
	// indexes them: the repository looks empty and is damaged. Open it with
	// OpenOptions.Repair and call Salvage.
	ErrNoIndex = errors.New("the repository has data but its index is gone")
	// ErrNotOwner says that another host looks after this repository.
	ErrNotOwner = errors.New("another host looks after this repository")
	// ErrClosed says that a writer was used after Result or Abort.
	ErrClosed = errors.New("writer is closed")
	// ErrDamaged says that stored data cannot be what was written.
	ErrDamaged = errors.New("stored data is damaged")
)

// ID names a stored object. Equal data cut in the same way has equal IDs.
type ID string

// CreateOptions choose what can never be changed later.
type CreateOptions struct {
	Hash string // "" = DefaultHash
	ECC  int    // percent of error correction, 0 to 100
}

// OpenOptions say how a repository is used by this process.
type OpenOptions struct {
	State      string // absolute folder of our own: configuration, locks, caches
	Host       string // who we are when hosts agree on one that maintains; "" = "vault"
	Cache      bool   // keep read data in State; only for storages that are far away
	CacheBytes int64  // size of that cache; 0 = 256 MiB
	LowMemory  bool
	Repair     bool // open although ErrNoIndex
	Log        *slog.Logger
}

// Depot is an open repository. It is safe for concurrent use.
type Depot struct {
	rep   repo.DirectRepository
	st    blob.Storage
	opts  OpenOptions
	log   *slog.Logger
	cache *cache

	password string
	straight bool // nothing it reads has been read before: see Straight

	pools [len(poolSizes)]sync.Pool // of *[]byte

	// slots bound how many chunks are hashed, sealed and put at once, over all
	// sessions: each such chunk takes two 8 MiB buffers inside kopia and, when
	// it fills a pack, the whole pack until it is stored.
	slots chan struct{}

	missed sync.Mutex
	looked time.Time // when a missing pack last made us read the index again

	closeOnce sync.Once
	closeErr  error
}

// DefaultHash is the content hash of new repositories: what is fast where
// nothing else is. MB/s on one core of a server (chunks of 4 MiB), with the
// processor's instructions for it and without:
//
//	                 with   without
//	HMAC-SHA256-128  1,776  146
//	BLAKE3-256-128   3,983  341
//	BLAKE2B-256-128    946  463
//	AES-256-GCM      5,146   72   (every chunk is sealed too)
//
// Go has assembly for SHA-256 and AES on amd64 and arm64 alike, for BLAKE on
// amd64 only. So a Mac or a NAS with ARM's cryptography instructions would hash
// BLAKE3 in plain Go, several times slower than it seals, while HMAC-SHA256
// keeps up with sealing everywhere; on a board without such instructions
// sealing is the narrow place whatever the hash. On amd64 no difference can be
// seen behind the disk.
const DefaultHash = "HMAC-SHA256-128"

// Create makes a new repository; fs.ErrExist if there is one already.
func Create(ctx context.Context, st blob.Storage, password string, opts CreateOptions) error {
	return create(ctx, st, password, opts)
}

// Open opens the repository in st. The storage stays the caller's: Close does
// not close it. A wrong password is ErrPassword, an absent repository
// fs.ErrNotExist.
func Open(ctx context.Context, st blob.Storage, password string, opts OpenOptions) (*Depot, error) {
	d, err := open(ctx, st, password, opts)
	if err == nil {
		d.password = password
	}
	return d, err
}
