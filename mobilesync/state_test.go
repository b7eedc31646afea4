package mobilesync_test

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"testing"
	"testing/fstest"

	"russet/internal/plist"
	"russet/mobilesync"
)

func TestWhatCannotBeOpened(t *testing.T) {
	status := func(state string) []byte {
		data, err := mobilesync.Status{SnapshotState: state}.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	junk := bytes.Repeat([]byte("junk"), 1000)
	cases := map[string]struct {
		change func(fstest.MapFS)
		want   error
	}{
		"empty folder":       {func(m fstest.MapFS) { clear(m) }, mobilesync.ErrNoManifest},
		"no manifest":        {func(m fstest.MapFS) { delete(m, "Manifest.plist") }, mobilesync.ErrNoManifest},
		"no database":        {func(m fstest.MapFS) { delete(m, "Manifest.db") }, mobilesync.ErrNoManifest},
		"legacy":             {func(m fstest.MapFS) { m["Manifest.mbdb"] = m["Manifest.db"]; delete(m, "Manifest.db") }, mobilesync.ErrLegacy},
		"legacy, bare":       {func(m fstest.MapFS) { clear(m); m["Manifest.mbdb"] = &fstest.MapFile{} }, mobilesync.ErrLegacy},
		"uploading":          {func(m fstest.MapFS) { m["Status.plist"].Data = status("uploading") }, mobilesync.ErrUnfinished},
		"status of nothing":  {func(m fstest.MapFS) { m["Status.plist"].Data = nil }, mobilesync.ErrDamaged},
		"status junk":        {func(m fstest.MapFS) { m["Status.plist"].Data = junk }, mobilesync.ErrDamaged},
		"status a directory": {func(m fstest.MapFS) { m["Status.plist"].Mode = fs.ModeDir }, mobilesync.ErrDamaged},
		"manifest junk":      {func(m fstest.MapFS) { m["Manifest.plist"].Data = junk }, mobilesync.ErrDamaged},
		"database junk":      {func(m fstest.MapFS) { m["Manifest.db"].Data = junk }, mobilesync.ErrDamaged},
		"database cut":       {func(m fstest.MapFS) { m["Manifest.db"].Data = m["Manifest.db"].Data[:100] }, mobilesync.ErrDamaged},
		"database empty":     {func(m fstest.MapFS) { m["Manifest.db"].Data = nil }, mobilesync.ErrDamaged},
	}
	for _, kind := range []string{"plain", "encrypted"} {
		for name, c := range cases {
			m := miniFS(t, kind)
			c.change(m)
			if _, err := mobilesync.Open(t.Context(), m, mobilesync.Options{Password: miniPassword}); !errors.Is(err, c.want) {
				t.Errorf("%s, %s: %v", kind, name, err)
			}
		}
	}
}

// editManifest changes keys of Manifest.plist; nil deletes.
func editManifest(t *testing.T, m fstest.MapFS, changes plist.Dict) {
	t.Helper()
	d, err := plist.ParseDict(m["Manifest.plist"].Data)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(d, changes)
	maps.DeleteFunc(d, func(_ string, v any) bool { return v == nil })
	if m["Manifest.plist"].Data, err = plist.MarshalBinary(d); err != nil {
		t.Fatal(err)
	}
}

func TestKeysThatDoNotFit(t *testing.T) {
	bag := seal(t).Bag
	for name, changes := range map[string]plist.Dict{
		"no bag":            {"BackupKeyBag": nil},
		"half a bag":        {"BackupKeyBag": bag[:len(bag)/2+3]},
		"no key":            {"ManifestKey": nil},
		"a short key":       {"ManifestKey": make([]byte, 12)},
		"another's key":     {"ManifestKey": make([]byte, 44)},
		"says not, is":      {"IsEncrypted": false, "ManifestKey": nil},
		"bag of other type": {"BackupKeyBag": "text"},
	} {
		m := miniFS(t, "encrypted")
		editManifest(t, m, changes)
		if _, err := mobilesync.Open(t.Context(), m, mobilesync.Options{Password: miniPassword}); !errors.Is(err, mobilesync.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m := miniFS(t, "encrypted")
	editManifest(t, m, plist.Dict{"IsEncrypted": false}) // the bytes are believed
	if b := open(t, m); !b.Encrypted() {
		t.Error("not encrypted")
	}
	m = miniFS(t, "encrypted")
	other := m["Manifest.db"].Data
	copy(other[4096:], other[:4096]) // decrypts, but is no database any more
	b, err := mobilesync.Open(t.Context(), m, mobilesync.Options{Password: miniPassword})
	if err == nil {
		err = errors.Join(readEverything(t, b), b.Close())
	}
	if !errors.Is(err, mobilesync.ErrDamaged) {
		t.Errorf("scrambled database: %v", err)
	}
}

func readEverything(t *testing.T, b *mobilesync.Backup) error {
	for _, err := range b.Records(t.Context()) {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestAnUnfinishedBackupOpensOnRequest(t *testing.T) {
	m := miniFS(t, "plain")
	data, err := mobilesync.Status{SnapshotState: "moving"}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	m["Status.plist"].Data = data
	b, err := mobilesync.Open(t.Context(), m, mobilesync.Options{Unfinished: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	delete(m, "Status.plist") // copied by hand: readable
	open(t, m)
}
