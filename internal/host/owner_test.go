package host_test

import (
	"os"
	"path/filepath"
	"testing"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
)

// TestAdministrator: sudo opens no store of somebody else's home: even who reads
// would leave locks there that they cannot take.
func TestAdministrator(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("for the administrator")
	}
	dir := t.TempDir()
	h := host.Open(host.Options{Home: home.Place{Dir: dir, Data: dir, Moved: true}})
	defer h.Close()
	if _, _, err := h.StoreFor(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Backups(t.Context(), "", "", false); err != nil {
		t.Errorf("one's own: %v", err)
	}
	if err := os.Chown(filepath.Join(dir, home.Locks), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Backups(t.Context(), "", "", false); russet.KindOf(err) != russet.Usage {
		t.Errorf("somebody else's: %v", err)
	}
}
