package folder_test

import (
	"context"
	"testing"

	"russet"
	"russet/internal/folder"
	"russet/internal/storetest"
)

func open(dir string, before func(op, name string) error) (russet.Store, error) {
	return folder.Open(context.Background(), dir, folder.Options{Name: "home", Create: true, Before: before})
}

func TestStore(t *testing.T) { storetest.Run(t, open) }

func TestFaults(t *testing.T) { storetest.Faults(t, open) }
