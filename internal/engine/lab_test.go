package engine_test

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"russet"
	"russet/device"
	"russet/device/lockdown"
	"russet/internal/engine"
	"russet/internal/folder"
	"russet/vphone"
	"russet/vphone/agent"
	"russet/vphone/content"
	"russet/vphone/disk"
)

// deviceKey is made once: that takes longer than most tests.
var deviceKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return vphone.NewKey() })

// lab is a virtual phone, paired with this computer, and a folder store.
type lab struct {
	t     *testing.T
	phone *vphone.Phone
	pair  *lockdown.PairRecord
	store *folder.Store
	dir   string // the store's
	udid  russet.UDID

	mu     sync.Mutex
	events []russet.Event
}

// fewFiles is a phone that is backed up in a moment.
func fewFiles() content.Options {
	return content.Options{Profile: "small-files", Files: 40, Size: 200_000}
}

func newLab(t *testing.T, o vphone.Options, holds content.Options) *lab {
	t.Helper()
	key, err := deviceKey()
	if err != nil {
		t.Fatal(err)
	}
	o.Key = key
	phone, err := vphone.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := phone.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := content.MakeOn(t.Context(), phone.Disk(), holds); err != nil {
		t.Fatal(err)
	}
	phone.Faults().Update(func(c *agent.Config) { c.Rounds = [2]int{10, 10} })
	record, err := device.Pair(t.Context(), phone, lockdown.PairOptions{}, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, phone: phone, pair: record, udid: russet.UDID(phone.UDID())}
	l.dir = t.TempDir()
	l.store = openStore(t, l.dir)
	return l
}

func openStore(t *testing.T, dir string) *folder.Store {
	t.Helper()
	store, err := folder.Open(t.Context(), dir, folder.Options{Name: "lab", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// change changes one file on the phone and adds another.
func (l *lab) change(day int) {
	l.t.Helper()
	for _, path := range []string{"Library/changed.txt", fmt.Sprintf("Library/new%d.txt", day)} {
		text := fmt.Sprintf("%s on day %d", path, day)
		e := &disk.Entry{
			Domain: "HomeDomain", Path: path, Kind: disk.File, Mode: 0o100644, Class: 3,
			ModTime: content.Day(day), ChangeTime: content.Day(day), Birth: content.Day(0), Inode: uint64(1_000_000 + day),
		}
		if err := l.phone.Disk().Put(e, strings.NewReader(text)); err != nil {
			l.t.Fatal(err)
		}
	}
}

// connect opens a session with the phone.
func (l *lab) connect() *device.Device {
	l.t.Helper()
	dev, err := device.Connect(l.t.Context(), l.phone, l.pair, device.Options{})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = dev.Close() })
	return dev
}

func (l *lab) begin(ctx context.Context, full bool) russet.Draft {
	l.t.Helper()
	draft, err := l.store.Begin(ctx, russet.BeginOptions{Device: l.udid, Allow: -1, Full: full})
	if err != nil {
		l.t.Fatal(err)
	}
	return draft
}

func (l *lab) options() engine.BackupOptions {
	return engine.BackupOptions{
		UDID: l.udid, Log: slog.New(slog.DiscardHandler), Events: l.note,
	}
}

func (l *lab) note(e russet.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// backUp makes one attempt and commits it when it is good.
func (l *lab) backUp(ctx context.Context) (engine.BackupResult, error) {
	l.t.Helper()
	return l.backUpInto(ctx, l.begin(ctx, false))
}

func (l *lab) backUpInto(ctx context.Context, draft russet.Draft) (engine.BackupResult, error) {
	l.t.Helper()
	result, err := engine.Backup(ctx, l.connect(), draft, l.options())
	after := context.WithoutCancel(ctx)
	if err != nil {
		return result, errors.Join(err, draft.Suspend(after))
	}
	if _, err := draft.Commit(after); err != nil {
		l.t.Errorf("commit: %v", err)
	}
	return result, nil
}

// mustBackUp makes a backup that has to be good.
func (l *lab) mustBackUp() engine.BackupResult {
	l.t.Helper()
	result, err := l.backUp(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	return result
}

// latest opens the newest finished backup.
func (l *lab) latest() russet.Contents {
	l.t.Helper()
	backups, err := l.store.Backups(l.t.Context(), l.udid)
	if err != nil || len(backups) == 0 {
		l.t.Fatalf("there are %d backups: %v", len(backups), err)
	}
	contents, err := l.store.Open(l.t.Context(), backups[len(backups)-1].ID)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = contents.Close() })
	return contents
}

// stages are the stages of the events so far, each once, in order.
func (l *lab) stages() []russet.Stage {
	l.mu.Lock()
	defer l.mu.Unlock()
	var stages []russet.Stage
	for _, e := range l.events {
		stages = append(stages, e.Stage)
	}
	return slices.Compact(stages)
}

// wantKind checks the sort of an error, and that a person can use it.
func wantKind(t *testing.T, err error, kind russet.Kind) *russet.Error {
	t.Helper()
	e, ok := errors.AsType[*russet.Error](err)
	if !ok {
		t.Fatalf("the error is %v", err)
	}
	if e.Kind != kind || e.Doing == "" || e.What == "" || e.Hint == "" {
		t.Errorf("kind %d (want %d): %q, %q, %q", e.Kind, kind, e.Doing, e.What, e.Hint)
	}
	return e
}

// tree is what a folder holds, but for what changes with each run.
func tree(t *testing.T, fsys fs.FS) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		out[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
