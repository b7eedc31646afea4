package mobilesync_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

func files(t testing.TB, b *mobilesync.Backup) fs.FS {
	t.Helper()
	f, err := b.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFilesIsAFileSystem(t *testing.T) {
	for _, kind := range []string{"plain", "encrypted"} {
		fsys := files(t, open(t, miniFS(t, kind)))
		var names []string
		for _, row := range miniRows(t, kind) {
			names = append(names, strings.TrimSuffix(row.Domain+"/"+row.RelativePath, "/"))
		}
		if err := fstest.TestFS(fsys, names...); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		for _, row := range miniRows(t, kind) {
			if row.Kind != "file" {
				continue
			}
			data, err := fs.ReadFile(fsys, row.Domain+"/"+row.RelativePath)
			if err != nil || sha256Hex(data) != row.PlainSHA256 {
				t.Errorf("%s: %d bytes, %v", row.RelativePath, len(data), err)
			}
		}
	}
}

func TestWhatFilesTell(t *testing.T) {
	fsys := files(t, open(t, miniFS(t, "encrypted")))
	info, err := fs.Stat(fsys, "HomeDomain/Library/SMS/sms.db")
	if err != nil {
		t.Fatal(err)
	}
	rec, ok := info.Sys().(*mobilesync.Record)
	if !ok || rec.Path != "Library/SMS/sms.db" || info.Size() != 8192 || rec.Size != 16384 {
		t.Errorf("%v, %+v", info, rec)
	}
	if info.Mode() != fs.FileMode(rec.Mode&0o777) || !info.ModTime().Equal(rec.ModTime()) || rec.ModTime().IsZero() {
		t.Errorf("mode %v, time %v", info.Mode(), info.ModTime())
	}
	const link = "AppDomain-org.example.app/Library/link"
	target, err := fs.ReadLink(fsys, link)
	if err != nil || target != "/var/mobile/Library/Example" {
		t.Errorf("link to %q, %v", target, err)
	}
	if info, err := fs.Lstat(fsys, link); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("%v, %v", info, err)
	}
	if data, err := fs.ReadFile(fsys, link); err != nil || string(data) != target {
		t.Errorf("an opened link reads %q, %v", data, err)
	}
	if _, err := fs.ReadLink(fsys, "HomeDomain"); err == nil {
		t.Error("a directory is a link")
	}
	for _, name := range []string{"None", "HomeDomain/none", "HomeDomain/Library/SMS/sms.db/x", "HomeDomain/Library\x00SMS"} {
		if _, err := fsys.Open(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open %q: %v", name, err)
		}
	}
	if _, err := fs.ReadDir(fsys, "HomeDomain/Library/SMS/sms.db"); err == nil {
		t.Error("a file was listed")
	}
}

// TestNamesAreMadeSafe has rows with paths no file system should see.
func TestNamesAreMadeSafe(t *testing.T) {
	want := map[string]string{ // domain and path → name
		"D|a":             "D/a",
		"D|a/b-c":         "D/a/b-c",
		"D|a-b":           "D/a-b",
		"D|../up":         "D/%2E%2E/up",
		"D|/abs":          "D/%/abs",
		"D|x//y":          "D/x/%/y",
		"D|x/./z":         "D/x/%2E/z",
		"D|end/":          "D/end/%",
		"D|bad\xffutf":    "D/bad%FFutf",
		"D|100%":          "D/100%",
		"../E|f":          "..%2FE/f",
		"..|g":            "%2E%2E/g",
		"|h":              "%/h",
		"..%2FE|f":        "..%2FE%2/f",
		"D|Ünï/日本":        "D/Ünï/日本",
		"D|implied/deep/": "D/implied/deep/%",
	}
	var additions []addition
	for key := range want {
		domain, path, _ := strings.Cut(key, "|")
		if strings.Contains(path, "\xff") {
			path = strings.ReplaceAll(path, "\xff", "QQ") // until the database is made
		}
		additions = append(additions, addition{file(domain, path), key})
	}
	slices.SortFunc(additions, func(a, b addition) int { return strings.Compare(a.content, b.content) })
	dir := create(t, nil, additions...)
	editRows(t, dir, `UPDATE Files SET relativePath = CAST(x'626164ff757466' AS TEXT) WHERE relativePath = 'badQQutf'`)
	fsys := files(t, open(t, os.DirFS(dir)))
	for key, name := range want {
		if key == "../E|f" || key == "..%2FE|f" || key == "D|a" {
			continue // which of two is numbered depends on the order of rows; "a" is a directory
		}
		if data, err := fs.ReadFile(fsys, name); err != nil || string(data) != key {
			t.Errorf("%q reads %q, %v; want %q", name, data, err, key)
		}
	}
	if err := fstest.TestFS(fsys, "..%2FE/f", "..%2FE%2/f", "D/a/b-c", "D/implied/deep/%"); err != nil {
		t.Error(err)
	}
	info, err := fs.Stat(fsys, "D/implied")
	if err != nil || !info.IsDir() || info.Sys() != nil {
		t.Errorf("an implied directory: %v, %v", info, err)
	}
	// "a" has a row of a file, and things in it: it is shown as a directory.
	entries, err := fs.ReadDir(fsys, "D/a")
	if err != nil || len(entries) != 1 || entries[0].Name() != "b-c" {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestAMissingFileIsListed(t *testing.T) {
	m := miniFS(t, "plain")
	delete(m, mobilesync.FileIDOf("HomeDomain", "Library/SMS/sms.db").Name())
	fsys := files(t, open(t, m))
	entries, err := fs.ReadDir(fsys, "HomeDomain/Library/SMS")
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Size() != 16384 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := fsys.Open("HomeDomain/Library/SMS/sms.db"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open: %v", err)
	}
}

func TestACutFileDoesNotReadAsWhole(t *testing.T) {
	m := miniFS(t, "encrypted")
	name := mobilesync.FileIDOf("HomeDomain", "Library/SMS/sms.db").Name()
	m[name].Data = m[name].Data[:1000]
	_, err := fs.ReadFile(files(t, open(t, m)), "HomeDomain/Library/SMS/sms.db")
	if !errors.Is(err, keybag.ErrTruncated) {
		t.Errorf("read: %v", err)
	}
}

func TestFilesAreReadByManyAtOnce(t *testing.T) {
	b := open(t, miniFS(t, "encrypted"))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			fsys, err := b.Files(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					_, err = fs.ReadFile(fsys, name)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestFilesAreCopiedOut(t *testing.T) {
	dir := create(t, seal(t), addition{file("D", "a/b.txt"), "content"}, addition{file("D", "empty"), ""})
	out := filepath.Join(t.TempDir(), "out")
	if err := os.CopyFS(out, files(t, open(t, os.DirFS(dir)))); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(out, "D/a/b.txt")); err != nil || string(data) != "content" {
		t.Errorf("%q, %v", data, err)
	}
}

// seekOnly hides ReadAt from the stored files, as remote stores do.
type seekOnly struct{ fs.FS }

func (s seekOnly) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return struct {
		fs.File
		io.Seeker
	}{f, f.(io.Seeker)}, nil
}

func TestStoredFilesNeedOnlySeek(t *testing.T) {
	fsys := files(t, open(t, seekOnly{miniFS(t, "encrypted")}))
	if err := fstest.TestFS(fsys, "HomeDomain/Library/SMS/sms.db"); err != nil {
		t.Error(err)
	}
}
