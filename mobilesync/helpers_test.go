package mobilesync_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

const (
	miniUDID     = "00008101-000A11112222001E"
	miniPassword = "test-password"
)

// miniFS is one of the two small backups of testdata, in memory, to be
// damaged at will.
func miniFS(t testing.TB, kind string) fstest.MapFS {
	t.Helper()
	dir := os.DirFS(filepath.Join("testdata", "minibackup", kind, miniUDID))
	out := fstest.MapFS{}
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(dir, name)
		out[name] = &fstest.MapFile{Data: data, Mode: 0o644}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func open(t testing.TB, fsys fs.FS) *mobilesync.Backup {
	t.Helper()
	b, err := mobilesync.Open(t.Context(), fsys, mobilesync.Options{Password: miniPassword})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// miniRow is what the vectors say of a row.
type miniRow struct {
	FileID, Domain, RelativePath string
	Flags                        int64
	Kind, Target                 string
	PlainLen                     int64  `json:"plain_len"`
	PlainSHA256                  string `json:"plain_sha256"`
	BlobLen                      int64  `json:"blob_len"`
	BlobSHA1                     string `json:"blob_sha1"`
	FileKey                      string `json:"file_key"`
	SizeField                    int64  `json:"size_field"`
	ProtectionClass              int64  `json:"protection_class"`
}

func miniRows(t testing.TB, kind string) []miniRow {
	t.Helper()
	var v struct {
		Variants map[string]struct{ Rows []miniRow }
	}
	loadJSON(t, "minibackup.json", &v)
	return v.Variants[kind].Rows
}

func loadJSON(t testing.TB, name string, to any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err == nil {
		err = json.Unmarshal(data, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// seal is the keybag of the encrypted mini backup, for backups of the tests'
// own.
func seal(t testing.TB) *mobilesync.Seal {
	t.Helper()
	b := open(t, miniFS(t, "encrypted"))
	return &mobilesync.Seal{Bag: b.Manifest().BackupKeyBag, Keys: b.Keys()}
}

// rewrap encrypts content again under a new key of the seal.
func rewrap(t testing.TB, s *mobilesync.Seal, content []byte) (encryptionKey, stored []byte) {
	t.Helper()
	key, err := keybag.NewKey(bytes.Repeat([]byte{42}, keybag.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	if encryptionKey, err = s.Keys.WrapFileKey(3, key); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := keybag.EncryptWriter(&out, key)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return encryptionKey, out.Bytes()
}

// file is a record of a file as tests need it.
func file(domain, path string) mobilesync.Record {
	return mobilesync.Record{Domain: domain, Path: path, Kind: mobilesync.File, MBFile: mobilesync.MBFile{
		Mode: 0o100644, Modified: 1_700_000_000, HasModified: true, ProtectionClass: 3, UserID: 501, GroupID: 501,
	}}
}

// addition is a record and its content.
type addition struct {
	mobilesync.Record
	content string
}

// create makes a backup of the additions and returns its directory.
func create(t testing.TB, s *mobilesync.Seal, additions ...addition) string {
	t.Helper()
	dir := t.TempDir()
	w, err := mobilesync.Create(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range additions {
		if err := w.Add(t.Context(), a.Record, bytes.NewReader([]byte(a.content))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(&mobilesync.Info{DeviceName: "Test", UDID: miniUDID}, mobilesync.Manifest{}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func sum(b []byte) []byte { s := sha1.Sum(b); return s[:] }

func sha1Hex(b []byte) string { return hex.EncodeToString(sum(b)) }

func sha256Hex(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

func readAll(t testing.TB, r io.ReadCloser) []byte {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	return data
}
