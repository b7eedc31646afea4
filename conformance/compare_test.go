package conformance

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"russet/internal/plist"
	"russet/mobilesync"
	"russet/vphone/content"
)

func fileID(domain, path string) string {
	h := sha1.Sum([]byte(domain + "-" + path))
	return hex.EncodeToString(h[:])
}

// compareRestored is what a restored phone may lack: a plain backup does not
// hold what Apple puts into encrypted ones only.
func compareRestored(password string) content.CompareOptions {
	return content.CompareOptions{Plain: password == ""}
}

func plistDict(t *testing.T, file string) plist.Dict {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d, err := plist.ParseDict(data)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return d
}

// tree lists a folder: name → size, -1 for folders.
func tree(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	files := map[string]int64{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		files[name] = -1
		if !d.IsDir() {
			info, err := d.Info()
			if err != nil {
				return err
			}
			files[name] = info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// equalFolders compares two backups of the same phone in the same state.
// Plain ones are equal byte for byte but for the plists' dates and names;
// encrypted ones have other keys, so their contents are compared.
func equalFolders(t *testing.T, theirs, ours, password string) {
	t.Helper()
	a, b := tree(t, theirs), tree(t, ours)
	for name := range a {
		if _, ok := b[name]; !ok {
			t.Errorf("russet's folder lacks %q", name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			t.Errorf("russet's folder has %q, which theirs lacks", name)
		}
	}
	for name, size := range a {
		if size < 0 || strings.HasSuffix(name, ".plist") || name == "Manifest.db" {
			continue
		}
		if size != b[name] {
			t.Errorf("%q has %d bytes in theirs and %d in ours", name, size, b[name])
		} else if password == "" && !sameFile(t, filepath.Join(theirs, name), filepath.Join(ours, name)) {
			t.Errorf("%q differs", name)
		}
	}
	equalPlists(t, theirs, ours)
	equalManifests(t, theirs, ours, password)
}

func sameFile(t *testing.T, a, b string) bool {
	t.Helper()
	x, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(x, y)
}

// mayDiffer names the keys that two hosts or two runs may fill differently.
var mayDiffer = map[string][]string{
	"Info.plist":     {"GUID", "Last Backup Date", "iTunes Version", "Product Name"},
	"Status.plist":   {"Date", "UUID"},
	"Manifest.plist": {"Date", "ManifestKey", "BackupKeyBag"},
}

func equalPlists(t *testing.T, theirs, ours string) {
	t.Helper()
	for name, differ := range mayDiffer {
		a, b := plistDict(t, filepath.Join(theirs, name)), plistDict(t, filepath.Join(ours, name))
		keys := maps.Clone(a)
		maps.Copy(keys, b)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if !slices.Contains(differ, key) && !reflect.DeepEqual(a[key], b[key]) {
				t.Errorf("%s: %q is %s in theirs and %s in ours", name, key, short(a[key]), short(b[key]))
			}
		}
	}
}

func short(v any) string {
	s := fmt.Sprintf("%T %v", v, v)
	return s[:min(len(s), 300)]
}

// equalManifests compares the rows of two manifests and, where they are
// encrypted, the decrypted content of every file.
func equalManifests(t *testing.T, theirs, ours, password string) {
	t.Helper()
	a, b := manifest(t, theirs, password), manifest(t, ours, password)
	if len(a) == 0 || len(a) != len(b) {
		t.Errorf("theirs has %d rows, ours %d", len(a), len(b))
	}
	for id, row := range a {
		if row != b[id] {
			t.Errorf("row %s:\ntheirs %s\nours   %s", id, row, b[id])
		}
	}
}

// manifest reads a backup with our library: one line a row with all that must
// not depend on the host, and the hash of the content.
func manifest(t *testing.T, dir, password string) map[string]string {
	t.Helper()
	backup, err := mobilesync.Open(t.Context(), os.DirFS(dir), mobilesync.Options{Password: password})
	if err != nil {
		t.Fatalf("open %s: %v", dir, err)
	}
	defer backup.Close()
	rows := map[string]string{}
	for r, err := range backup.Records(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		rows[r.ID.String()] = describe(t, backup, r)
	}
	return rows
}

// describe is one row in one line. Keys, and the digests of ciphertext, are
// random in an encrypted backup: there the content speaks for itself.
func describe(t *testing.T, b *mobilesync.Backup, r mobilesync.Record) string {
	t.Helper()
	digest := hex.EncodeToString(r.Digest)
	if b.Encrypted() && digest != "" {
		digest = "of ciphertext"
	}
	return fmt.Sprintf("%q %q kind %d flags %d/%d mode %o size %d times %d %d %d owner %d:%d class %d inode %d digest %s xattrs %x target %q content %s",
		r.Domain, r.Path, r.Kind, r.MBFile.Flags, r.Flags, r.Mode, r.Size, r.Modified, r.Changed, r.Born, r.UserID, r.GroupID,
		r.ProtectionClass, r.Inode, digest, sha1.Sum(r.ExtendedAttributes), r.Target, hashContent(t, b, &r))
}

func hashContent(t *testing.T, b *mobilesync.Backup, r *mobilesync.Record) string {
	t.Helper()
	if r.Kind != mobilesync.File {
		return "none"
	}
	c, err := b.Content(r)
	if err != nil {
		t.Errorf("%s-%s: %v", r.Domain, r.Path, err)
		return "unreadable"
	}
	defer c.Close()
	h := sha256.New()
	if _, err := io.Copy(h, c); err != nil {
		t.Errorf("%s-%s: %v", r.Domain, r.Path, err)
	}
	return hex.EncodeToString(h.Sum(nil))
}
