package vault_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"russet"
	"russet/internal/storetest"
	"russet/internal/vault"
	"russet/internal/vault/backend"
)

// password is the repository's: in life it is random and wrapped.
const password = "a repository password of tests"

// open opens the vault in dir/vault, whose local part is in dir/state.
func open(dir string, before func(op, name string) error) (russet.Store, error) {
	return openWith(dir, before, vault.Options{})
}

func openWith(dir string, before func(op, name string) error, opts vault.Options) (russet.Store, error) {
	ctx := context.Background()
	place := backend.Options{
		Location: backend.Location{Kind: backend.File, Path: filepath.Join(dir, "vault")},
		Create:   true, Before: before,
	}
	b, err := backend.Open(ctx, place)
	if err != nil {
		return nil, err
	}
	opts.Name, opts.Backend, opts.Password, opts.State, opts.Before = "home", b, password, filepath.Join(dir, "state"), before
	if err := vault.Create(ctx, opts); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, errors.Join(err, b.Close(ctx))
	}
	s, err := vault.Open(ctx, opts)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func TestStore(t *testing.T) { storetest.Run(t, open, true) }
