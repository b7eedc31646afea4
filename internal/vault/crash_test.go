//go:build unix

package vault_test

import (
	"context"
	"testing"

	"russet"
	"russet/internal/folder"
	"russet/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m, open) }

func TestFaults(t *testing.T)    { storetest.Faults(t, open, 100) }
func TestKills(t *testing.T)     { storetest.Kills(t, open, 14) }
func TestPowerCuts(t *testing.T) { storetest.PowerCuts(t, open, 30) }
func TestCopies(t *testing.T)    { storetest.Copies(t, open, open, 40) }

func TestCopiesToAFolder(t *testing.T) {
	storetest.Copies(t, open, func(dir string, before func(op, name string) error) (russet.Store, error) {
		return folder.Open(context.Background(), dir, folder.Options{Name: "away", Create: true, Before: before})
	}, 60)
}
