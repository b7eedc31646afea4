package backend_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/content"
	"github.com/kopia/kopia/repo/object"

	"russet/internal/vault/backend"
	"russet/internal/vault/servers"
)

// TestKopia makes a repository on every kind of place, is refused space in the
// middle of a session, is given it, and reads everything back through a
// storage that kopia was lent.
func TestKopia(t *testing.T) {
	t.Run("file", func(t *testing.T) { kopiaOn(t, place(t)) })
	for name, start := range starters() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kopiaOn(t, optionsOf(start(t)))
		})
	}
}

func optionsOf(s *servers.Server) backend.Options {
	return backend.Options{Location: s.Location, Credentials: s.Credentials, Create: true}
}

func kopiaOn(t *testing.T, o backend.Options) {
	ctx := t.Context()
	full := errors.New("over the allowance")
	var refusing atomic.Bool
	o.Limit = func(id string, bytes int64) error {
		if id[0] != 'p' || bytes <= 0 {
			t.Errorf("asked about %q of %d bytes", id, bytes)
		}
		if refusing.Load() {
			return full
		}
		return nil
	}
	b := open(t, o)
	must(t, repo.Initialize(ctx, b, &repo.NewRepositoryOptions{}, "password"))
	rep, release := openRepository(t, b)
	defer release()
	_, w, err := rep.NewWriter(ctx, repo.WriteSessionOptions{Purpose: "test"})
	must(t, err)
	data := noise(1 << 20)
	ow := w.NewObjectWriter(ctx, object.WriterOptions{})
	_, err = ow.Write(data)
	must(t, err)
	id, err := ow.Result()
	must(t, err, ow.Close())
	refusing.Store(true)
	if err := w.Flush(ctx); !errors.Is(err, full) {
		t.Fatalf("over the allowance: %v", err)
	}
	refusing.Store(false)
	must(t, w.Flush(ctx), w.Close(ctx), rep.Close(ctx))

	again, release := openRepository(t, b)
	defer release()
	r, err := again.OpenObject(ctx, id)
	must(t, err)
	got := make([]byte, len(data))
	_, err = io.ReadFull(r, got)
	must(t, err, r.Close(), again.Close(ctx))
	if !bytes.Equal(got, data) {
		t.Error("other bytes are read than were written")
	}
	// Closing the repository has not closed the storage it was lent.
	if _, blobs, err := b.Usage(ctx); blobs == 0 || err != nil {
		t.Errorf("%d blobs, %v", blobs, err)
	}
}

func openRepository(t *testing.T, b *backend.Backend) (repo.Repository, func()) {
	t.Helper()
	info, release := backend.Register(b)
	rep, err := repo.Open(t.Context(), writeConfig(t, info), "password", &repo.Options{
		OnFatalError: func(err error) { t.Error(err) }, DoNotWaitForUpgrade: true, DisableRepositoryLog: true,
	})
	must(t, err)
	return rep, release
}

func writeConfig(t *testing.T, info blob.ConnectionInfo) string {
	t.Helper()
	data, err := json.Marshal(repo.LocalConfig{
		Storage: &info, Caching: &content.CachingOptions{},
		ClientOptions: repo.ClientOptions{Hostname: "vault", Username: "russet", FormatBlobCacheDuration: -1},
	})
	must(t, err)
	file := filepath.Join(t.TempDir(), "config")
	must(t, os.WriteFile(file, data, 0o600))
	return file
}

// TestRegister: a token opens one storage, until it is released.
func TestRegister(t *testing.T) {
	ctx := t.Context()
	one, two := open(t, place(t)), open(t, place(t))
	must(t, one.Put(ctx, "russet.one", nil), two.Put(ctx, "russet.two", nil))
	infoOne, releaseOne := backend.Register(one)
	infoTwo, releaseTwo := backend.Register(two)
	defer releaseTwo()
	lent := func(info blob.ConnectionInfo) (blob.Storage, error) {
		data, err := json.Marshal(info)
		must(t, err)
		var read blob.ConnectionInfo
		must(t, json.Unmarshal(data, &read))
		return blob.NewStorage(ctx, read, false)
	}
	st, err := lent(infoTwo)
	must(t, err)
	if _, err := st.GetMetadata(ctx, "russet.two"); err != nil {
		t.Error(err)
	}
	must(t, st.Close(ctx))
	if _, err := st.GetMetadata(ctx, "russet.two"); err != nil {
		t.Errorf("closing what was lent closed the storage: %v", err)
	}
	releaseOne()
	releaseOne()
	for _, info := range []blob.ConnectionInfo{infoOne, one.ConnectionInfo()} {
		if _, err := lent(info); err == nil {
			t.Error("a storage is lent that is not registered")
		}
	}
}
