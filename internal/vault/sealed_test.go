package vault_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"russet"
	"russet/device/devicelink"
	"russet/internal/sqlitefs"
	"russet/internal/storetest"
	"russet/internal/vault"
	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

// seal is the encryption of a made-up phone. Its bag is that of the test
// vectors, whose key takes a thousand rounds and not ten million.
type seal struct {
	bag  []byte
	keys *keybag.Unlocked
}

func newSeal(tb testing.TB) *seal {
	tb.Helper()
	name := "../../mobilesync/testdata/minibackup/encrypted/" + string(storetest.Device) + "/Manifest.plist"
	data, err := os.ReadFile(name)
	must(tb, err)
	m, err := mobilesync.ParseManifest(data)
	must(tb, err)
	bag, err := keybag.Parse(m.BackupKeyBag)
	must(tb, err)
	keys, err := bag.Unlock(tb.Context(), storetest.Password, nil)
	must(tb, err)
	return &seal{m.BackupKeyBag, keys}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func fixed(password string) russet.Passwords {
	return func(context.Context, russet.UDID) (string, error) { return password, nil }
}

// newFileKey makes a file's key, and what its row holds of it.
func (s *seal) newFileKey(tb testing.TB, class uint32) (keybag.Key, []byte) {
	tb.Helper()
	raw := make([]byte, keybag.KeySize)
	rand.Read(raw) //nolint:errcheck // it never fails
	key, err := keybag.NewKey(raw)
	must(tb, err)
	wrapped, err := s.keys.WrapFileKey(class, key)
	must(tb, err)
	return key, wrapped
}

// encrypt is what a device stores: padded.
func encrypt(tb testing.TB, key keybag.Key, content string) string {
	tb.Helper()
	var out bytes.Buffer
	w := keybag.EncryptWriter(&out, key)
	_, err := w.Write([]byte(content))
	must(tb, err)
	must(tb, w.Close())
	return out.String()
}

// encryptBare is AES-CBC without padding, of whole blocks.
func encryptBare(tb testing.TB, key keybag.Key, content string) string {
	tb.Helper()
	block, err := aes.NewCipher(key.Bytes())
	must(tb, err)
	out := []byte(content)
	cipher.NewCBCEncrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(out, out)
	return string(out)
}

// row is one file of a made-up phone, as it is stored.
type row struct {
	domain, path string
	stored       string
	size         int64
	key          []byte // wrapped; nil is none
	class        int64  // ProtectionClass
	digest       bool
}

func (r *row) name() string { return mobilesync.FileIDOf(r.domain, r.path).Name() }

// padded is a row as devices make them.
func (s *seal) padded(tb testing.TB, domain, path, content string) row {
	tb.Helper()
	key, wrapped := s.newFileKey(tb, 3)
	return row{
		domain: domain, path: path, stored: encrypt(tb, key, content), size: int64(len(content)), key: wrapped, class: 3,
		digest: domain == "HomeDomain",
	}
}

// folder makes the folder of a finished encrypted backup. tail is added to the
// end of Manifest.db, which makes it no whole number of pages.
func (s *seal) folder(tb testing.TB, device russet.UDID, day int, rows []row, tail string) storetest.Folder {
	tb.Helper()
	f := storetest.Folder{}
	for i := range rows {
		f[rows[i].name()] = rows[i].stored
	}
	key, wrapped := s.newFileKey(tb, 4)
	f["Manifest.db"] = encrypt(tb, key, manifestDB(tb, rows)+tail)
	when := time.Date(2026, 2, day, 12, 0, 0, 0, time.UTC)
	m := mobilesync.Manifest{
		Version: "10.0", Date: when, IsEncrypted: true, BackupKeyBag: s.bag, ManifestKey: wrapped,
		Lockdown: mobilesync.Lockdown{DeviceName: deviceName, ProductVersion: "26.0", UniqueDeviceID: string(device)},
	}
	status := mobilesync.Status{
		Version: "3.3", UUID: "7A1E3A56-0000-4000-8000-00000000000" + fmt.Sprint(day%10), Date: when, BackupState: "new", SnapshotState: mobilesync.StateFinished,
	}
	info := mobilesync.Info{DeviceName: deviceName, DisplayName: deviceName, PhoneNumber: phoneNumber, UDID: string(device), LastBackupDate: when}
	for name, marshal := range map[string]func() ([]byte, error){
		"Manifest.plist": m.Marshal, "Status.plist": status.Marshal, "Info.plist": info.Marshal,
	} {
		data, err := marshal()
		must(tb, err)
		f[name] = string(data)
	}
	return f
}

// What must never be found in the clear.
const (
	deviceName  = "Canary's very own iPhone"
	phoneNumber = "+49 30 5550123456789"
)

func manifestDB(tb testing.TB, rows []row) string {
	tb.Helper()
	name := filepath.Join(tb.TempDir(), "Manifest.db")
	db, err := sqlitefs.Create(name)
	must(tb, err)
	must(tb, db.Exec("CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB); BEGIN"))
	insert, err := db.Prepare("INSERT INTO Files VALUES (?, ?, ?, ?, ?)")
	must(tb, err)
	for i := range rows {
		r := &rows[i]
		m := mobilesync.MBFile{RelativePath: r.path, Mode: 0o100644, Size: r.size, ProtectionClass: r.class, EncryptionKey: r.key}
		if r.digest {
			d := sha1.Sum([]byte(r.stored))
			m.Digest = d[:]
		}
		blob, err := m.Marshal()
		must(tb, err)
		must(tb, insert.Run(tb.Context(), mobilesync.FileIDOf(r.domain, r.path).String(), r.domain, r.path, 1, blob))
	}
	must(tb, insert.Close())
	must(tb, db.Exec("COMMIT"))
	must(tb, db.Close())
	data, err := os.ReadFile(name)
	must(tb, err)
	return string(data)
}

func mapFS(f storetest.Folder) fstest.MapFS {
	m := fstest.MapFS{}
	for name, data := range f {
		m[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return m
}

// sameFolder compares what a backup gives with what it was.
func sameFolder(tb testing.TB, what string, got, want storetest.Folder) {
	tb.Helper()
	for name, data := range want {
		if has, ok := got[name]; !ok || has != data {
			tb.Errorf("%s: %s is there: %v, with %d bytes, not the same %d", what, name, ok, len(has), len(data))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			tb.Errorf("%s: %s is too much", what, name)
		}
	}
}

// named is a draft that is told the paths of files on the device.
type named struct {
	russet.Draft
	paths map[string]string // by the file's name in the folder
}

func (n *named) Create(name string) (devicelink.Upload, error) {
	leaf := strings.TrimPrefix(strings.TrimPrefix(name, string(storetest.Device)+"/"), "Snapshot/")
	return n.Draft.(devicelink.SourcedFiles).CreateFrom(n.paths[leaf], name)
}

func paths(rows []row) map[string]string {
	m := map[string]string{}
	for i := range rows {
		m[rows[i].name()] = "/var/mobile/" + rows[i].path
	}
	return m
}

// store opens a vault for a test.
func store(tb testing.TB, dir string, opts vault.Options) *vault.Store {
	tb.Helper()
	s, err := openWith(dir, nil, opts)
	must(tb, err)
	return s.(*vault.Store)
}

// send plays a run and commits it.
func send(tb testing.TB, s *vault.Store, opts russet.BeginOptions, to storetest.Folder, rows []row) russet.Backup {
	tb.Helper()
	if opts.Device == "" {
		opts.Device = storetest.Device
	}
	opts.Allow = -1
	d, err := s.Begin(tb.Context(), opts)
	must(tb, err)
	if _, err := storetest.Play(believing{&watched{named: named{d, paths(rows)}}, opts.Device, to}, opts.Device, to); err != nil {
		tb.Fatal(err, d.Discard(tb.Context()))
	}
	b, err := d.Commit(tb.Context())
	must(tb, err)
	return b
}
