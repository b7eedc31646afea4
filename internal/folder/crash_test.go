//go:build unix

package folder_test

import (
	"os"
	"testing"

	"russet"
	"russet/internal/storetest"
)

// system names the one of systems that a killed process opens its store on.
const system = "RUSSET_FOLDER_SYSTEM"

func TestMain(m *testing.M) {
	storetest.Main(m, func(dir string, before func(op, name string) error) (russet.Store, error) {
		return systems[os.Getenv(system)](dir, before)
	})
}

func TestKills(t *testing.T) {
	for name, open := range systems {
		t.Run(name, func(t *testing.T) {
			t.Setenv(system, name)
			storetest.Kills(t, open, sample(name, 24))
		})
	}
}

func TestPowerCuts(t *testing.T) {
	for name, open := range systems {
		t.Run(name, func(t *testing.T) { storetest.PowerCuts(t, open, sample(name, 64)) })
	}
}

func TestCopies(t *testing.T) {
	for name, to := range systems {
		t.Run(name, func(t *testing.T) { storetest.Copies(t, open, to, sample(name, 60)) })
	}
}
