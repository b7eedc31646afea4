package backend_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/kopia/kopia/repo/blob"

	"russet"
	"russet/internal/vault/backend"
	"russet/internal/vault/servers"
)

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, o backend.Options) *backend.Backend {
	t.Helper()
	b, err := backend.Open(t.Context(), o)
	must(t, err)
	t.Cleanup(func() { must(t, b.Close(context.Background())) })
	return b
}

// bytesOf are bytes as kopia hands them over and takes them.
type bytesOf struct{ data []byte }

func blobOf(data []byte) bytesOf { return bytesOf{data} }

func (b bytesOf) Length() int { return len(b.data) }

func (b bytesOf) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(b.data)
	return int64(n), err
}

func (b bytesOf) Reader() io.ReadSeekCloser { return closer{bytes.NewReader(b.data)} }

type closer struct{ io.ReadSeeker }

func (closer) Close() error { return nil }

type into struct{ bytes.Buffer }

func (i *into) Length() int { return i.Len() }

func noise(n int) []byte {
	data := make([]byte, n)
	r := rand.NewChaCha8([32]byte{7})
	_, _ = r.Read(data)
	return data
}

// TestServers does to every kind of place what a vault does.
func TestServers(t *testing.T) {
	for name, start := range starters() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			t.Run("absent", func(t *testing.T) { absent(t, s) })
			t.Run("refused", func(t *testing.T) { refusedThere(t, s) })
			o := backend.Options{Location: s.Location, Credentials: s.Credentials, Create: true}
			t.Run("blobs", func(t *testing.T) { blobsThere(t, open(t, o)) })
			t.Run("own", func(t *testing.T) { ownThere(t, open(t, o)) })
			t.Run("killed", func(t *testing.T) { killedThere(t, s, open(t, o)) })
			t.Run("leftovers", func(t *testing.T) { leftoversThere(t, s.Data, open(t, o)) })
			t.Run("offline", func(t *testing.T) { offlineThere(t, s) })
		})
	}
}

func starters() map[string]func(testing.TB) *servers.Server {
	return map[string]func(testing.TB) *servers.Server{
		"s3": servers.StartS3, "webdav": servers.StartWebDAV, "sftp": servers.StartSFTP, "sftp-password": servers.StartSFTPPassword,
	}
}

// absent: a place that is not there is an answer, at once, and is not made.
func absent(t *testing.T, s *servers.Server) {
	l := s.Location
	if l.Kind == backend.S3 {
		l.Bucket = "nowhere"
	}
	began := time.Now()
	_, err := backend.Open(t.Context(), backend.Options{Location: l, Credentials: s.Credentials, Create: l.Kind == backend.S3})
	if !errors.Is(err, fs.ErrNotExist) || russet.KindOf(err) != russet.Usage {
		t.Errorf("an absent place is %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("that took %v", took)
	}
	_, err = backend.Open(t.Context(), backend.Options{Location: l, Credentials: s.Credentials, ReadOnly: true, Create: true})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent place opened for reading is %v", err)
	}
}

// refusedThere: wrong credentials are an answer, at once.
func refusedThere(t *testing.T, s *servers.Server) {
	wrong := s.Credentials
	switch {
	case s.Location.Kind == backend.S3:
		wrong.SecretKey = "wrong"
	case wrong.PrivateKey != "":
		wrong.PrivateKey = strangersKey(t)
	default:
		wrong.Password = "wrong"
	}
	none := s.Credentials
	none.SecretKey, none.Password, none.PrivateKey = "", "", ""
	for _, c := range []backend.Credentials{wrong, none} {
		began := time.Now()
		_, err := backend.Open(t.Context(), backend.Options{Location: s.Location, Credentials: c, Create: true})
		if russet.KindOf(err) != russet.Usage || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("wrong credentials: %v", err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("that took %v", took)
		}
	}
}

// blobsThere puts, lists, reads in ranges, replaces and deletes.
func blobsThere(t *testing.T, b *backend.Backend) {
	ctx := t.Context()
	data := noise(300_000)
	for _, id := range []blob.ID{"p0123456789abcdef0123456789abcdef-s1", "q0123456789abcdef0123456789abcdef-s1", "kopia.repository"} {
		must(t, b.PutBlob(ctx, id, blobOf(data), blob.PutOptions{}))
	}
	const id = "p0123456789abcdef0123456789abcdef-s1"
	for _, r := range []struct{ offset, length int64 }{{0, -1}, {0, 1}, {1000, 70_000}, {299_999, 1}, {0, 300_000}} {
		want := data
		if r.length >= 0 {
			want = data[r.offset : r.offset+r.length]
		}
		var got into
		if err := b.GetBlob(ctx, id, r.offset, r.length, &got); err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("range %+v: %d bytes, %v", r, got.Len(), err)
		}
	}
	var got into
	if err := b.GetBlob(ctx, id, 299_990, 20, &got); err == nil {
		t.Error("a range behind the end is read")
	}
	if err := b.GetBlob(ctx, "pnone0123456789abcdef0123456789", 0, -1, &got); !errors.Is(err, blob.ErrBlobNotFound) {
		t.Errorf("a blob that is not there: %v", err)
	}
	if m, err := b.GetMetadata(ctx, id); err != nil || m.Length != 300_000 || time.Since(m.Timestamp).Abs() > time.Hour {
		t.Errorf("described as %+v, %v", m, err)
	}
	var when time.Time
	must(t, b.PutBlob(ctx, id, blobOf(data[:10]), blob.PutOptions{GetModTime: &when}))
	if when.IsZero() {
		t.Error("no time of the change")
	}
	list(t, b, "p", id)
	list(t, b, "", id, "kopia.repository", "q0123456789abcdef0123456789abcdef-s1")
	if n, blobs, err := b.Usage(ctx); n != 600_010 || blobs != 3 || err != nil {
		t.Errorf("%d bytes in %d blobs, %v", n, blobs, err)
	}
	must(t, b.DeleteBlob(ctx, id), b.DeleteBlob(ctx, id))
	list(t, b, "p")
	switch n, err := b.Free(ctx); {
	case err != nil && !errors.Is(err, errors.ErrUnsupported):
		t.Errorf("free space: %v", err)
	case err == nil && n <= 0:
		t.Errorf("free space: %d", n)
	}
	c := b.Counters()
	if c.Puts != 4 || c.BytesPut != 900_010 || c.Gets < 5 || c.Deletes != 2 || c.Lists < 4 || c.BytesGot < 600_000 {
		t.Errorf("counted %+v", c)
	}
}

func list(t *testing.T, b *backend.Backend, prefix blob.ID, want ...string) {
	t.Helper()
	var got []string
	must(t, b.ListBlobs(t.Context(), prefix, func(m blob.Metadata) error {
		got = append(got, string(m.BlobID))
		return nil
	}))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q lists %q, not %q", prefix, got, want)
	}
}

// ownThere does the same with russet's own blobs.
func ownThere(t *testing.T, b *backend.Backend) {
	ctx := t.Context()
	must(t, b.Put(ctx, "russet.keys", []byte("old")), b.Put(ctx, "russet.keys", []byte("new")), b.Put(ctx, "russet.note", []byte("note")))
	if data, err := b.Get(ctx, "russet.keys", 3); err != nil || string(data) != "new" {
		t.Errorf("got %q, %v", data, err)
	}
	if _, err := b.Get(ctx, "russet.keys", 2); err == nil {
		t.Error("more is read than allowed")
	}
	if _, err := b.Get(ctx, "russet.none", 2); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that is not there: %v", err)
	}
	names, err := b.List(ctx, "russet.")
	if slices.Sort(names); err != nil || !slices.Equal(names, []string{"russet.keys", "russet.note"}) {
		t.Errorf("listed %q, %v", names, err)
	}
	must(t, b.Remove(ctx, "russet.keys"), b.Remove(ctx, "russet.note"), b.Remove(ctx, "russet.note"))
	for _, name := range []string{"p123", "russet.a/b", "kopia.repository"} {
		if err := errors.Join(b.Put(ctx, name, nil)); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q is put: %v", name, err)
		}
		if err := b.Remove(ctx, name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q is removed: %v", name, err)
		}
	}
}

// killedThere: a put during which the server dies ends whole once it is back,
// and until then there is nothing of it.
func killedThere(t *testing.T, s *servers.Server, b *backend.Backend) {
	ctx := t.Context()
	data := noise(4 << 20)
	const id = "pkilled6789abcdef0123456789abcdef-s2"
	dead := s.KillAfter(2 << 20)
	put := make(chan error, 1)
	go func() { put <- b.PutBlob(ctx, id, blobOf(data), blob.PutOptions{}) }()
	select {
	case <-dead:
	case err := <-put:
		t.Fatalf("the put ended before the server died: %v", err)
	}
	s.Start()
	second := open(t, backend.Options{Location: s.Location, Credentials: s.Credentials})
	if m, err := second.GetMetadata(ctx, id); err == nil && m.Length != int64(len(data)) {
		t.Errorf("half a blob stands there: %d bytes", m.Length)
	}
	must(t, <-put)
	var got into
	if err := second.GetBlob(ctx, id, 0, -1, &got); err != nil || !bytes.Equal(got.Bytes(), data) {
		t.Errorf("after the server came back: %d bytes, %v", got.Len(), err)
	}
	list(t, b, "p", id)
}

// leftoversThere: what interrupted puts left goes once it is old, and nothing else.
func leftoversThere(t *testing.T, data string, b *backend.Backend) {
	ctx := t.Context()
	const id = "pleft6789abcdef0123456789abcdef-s2"
	must(t, b.PutBlob(ctx, id, blobOf([]byte("whole")), blob.PutOptions{}))
	if b.Location().Kind == backend.S3 {
		if n, err := b.RemoveLeftovers(ctx, 0); n != 0 || err != nil {
			t.Errorf("a bucket had %d bytes of leftovers, %v", n, err)
		}
		return
	}
	_, err := b.RemoveLeftovers(ctx, 0) // of the killed server
	must(t, err)
	for _, name := range []string{"left.f.tmp.0123456789abcdef", "left.f-1234567890123", "p/lef/left.f.tmp.0123456789abcdef", "left.f.tmp.strange", "left.txt"} {
		must(t, os.WriteFile(filepath.Join(data, filepath.FromSlash(name)), []byte("half"), 0o600))
	}
	if n, err := b.RemoveLeftovers(ctx, time.Hour); n != 0 || err != nil {
		t.Errorf("young leftovers are removed: %d bytes, %v", n, err)
	}
	if n, err := b.RemoveLeftovers(ctx, -time.Minute); n != 12 || err != nil {
		t.Errorf("%d bytes are removed, %v", n, err)
	}
	for _, name := range []string{"left.f.tmp.strange", "left.txt"} {
		must(t, os.Remove(filepath.Join(data, name)))
	}
	if m, err := b.GetMetadata(ctx, id); m.Length != 5 || err != nil {
		t.Errorf("a whole blob is %+v, %v", m, err)
	}
}

// offlineThere: a server that is away is said to be away.
func offlineThere(t *testing.T, s *servers.Server) {
	s.Kill()
	_, err := backend.Open(t.Context(), backend.Options{Location: s.Location, Credentials: s.Credentials})
	if russet.KindOf(err) != russet.NotConnected {
		t.Errorf("a dead server: %v", err)
	}
}
