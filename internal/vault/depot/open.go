package depot

import (
	"context"
	"errors"

	"github.com/kopia/kopia/repo/blob"
)

// DefaultHash is the content hash of new repositories.
const DefaultHash = "BLAKE3-256-128"

func create(ctx context.Context, st blob.Storage, password string, opts CreateOptions) error {
	return errors.New("not yet")
}

func open(ctx context.Context, st blob.Storage, password string, opts OpenOptions) (*Depot, error) {
	return nil, errors.New("not yet")
}
