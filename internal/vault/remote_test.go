package vault_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"testing"
	"time"

	"russet"
	"russet/internal/storetest"
	"russet/internal/vault"
	"russet/internal/vault/backend"
	"russet/internal/vault/servers"
)

// far are the kinds of servers a vault can be on.
var far = map[string]func(testing.TB) *servers.Server{
	"s3": servers.StartS3, "sftp": servers.StartSFTP, "webdav": servers.StartWebDAV,
}

// place is where a test keeps a vault on a server.
func place(s *servers.Server, name string) backend.Options {
	l := s.Location
	if l.Kind == backend.S3 {
		l.Prefix = name
	} else {
		l.Path = path.Join(l.Path, name)
	}
	return backend.Options{Location: l, Credentials: s.Credentials, Create: true, Patience: time.Second}
}

// openAt opens the vault at a place, as the computer whose part is in state.
func openAt(where backend.Options, state string) (*vault.Store, *backend.Backend, error) {
	ctx := context.Background()
	b, err := backend.Open(ctx, where)
	if err != nil {
		return nil, nil, err
	}
	opts := vault.Options{Name: "home", Backend: b, Password: password, State: state, Remote: !where.Location.Local(), Before: where.Before}
	if where.Create {
		if err := vault.Create(ctx, opts); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, nil, errors.Join(err, b.Close(ctx))
		}
	}
	s, err := vault.Open(ctx, opts)
	return s, b, err
}

// TestFarStore does all that a store must do on a real server, and with
// RUSSET_CLIENTS=require, which takes its time, on one of each kind.
func TestFarStore(t *testing.T) {
	for name, start := range far {
		if name != "s3" && os.Getenv("RUSSET_CLIENTS") != "require" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s := start(t)
			// Some servers do not bear many clients that make one folder.
			if err := os.MkdirAll(s.Data, 0o700); err != nil {
				t.Fatal(err)
			}
			storetest.Run(t, func(dir string, before func(op, name string) error) (russet.Store, error) {
				where := place(s, filepath.Base(filepath.Dir(dir)))
				where.Before = before
				st, _, err := openAt(where, filepath.Join(dir, "state"))
				if err != nil {
					return nil, err
				}
				return st, nil
			}, true)
		})
	}
}

// remote is a vault on a server and the computer that uses it.
type remote struct {
	*testing.T
	server *servers.Server
	where  backend.Options
	state  string
	store  *vault.Store
	back   *backend.Backend
}

func newRemote(t *testing.T, s *servers.Server) *remote {
	r := &remote{T: t, server: s, where: place(s, "v"), state: t.TempDir()}
	r.reopen()
	t.Cleanup(func() { r.store.Close() })
	return r
}

// reopen is a new process, which knows what the last one left on this computer.
func (r *remote) reopen() {
	r.Helper()
	if r.store != nil {
		if err := r.store.Close(); err != nil {
			r.Log("close:", err) // of a server that is gone
		}
	}
	var err error
	if r.store, r.back, err = openAt(r.where, r.state); err != nil {
		r.Fatal(err)
	}
	r.where.Create = false
}

// other is a second computer that shares the vault.
func (r *remote) other() *remote {
	o := &remote{T: r.T, server: r.server, where: r.where, state: r.TempDir()}
	o.reopen()
	r.Cleanup(func() { o.store.Close() })
	return o
}

func (r *remote) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *remote) begin(device russet.UDID) russet.Draft {
	r.Helper()
	d, err := r.store.Begin(r.Context(), russet.BeginOptions{Device: device, Allow: -1})
	r.must(err)
	return d
}

func (r *remote) backup(device russet.UDID, to storetest.Folder) russet.Backup {
	r.Helper()
	b, err := storetest.Backup(r.Context(), r.store, device, to)
	r.must(err)
	return b
}

// has compares a backup with a folder, byte for byte, and checks it in full.
func (r *remote) has(id russet.BackupID, want storetest.Folder) {
	r.Helper()
	c, err := r.store.Open(r.Context(), id)
	r.must(err)
	defer c.Close()
	if got := storetest.Read(r, c.Folder()); !maps.Equal(got, want) {
		r.Errorf("the backup %s is not what the phone sent", id)
	}
	r.good(id)
}

func (r *remote) good(id russet.BackupID) {
	r.Helper()
	report, err := r.store.Verify(r.Context(), id, russet.VerifyOptions{Full: true})
	if err != nil || len(report.Problems) > 0 {
		r.Errorf("the backup %s verifies as %v, %v", id, report.Problems, err)
	}
}

// noise is data that does not compress, the same for the same seed.
func noise(seed byte, n int) string {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(data)
	return string(data)
}

// photos is a phone with n photos of some size, the first day's and some more.
func photos(t testing.TB, device russet.UDID, day, n, size int) storetest.Folder {
	c := storetest.Contents{"HomeDomain/Library/notes.txt": fmt.Sprintf("day %d of %s", day, device)}
	for i := range n {
		c[fmt.Sprintf("CameraRollDomain/Media/DCIM/100APPLE/IMG_%04d.JPG", i)] = noise(byte(i), size+i)
	}
	return storetest.Make(t, device, day, c)
}

// TestServerDies: the server is killed while a run uploads, at several moments,
// and comes back. The run goes on; what was there is there.
func TestServerDies(t *testing.T) {
	for name, start := range far {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRemote(t, start(t))
			one, two := photos(t, storetest.Device, 1, 3, 200_000), photos(t, storetest.Device, 2, 16, 300_000)
			first := r.backup(storetest.Device, one)
			for _, n := range []int64{1, 50_000, 1_000_000, 3_000_000} {
				r.dies(n, two)
				r.has(first.ID, one)
			}
			d := r.begin(storetest.Device)
			_, err := storetest.Play(d, storetest.Device, two)
			r.must(err)
			second, err := d.Commit(t.Context())
			r.must(err)
			r.has(second.ID, two)
			r.has(first.ID, one)
			r.reopen()
			r.has(second.ID, two)
		})
	}
}

// dies plays a run during which the server is killed after n bytes, suspends it
// as far as that is possible, and starts the server again.
func (r *remote) dies(n int64, to storetest.Folder) {
	r.Helper()
	d := r.begin(storetest.Device)
	dead := r.server.KillAfter(n)
	_, err := storetest.Play(d, storetest.Device, to)
	if err == nil {
		_, err = d.Commit(r.Context())
	}
	if err == nil {
		r.Fatalf("a run goes on without a server (killed after %d bytes)", n)
	}
	if russet.KindOf(err) != russet.NotConnected {
		r.Errorf("killed after %d bytes: %v (kind %d)", n, err, russet.KindOf(err))
	}
	if err := d.Suspend(r.Context()); err != nil && russet.KindOf(err) != russet.NotConnected {
		r.Errorf("suspended without a server: %v", err)
	}
	<-dead
	r.server.Start()
	r.reopen()
}

// TestServerOffline: a server that does not answer is said to be that, soon.
func TestServerOffline(t *testing.T) {
	for name, start := range far {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRemote(t, start(t))
			one := photos(t, storetest.Device, 1, 2, 10_000)
			b := r.backup(storetest.Device, one)
			r.server.Kill()
			began := time.Now()
			_, _, err := openAt(r.where, t.TempDir())
			if russet.KindOf(err) != russet.NotConnected {
				t.Errorf("open: %v", err)
			}
			_, err = r.store.Begin(t.Context(), russet.BeginOptions{Device: storetest.Device, Allow: -1})
			if russet.KindOf(err) != russet.NotConnected {
				t.Errorf("begin: %v", err)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("that took %v", took)
			}
			r.server.Start()
			r.reopen()
			r.has(b.ID, one)
		})
	}
}

// TestFarReading counts what opening one photo asks of a server.
func TestFarReading(t *testing.T) {
	r := newRemote(t, servers.StartS3(t))
	one := photos(t, storetest.Device, 1, 400, 20_000)
	b := r.backup(storetest.Device, one)
	for day := 2; day < 6; day++ {
		one = photos(t, storetest.Device, day, 400+day, 20_000)
		b = r.backup(storetest.Device, one)
	}
	var photo string
	for name, data := range one {
		if len(data) == 20_100 {
			photo = name
		}
	}
	for _, what := range []string{"another computer", "the same one again"} {
		o := r
		if what == "another computer" {
			o = r.other()
		} else {
			o.reopen()
		}
		opened := o.back.Counters()
		c, err := o.store.Open(t.Context(), b.ID)
		r.must(err)
		f, err := c.Folder().Open(photo)
		r.must(err)
		got, err := fs.ReadFile(c.Folder(), photo)
		r.must(err)
		if string(got) != one[photo] {
			t.Error("the photo is another")
		}
		r.must(errors.Join(f.Close(), c.Close()))
		n := o.back.Counters()
		t.Logf("%s: opened by %d reads and %d lists, then %d and %d, %d bytes", what,
			opened.Gets, opened.Lists, n.Gets-opened.Gets, n.Lists-opened.Lists, n.BytesGot)
		// A computer that has not seen the vault yet reads its whole index first.
		if all := n.Gets + n.Lists; what == "the same one again" && all > 12 || all > 60 {
			t.Errorf("opening one photo takes %s %d requests", what, all)
		}
	}
}

// TestWarmCache: a blob rots on the server behind a cache that still has it
// right; checking reads the server.
func TestWarmCache(t *testing.T) {
	for _, prefix := range []string{"p", "q"} {
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			r := newRemote(t, servers.StartS3(t))
			one := photos(t, storetest.Device, 1, 5, 40_000)
			b := r.backup(storetest.Device, one)
			r.has(b.ID, one)
			rot(t, filepath.Join(r.server.Data, "v"), prefix)
			c, err := r.store.Open(t.Context(), b.ID)
			r.must(err)
			storetest.Read(t, c.Folder()) // from the cache
			r.must(c.Close())
			for range 2 {
				report, err := r.store.Verify(t.Context(), b.ID, russet.VerifyOptions{Full: true})
				if err != nil || len(report.Problems) == 0 {
					t.Errorf("verified as %v, %v", report.Problems, err)
				}
				r.reopen()
			}
			done, err := r.store.Repair(t.Context())
			if err != nil || len(done) == 0 {
				t.Errorf("repaired: %v, %v", done, err)
			}
		})
	}
}

// rot spoils the largest blob of a kind, in its middle.
func rot(t *testing.T, dir, prefix string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, prefix+"*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no blobs %s… in %s: %v", prefix, dir, err)
	}
	var worst []byte
	var name string
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > len(worst) {
			worst, name = data, f
		}
	}
	for i := range worst[:len(worst)/2] {
		worst[i] ^= 1
	}
	if err := os.WriteFile(name, worst, 0o600); err != nil {
		t.Fatal(err)
	}
}
