package depot

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/blob/filesystem"
	"github.com/kopia/kopia/repo/content"
	"github.com/kopia/kopia/repo/format"
	"github.com/kopia/kopia/repo/object"
)

// made is a new repository on a folder.
func made(t *testing.T) blob.Storage {
	t.Helper()
	st, err := filesystem.New(t.Context(), &filesystem.Options{Path: t.TempDir()}, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := Create(t.Context(), st, "pass", CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return st
}

// blank is the zero of the elements of a list, whose type is kopia's secret.
func blank[T any](_ []T) (t T) { return t }

// TestFatalError makes kopia meet a fault it ends the process for: a feature
// that another program switched on while the repository was open.
func TestFatalError(t *testing.T) {
	st, ctx := made(t), t.Context()
	config, release, err := writeConfig(st, OpenOptions{State: t.TempDir(), Host: hostName})
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	var (
		mu   sync.Mutex
		skip time.Duration
		said strings.Builder
	)
	o := kopiaOptions(slog.New(slog.NewTextHandler(&said, nil)))
	o.TimeNowFunc = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().Add(skip)
	}
	r, err := repo.Open(ctx, config, "pass", o)
	if err != nil {
		t.Fatal(err)
	}
	d := newDepot(r.(repo.DirectRepository), st, OpenOptions{Log: slog.New(slog.DiscardHandler)})
	defer d.Close(ctx)

	other, err := Open(ctx, st, "pass", OpenOptions{State: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(ctx)
	fm := other.rep.FormatManager()
	features, err := fm.RequiredFeatures(ctx)
	if err != nil {
		t.Fatal(err)
	}
	feature := blank(features)
	if err := json.Unmarshal([]byte(`{"feature":"of tomorrow"}`), &feature); err != nil {
		t.Fatal(err)
	}
	mp, err := fm.GetMutableParameters(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := fm.SetParameters(ctx, mp, format.BlobStorageConfiguration{}, append(features, feature)); err != nil {
		t.Fatal(err)
	}

	mu.Lock()
	skip = time.Hour // when kopia looks again
	mu.Unlock()
	s, err := d.Begin(ctx, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(ctx)
	w := s.Writer(Stream)
	w.Write([]byte("data"))
	_, err = w.Result()
	err = errors.Join(err, s.Flush(ctx))
	if err == nil || !strings.Contains(said.String(), "of tomorrow") {
		t.Errorf("err %v; the log: %q", err, said.String())
	}
	if _, err := Open(ctx, st, "pass", OpenOptions{State: t.TempDir()}); err == nil {
		t.Error("opened without understanding it")
	}
}

// TestUpgradeLock opens a repository that another program upgrades; kopia would
// wait for ever.
func TestUpgradeLock(t *testing.T) {
	st, ctx := made(t), t.Context()
	d, err := Open(ctx, st, "pass", OpenOptions{State: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close(ctx)
	// Upgrading starts from an older format only.
	mp, err := d.rep.FormatManager().GetMutableParameters(ctx)
	if err != nil {
		t.Fatal(err)
	}
	mp.Version = format.FormatVersion2
	if err := d.rep.FormatManager().SetParameters(ctx, mp, format.BlobStorageConfiguration{}, nil); err != nil {
		t.Fatal(err)
	}
	_, err = d.rep.FormatManager().SetUpgradeLockIntent(ctx, format.UpgradeLockIntent{
		OwnerID: "another", CreationTime: time.Now().Add(-time.Hour), IODrainTimeout: time.Second,
		StatusPollInterval: time.Second, Message: "upgrade", MaxPermittedClockDrift: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if _, err := Open(ctx, st, "pass", OpenOptions{State: t.TempDir()}); !errors.Is(err, repo.ErrRepositoryUnavailableDueToUpgradeInProgress) {
		t.Errorf("open: %v", err)
	}
}

func TestConfigHasNoSecret(t *testing.T) {
	st := made(t)
	name, release, err := writeConfig(st, OpenOptions{State: t.TempDir(), Host: hostName, Cache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	data, err := os.ReadFile(name)
	if err != nil || strings.Contains(string(data), "pass") {
		t.Errorf("config %s, %v", data, err)
	}
	for _, want := range []string{`"type":"russet"`, `"enableActions":false`, `"formatBlobCacheDuration":-1`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %s in %s", want, data)
		}
	}
}

// contents is a repository that answers with what a test put there.
type contents map[content.ID][]byte

func (c contents) GetContent(_ context.Context, id content.ID) ([]byte, error) {
	if data, ok := c[id]; ok {
		return data, nil
	}
	return nil, content.ErrContentNotFound
}

func (c contents) ContentInfo(_ context.Context, id content.ID) (content.Info, error) {
	if data, ok := c[id]; ok {
		return content.Info{OriginalLength: uint32(len(data))}, nil
	}
	return content.Info{}, content.ErrContentNotFound
}

const (
	tableID = "x00000000000000000000000000000001"
	leafID  = "00000000000000000000000000000002"
)

// hostile is a reader of an object whose seek table is given.
func hostile(ctx context.Context, table string) (*Reader, error) {
	src := contents{}
	for name, data := range map[string]string{tableID: table, leafID: "0123456789"} {
		id, err := content.ParseID(name)
		if err != nil {
			return nil, err
		}
		src[id] = []byte(data)
	}
	d := &Depot{cache: newCache(1 << 20)}
	return newReader(ctx, d, src, "I"+tableID)
}

func tables() []string {
	leaf := `{"l":10,"o":"` + leafID + `"}`
	self := `{"l":10,"o":"I` + tableID + `"}`
	list := func(e string) string { return `{"stream":"kopia:indirect","entries":[` + e + `]}` }
	return []string{
		"", "{}", "null", `{"stream":"kopia:indirect"}`, list(""), list("null"), list("{}"), list(leaf), list(leaf + "," + leaf),
		list(leaf + `,{"s":10,"l":10,"o":"` + leafID + `"}`), list(`{"s":5,"l":10,"o":"` + leafID + `"}`),
		list(`{"l":-1,"o":"` + leafID + `"}`), list(`{"l":9223372036854775807,"o":"` + leafID + `"},{"s":9223372036854775807,"l":9,"o":"` + leafID + `"}`),
		list(`{"l":11,"o":"` + leafID + `"}`), list(`{"l":10,"o":"ffffffffffffffffffffffffffffffff"}`),
		list(self), list(`{"l":10,"o":"II` + tableID + `"}`), list(`{"l":10,"o":"Z` + leafID + `"}`), list(`{"l":0,"o":"` + leafID + `"},` + leaf),
		list(`{"l":10,"o":"ab"}`), list(leaf)[:30],
	}
}

func FuzzSeekTable(f *testing.F) {
	for _, t := range tables() {
		f.Add(t)
	}
	f.Fuzz(func(t *testing.T, table string) {
		r, err := hostile(t.Context(), table)
		if err != nil {
			return
		}
		defer r.Close()
		buf := make([]byte, 64)
		for _, off := range []int64{0, 5, r.Size() - 1, r.Size()} {
			if off >= 0 {
				r.ReadAt(buf, off)
			}
		}
		r.f.walk("I"+tableID, func(content.ID) error { return nil })
	})
}

func FuzzDirectory(f *testing.F) {
	f.Add(`{"stream":"kopia:directory","entries":[{"name":"a","type":"f","obj":"` + leafID + `"}],"summary":null}`)
	f.Add(`{"stream":"kopia:directory","entries":[{"name":"../a","type":"d","obj":"k` + leafID + `","summ":{}}]}`)
	f.Add(`{"stream":"kopia:directory","entries":[null]}`)
	f.Fuzz(func(t *testing.T, dir string) {
		entries, err := parseDir([]byte(dir))
		if err != nil {
			return
		}
		for _, e := range entries {
			if checkName(e.Name) != nil || e.ID == "" {
				t.Errorf("entry %+v", e)
			}
		}
	})
}

func TestHostileTables(t *testing.T) {
	for i, table := range tables() {
		// Whatever it says, reading ends.
		synctest.Test(t, func(t *testing.T) {
			r, err := hostile(t.Context(), table)
			if err != nil {
				if !errors.Is(err, ErrDamaged) {
					t.Errorf("table %d: %v", i, err)
				}
				return
			}
			defer r.Close()
			good := i == 7 || i == 9
			n, err := r.ReadAt(make([]byte, r.Size()), 0)
			if good != (err == nil) || good && int64(n) != r.Size() {
				t.Errorf("table %d: read %d of %d, %v", i, n, r.Size(), err)
			}
		})
	}
}

func TestCacheBudget(t *testing.T) {
	c := newCache(10_000)
	for i := range 100 {
		id, err := object.ParseID(strings.Repeat("0", 30) + string([]byte{'a' + byte(i/16%6), "0123456789abcdef"[i%16]}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.get(t.Context(), id, func() (*item, error) { return &item{cost: 1000}, nil })
		if err != nil {
			t.Fatal(err)
		}
		if c.used > c.max || len(c.items) != c.order.Len() {
			t.Fatalf("used %d, %d items, %d in order", c.used, len(c.items), c.order.Len())
		}
	}
	// A failed read is tried again, and one that panics leaves nobody waiting.
	id := object.ID{}
	fail := errors.New("once")
	if _, err := c.get(t.Context(), id, func() (*item, error) { return nil, fail }); !errors.Is(err, fail) {
		t.Errorf("err %v", err)
	}
	func() {
		defer func() { recover() }()
		c.get(t.Context(), id, func() (*item, error) { panic("no") })
	}()
	if _, err := c.get(t.Context(), id, func() (*item, error) { return &item{cost: 1}, nil }); err != nil {
		t.Errorf("err %v", err)
	}
}
