package mobilesync_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"russet/mobilesync"
)

func TestWhatIsCreatedOpens(t *testing.T) {
	for name, s := range map[string]*mobilesync.Seal{"plain": nil, "sealed": seal(t)} {
		t.Run(name, func(t *testing.T) {
			digested := file("HomeDomain", "Library/a.plist")
			digested.Digest = []byte{}
			digested.Size = 7
			late := file("HomeDomain", "late")
			late.ProtectionClass = 4
			dir := create(
				t, s,
				addition{mobilesync.Record{Domain: "HomeDomain", Kind: mobilesync.Dir, MBFile: mobilesync.MBFile{Mode: 0o40755}}, ""},
				addition{digested, "content"}, addition{late, ""},
				addition{mobilesync.Record{Domain: "HomeDomain", Path: "link", Kind: mobilesync.Symlink, MBFile: mobilesync.MBFile{
					Mode: 0o120755, Target: "/var/mobile",
				}}, ""},
			)
			b := open(t, os.DirFS(dir))
			if b.Encrypted() != (s != nil) || !b.Status().Finished() || b.Status().UUID == "" || b.Manifest().Version != "10.0" {
				t.Errorf("encrypted %v, %+v, %+v", b.Encrypted(), b.Status(), b.Manifest())
			}
			if err := fstest.TestFS(files(t, b), "HomeDomain/Library/a.plist", "HomeDomain/late", "HomeDomain/link"); err != nil {
				t.Error(err)
			}
			if found, sum := kinds(t, b, mobilesync.CheckDatabases); len(found) > 0 || sum.Files != 2 || sum.Dirs != 1 || sum.Links != 1 {
				t.Errorf("%v, %+v", found, sum)
			}
			r, err := b.Lookup(t.Context(), "HomeDomain", "Library/a.plist")
			if err != nil || len(r.Digest) != 20 || (len(r.EncryptionKey) > 0) != (s != nil) || r.Modified != digested.Modified {
				t.Errorf("%+v, %v", r, err)
			}
			entries, err := filepath.Glob(filepath.Join(dir, "Manifest.db*"))
			if err != nil || len(entries) != 1 {
				t.Errorf("left over: %q, %v", entries, err)
			}
			if info, err := mobilesync.ReadInfo(os.DirFS(dir)); err != nil || info.DeviceName != "Test" {
				t.Errorf("%+v, %v", info, err)
			}
		})
	}
}

func TestManifestSurvives(t *testing.T) {
	m, err := mobilesync.ParseManifest(miniFS(t, "encrypted")["Manifest.plist"].Data)
	if err != nil {
		t.Fatal(err)
	}
	data, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := mobilesync.ParseManifest(data); err != nil || !reflect.DeepEqual(again, m) {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestWhatCannotBeCreated(t *testing.T) {
	full := create(t, nil)
	if _, err := mobilesync.Create(full, nil); err == nil {
		t.Error("created over a backup")
	}
	if _, err := mobilesync.Create(filepath.Join(full, "none"), nil); err == nil {
		t.Error("created in no directory")
	}
	dir := t.TempDir()
	w, err := mobilesync.Create(dir, seal(t))
	if err != nil {
		t.Fatal(err)
	}
	strange := file("D", "a")
	strange.ProtectionClass = 99
	if err := w.Add(t.Context(), strange, iotest.ErrReader(os.ErrInvalid)); err == nil {
		t.Error("added under a class the keybag has not")
	}
	if err := w.Add(t.Context(), file("D", "b"), iotest.ErrReader(os.ErrInvalid)); err == nil {
		t.Error("added what cannot be read")
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if _, err := mobilesync.Open(t.Context(), os.DirFS(dir), mobilesync.Options{}); err == nil {
		t.Error("an unfinished folder opens")
	}
	if _, err := os.Stat(filepath.Join(dir, "Manifest.db.new")); err == nil {
		t.Error("the database was left in the clear")
	}
}
