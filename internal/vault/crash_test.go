//go:build unix

package vault_test

import (
	"testing"

	"russet/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m, open) }

func TestFaults(t *testing.T)    { storetest.Faults(t, open, 140) }
func TestKills(t *testing.T)     { storetest.Kills(t, open, 20) }
func TestPowerCuts(t *testing.T) { storetest.PowerCuts(t, open, 40) }
