package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// keeper is a program that keeps versions of a folder.
type keeper interface {
	create(ctx context.Context) error
	take(ctx context.Context, folder, label string, sync bool) (measure, error)
	repository() string
}

// newKeeper knows restic, borg and kopia, each with a repository and caches of
// its own below dir, encrypted, and with the fast compression that it offers.
func newKeeper(name, dir string) (keeper, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	p := peer{dir: dir}
	switch name {
	case "restic":
		p.env = []string{
			"RESTIC_PASSWORD=peer", "RESTIC_REPOSITORY=" + p.repository(), "RESTIC_CACHE_DIR=" + filepath.Join(dir, "cache"),
			"RESTIC_COMPRESSION=auto",
		}
		return &restic{p}, nil
	case "borg":
		p.env = []string{
			"BORG_PASSPHRASE=peer", "BORG_REPO=" + p.repository(), "BORG_BASE_DIR=" + dir,
			"BORG_RELOCATED_REPO_ACCESS_IS_OK=yes",
		}
		return &borg{p}, nil
	case "kopia":
		p.env = []string{
			"KOPIA_PASSWORD=peer", "KOPIA_CONFIG_PATH=" + filepath.Join(dir, "config"), "KOPIA_CACHE_DIRECTORY=" + filepath.Join(dir, "cache"),
			"KOPIA_LOG_DIR=" + filepath.Join(dir, "log"), "KOPIA_CHECK_FOR_UPDATES=false", "HOME=" + dir,
		}
		return &kopia{p}, nil
	}
	return nil, fmt.Errorf("unknown program %q", name)
}

type peer struct {
	dir string
	env []string
}

func (p peer) repository() string { return filepath.Join(p.dir, "repository") }

func (p peer) run(ctx context.Context, sync bool, name string, args ...string) (measure, error) {
	c := command{name: name, args: args, env: p.env}
	if sync {
		c.sync = p.dir
	}
	m, _, err := do(ctx, c)
	return m, err
}

type restic struct{ peer }

func (k *restic) create(ctx context.Context) error {
	_, err := k.run(ctx, false, "restic", "init", "--repository-version", "2")
	return err
}

func (k *restic) take(ctx context.Context, folder, _ string, sync bool) (measure, error) {
	return k.run(ctx, sync, "restic", "backup", "--quiet", folder)
}

type borg struct{ peer }

func (k *borg) create(ctx context.Context) error {
	_, err := k.run(ctx, false, "borg", "init", "--encryption", "repokey-blake2")
	return err
}

func (k *borg) take(ctx context.Context, folder, label string, sync bool) (measure, error) {
	return k.run(ctx, sync, "borg", "create", "--compression", "zstd,1", "::"+label, folder)
}

type kopia struct{ peer }

func (k *kopia) create(ctx context.Context) error {
	_, err := k.run(ctx, false, "kopia", "repository", "create", "filesystem", "--path", k.repository())
	if err == nil {
		_, err = k.run(ctx, false, "kopia", "policy", "set", "--global", "--compression", "zstd-fastest")
	}
	return err
}

func (k *kopia) take(ctx context.Context, folder, _ string, sync bool) (measure, error) {
	return k.run(ctx, sync, "kopia", "snapshot", "create", "--no-progress", folder)
}

// shelf is all the keepers of a piece, with sizes to subtract.
type shelf struct {
	dir     string
	keepers map[string]keeper
	sizes   map[string]int64
}

// newShelf makes fresh repositories; sizes then count from what they hold.
func newShelf(ctx context.Context, dir string, names []string) (*shelf, error) {
	s := &shelf{dir: dir, keepers: map[string]keeper{}, sizes: map[string]int64{}}
	for _, name := range names {
		k, err := newKeeper(name, filepath.Join(dir, name))
		if err == nil {
			err = k.create(ctx)
		}
		if err != nil {
			return nil, err
		}
		s.keepers[name] = k
	}
	return s, nil
}

// take backs a folder up into every repository, and returns by how much each
// of them grew.
func (s *shelf) take(ctx context.Context, folder, label string, sync bool) (grown map[string]int64, took map[string]measure, err error) {
	grown, took = map[string]int64{}, map[string]measure{}
	for name, k := range s.keepers {
		if took[name], err = k.take(ctx, folder, label, sync); err != nil {
			return nil, nil, err
		}
		size := dirSize(k.repository())
		grown[name] = size - s.sizes[name]
		s.sizes[name] = size
	}
	return grown, took, nil
}

func (s *shelf) clear() error { return os.RemoveAll(s.dir) }
