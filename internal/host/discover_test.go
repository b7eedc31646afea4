package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/internal/host"
	"russet/mobilesync"
)

// write makes files below a folder; a name that ends in a slash is a folder.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func status(t *testing.T, state string) string {
	t.Helper()
	data, err := mobilesync.Status{Version: "3.3", UUID: "u", Date: time.Now(), SnapshotState: state}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestFindFolders(t *testing.T) {
	dir := t.TempDir()
	finished, uploading := status(t, "finished"), status(t, "uploading")
	write(t, dir, map[string]string{
		"Users/a/MobileSync/Backup/one/Manifest.db":           "x",
		"Users/a/MobileSync/Backup/one/Manifest.plist":        "x",
		"Users/a/MobileSync/Backup/one/Status.plist":          finished,
		"Users/a/MobileSync/Backup/one/Info.plist":            "x",
		"Users/a/MobileSync/Backup/one/00/nested/Manifest.db": "not looked at",
		"half/Manifest.plist":                                 "x",
		"half/Status.plist":                                   finished,
		"running/Manifest.db":                                 "x",
		"running/Manifest.plist":                              "x",
		"running/Status.plist":                                uploading,
		"old/Manifest.mbdb":                                   "x",
		"writing/Manifest.db":                                 "x",
		"writing/Manifest.plist":                              "x",
		"writing/Status.plist":                                finished,
		"writing/Info.plist":                                  "",
		"broken/Manifest.db":                                  "x",
		"broken/Manifest.plist":                               "x",
		"broken/Status.plist":                                 "no property list",
		".hidden/Manifest.db":                                 "x",
		".hidden/Manifest.plist":                              "x",
		"photos/Info.plist":                                   "an app's",
	})
	found, err := host.FindFolders(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Users/a/MobileSync/Backup/one": "",
		"half":                          "half a backup: its manifest is missing",
		"running":                       "still uploading",
		"old":                           "iOS 9",
		"writing":                       "Finder may still be writing",
		"broken":                        "its Status.plist cannot be read",
	}
	for _, f := range found {
		name, err := filepath.Rel(dir, f.Path)
		if err != nil {
			t.Fatal(err)
		}
		problem, expected := want[filepath.ToSlash(name)]
		if !expected || (problem == "") != (f.Problem == "") || !strings.Contains(f.Problem, problem) {
			t.Errorf("%s: %q", name, f.Problem)
		}
		delete(want, filepath.ToSlash(name))
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
}

func TestFindFoldersByALink(t *testing.T) {
	dir, disk := t.TempDir(), t.TempDir()
	write(t, disk, map[string]string{"one/Manifest.db": "x", "one/Manifest.plist": "x"})
	if err := os.Symlink(disk, filepath.Join(dir, "Backup")); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink(dir, filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	found, err := host.FindFolders(t.Context(), dir)
	if err != nil || len(found) != 1 {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestFindFoldersNowhere(t *testing.T) {
	_, err := host.FindFolders(t.Context(), filepath.Join(t.TempDir(), "nowhere"))
	if russet.KindOf(err) != russet.Usage {
		t.Errorf("got %v", err)
	}
}
