package host_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"russet/internal/vault/backend"
	"russet/internal/vault/servers"
)

// TestStoreTakenAway moves the folder of an open store away, as an unmounted
// disk does, puts another in its place, and brings it back: a host that lives
// for months must notice each.
func TestStoreTakenAway(t *testing.T) {
	for _, kind := range []string{"folder", "vault"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			h := hostIn(t, filepath.Join(dir, "home"), given(vaultPassword))
			place, away := filepath.Join(dir, "store"), filepath.Join(dir, "away")
			if kind == "folder" {
				_, err := h.AddStore(t.Context(), "home", "folder:"+place)
				must(t, err)
			} else {
				_, err := h.AddVault(t.Context(), addition("vault:"+place, backend.Credentials{}))
				must(t, err)
			}
			problem := func() string {
				statuses, err := h.StoreStatuses(t.Context(), "home")
				must(t, err)
				return statuses[0].Problem
			}
			if p := problem(); p != "" {
				t.Fatalf("a new store has a problem: %s", p)
			}
			must(t, os.Rename(place, away))
			if problem() == "" {
				t.Error("the store is gone, and nobody noticed")
			}
			must(t, os.Mkdir(place, 0o700))
			if problem() == "" {
				t.Error("an empty folder passes for the store")
			}
			must(t, os.RemoveAll(place))
			must(t, os.Rename(away, place))
			if p := problem(); p != "" {
				t.Errorf("the store is back, but: %s", p)
			}
		})
	}
}

// TestHungStoreKeepsNobodyWaiting has a vault whose server takes connections
// and does not answer, beside a good store.
func TestHungStoreKeepsNobodyWaiting(t *testing.T) {
	server := servers.StartWebDAV(t)
	h := hostIn(t, filepath.Join(t.TempDir(), "home"), given(vaultPassword))
	a := addition(server.Location.String(), server.Credentials)
	a.Name = "hung"
	_, err := h.AddVault(t.Context(), a)
	must(t, err)
	_, err = h.AddStore(t.Context(), "good", "folder:"+filepath.Join(t.TempDir(), "good"))
	must(t, err)
	must(t, h.CloseStores())
	server.Hang()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		_, err := h.Backups(ctx, "hung", "", false)
		ended <- err
	}()
	for range 5 { // until the other one is surely at it
		if _, err := h.Backups(ctx, "good", "", false); err != nil {
			t.Errorf("the good store: %v", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	select {
	case err := <-ended:
		t.Errorf("the server that hangs kept nobody waiting, so that this shows nothing: %v", err)
	default:
	}
	stop()
	<-ended
}
