package folder_test

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"russet"
	"russet/internal/folder"
	"russet/internal/storetest"
)

func open(dir string, before func(op, name string) error) (russet.Store, error) {
	return folder.Open(context.Background(), dir, folder.Options{Name: "home", Create: true, Before: before})
}

// openPoor opens a store as on a system and a file system that can do little:
// no links, no exchange of two names, no syncing of everything at once.
func openPoor(dir string, before func(op, name string) error) (russet.Store, error) {
	return folder.Open(context.Background(), dir, folder.Options{
		Name: "home", Create: true, NoLinks: true, Before: without(before, "exchange", "syncall", "clone"),
	})
}

// openTwoSteps opens a store on a file system with links, but without an
// exchange of two names.
func openTwoSteps(dir string, before func(op, name string) error) (russet.Store, error) {
	return folder.Open(context.Background(), dir, folder.Options{
		Name: "home", Create: true, Before: without(before, "exchange"),
	})
}

func without(before func(op, name string) error, missing ...string) func(op, name string) error {
	return func(op, name string) error {
		for _, m := range missing {
			if op == m {
				return errors.ErrUnsupported
			}
		}
		if before == nil {
			return nil
		}
		return before(op, name)
	}
}

var systems = map[string]storetest.Opener{"": open, "poor": openPoor, "two steps": openTwoSteps}

func TestStore(t *testing.T) {
	for name, open := range systems {
		t.Run(name, func(t *testing.T) { storetest.Run(t, open, false) })
	}
}

func TestFaults(t *testing.T) {
	for name, open := range systems {
		t.Run(name, func(t *testing.T) { storetest.Faults(t, open, sample(name, 200)) })
	}
}

// sample is how many points are tried on a system: most on the usual one.
func sample(system string, usual int) int {
	if system == "" {
		return usual
	}
	return usual / 8
}

func mapFS(f storetest.Folder) fs.FS {
	m := fstest.MapFS{}
	for name, data := range f {
		m[name] = &fstest.MapFile{Data: []byte(data), Mode: 0o644}
	}
	return m
}
