package mobilesync_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

func TestMiniBackups(t *testing.T) {
	for _, kind := range []string{"plain", "encrypted"} {
		t.Run(kind, func(t *testing.T) {
			b := open(t, miniFS(t, kind))
			if b.Encrypted() != (kind == "encrypted") || b.Locked() || !b.Status().Finished() {
				t.Errorf("encrypted %v, locked %v, status %+v", b.Encrypted(), b.Locked(), b.Status())
			}
			if m := b.Manifest(); m.Version != "10.0" || m.Lockdown.ProductType != "iPhone13,2" || len(m.Applications) != 1 {
				t.Errorf("manifest %+v", m)
			}
			want := miniRows(t, kind)
			seen := map[string]mobilesync.Record{}
			for r, err := range b.Records(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				seen[r.ID.String()] = r
			}
			if len(seen) != len(want) {
				t.Errorf("%d rows, want %d", len(seen), len(want))
			}
			for _, row := range want {
				r, ok := seen[row.FileID]
				if !ok || r.Domain != row.Domain || r.Path != row.RelativePath || r.Flags != row.Flags || r.RelativePath != r.Path {
					t.Errorf("row %+v, want %+v", r, row)
					continue
				}
				if got, err := b.Lookup(t.Context(), row.Domain, row.RelativePath); err != nil || got.ID != r.ID {
					t.Errorf("look-up of %s: %v, %v", row.RelativePath, got.ID, err)
				}
				checkMiniRow(t, b, &r, row)
			}
		})
	}
}

func checkMiniRow(t *testing.T, b *mobilesync.Backup, r *mobilesync.Record, row miniRow) {
	t.Helper()
	switch row.Kind {
	case "":
		if r.Kind != mobilesync.Dir {
			t.Errorf("%s is a %v", r.Path, r.Kind)
		}
		return
	case "symlink":
		if r.Kind != mobilesync.Symlink || r.Target != row.Target {
			t.Errorf("%s is a %v to %q", r.Path, r.Kind, r.Target)
		}
		return
	}
	if r.Kind != mobilesync.File || r.Size != row.SizeField || r.ProtectionClass != row.ProtectionClass {
		t.Errorf("%s: %+v", r.Path, r)
	}
	f, err := b.Payload(r)
	if err != nil {
		t.Error(err)
		return
	}
	stored, err := fs.ReadFile(oneFile{f}, "x")
	if err != nil || int64(len(stored)) != row.BlobLen || sha1Hex(stored) != row.BlobSHA1 {
		t.Errorf("%s: %d stored bytes, %v", r.Path, len(stored), err)
	}
	c, err := b.Content(r)
	if err != nil {
		t.Error(err)
		return
	}
	condition, exact := mobilesync.Whole, true
	if row.Kind == "dataless" {
		condition, exact = mobilesync.Dataless, false
	}
	if c.Condition() != condition || c.Exact() != exact || c.Size() != row.PlainLen || c.StoredSize() != row.BlobLen {
		t.Errorf("%s: %v, exact %v, %d of %d bytes", r.Path, c.Condition(), c.Exact(), c.Size(), c.StoredSize())
	}
	if got := readAll(t, c); sha256Hex(got) != row.PlainSHA256 {
		t.Errorf("%s: content of %d bytes differs", r.Path, len(got))
	}
	if keys := b.Keys(); keys != nil {
		key, err := keys.FileKey(r.EncryptionKey)
		if err != nil {
			t.Error(err)
		}
		if again, err := keybag.RoundTrip(bytes.NewReader(stored), key); err != nil || again != exact {
			t.Errorf("%s: comes back %v, %v", r.Path, again, err)
		}
	}
}

// oneFile is a file system of one open file.
type oneFile struct{ f fs.File }

func (o oneFile) Open(string) (fs.File, error) { return o.f, nil }

func TestPasswordsAndKeys(t *testing.T) {
	fsys := miniFS(t, "encrypted")
	try := func(opts mobilesync.Options) error {
		b, err := mobilesync.Open(t.Context(), fsys, opts)
		if err == nil {
			err = b.Close()
		}
		return err
	}
	if err := try(mobilesync.Options{}); !errors.Is(err, mobilesync.ErrEncrypted) {
		t.Errorf("without a password: %v", err)
	}
	if err := try(mobilesync.Options{Password: "guess"}); !errors.Is(err, mobilesync.ErrPassword) {
		t.Errorf("with a wrong one: %v", err)
	}
	key, ok := open(t, fsys).Key()
	if !ok {
		t.Fatal("no key")
	}
	if err := try(mobilesync.Options{Key: &key}); err != nil {
		t.Errorf("with the key: %v", err)
	}
	wrong := keybag.Key{}
	if err := try(mobilesync.Options{Key: &wrong}); !errors.Is(err, mobilesync.ErrPassword) {
		t.Errorf("with a wrong key: %v", err)
	}
	if err := try(mobilesync.Options{Key: &wrong, Password: miniPassword}); err != nil {
		t.Errorf("with a wrong key and the password: %v", err)
	}
	if _, ok := open(t, miniFS(t, "plain")).Key(); ok {
		t.Error("a plain backup has a key")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := mobilesync.Open(ctx, fsys, mobilesync.Options{Password: miniPassword}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestALockedBackup(t *testing.T) {
	b, err := mobilesync.Open(t.Context(), miniFS(t, "encrypted"), mobilesync.Options{Locked: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if !b.Locked() || !b.Encrypted() || b.Manifest().Lockdown.ProductType == "" {
		t.Errorf("locked %v, encrypted %v", b.Locked(), b.Encrypted())
	}
	for _, err := range b.Records(t.Context()) {
		if !errors.Is(err, mobilesync.ErrEncrypted) {
			t.Errorf("records: %v", err)
		}
	}
	if _, err := b.Files(t.Context()); !errors.Is(err, mobilesync.ErrEncrypted) {
		t.Errorf("files: %v", err)
	}
	if _, err := b.Lookup(t.Context(), "HomeDomain", ""); !errors.Is(err, mobilesync.ErrEncrypted) {
		t.Errorf("look-up: %v", err)
	}
	sum, err := b.Check(t.Context(), mobilesync.CheckDatabases, func(p mobilesync.Problem) { t.Errorf("problem %+v", p) })
	if err != nil || sum.Reached != mobilesync.CheckStructure {
		t.Errorf("check: %+v, %v", sum, err)
	}
}

// TestAnIndexInTheClear is iOS 10.0: encrypted files, plain Manifest.db.
func TestAnIndexInTheClear(t *testing.T) {
	s := seal(t)
	key, stored := rewrap(t, s, []byte("hello"))
	r := file("HomeDomain", "a")
	dir := create(t, nil, addition{r, ""})
	r.EncryptionKey = key
	replaceRow(t, dir, &r)
	if err := os.WriteFile(filepath.Join(dir, mobilesync.FileIDOf("HomeDomain", "a").Name()), stored, 0o644); err != nil {
		t.Fatal(err)
	}
	manifest, err := (&mobilesync.Manifest{Version: "10.0", IsEncrypted: true, BackupKeyBag: s.Bag}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Manifest.plist"), manifest, 0o644); err != nil {
		t.Fatal(err)
	}
	b := open(t, os.DirFS(dir))
	got, err := b.Lookup(t.Context(), "HomeDomain", "a")
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Content(&got)
	if err != nil {
		t.Fatal(err)
	}
	if data := readAll(t, c); string(data) != "hello" {
		t.Errorf("content %q", data)
	}
	locked, err := mobilesync.Open(t.Context(), os.DirFS(dir), mobilesync.Options{Locked: true})
	if err != nil {
		t.Fatal(err)
	}
	defer locked.Close()
	if got, err = locked.Lookup(t.Context(), "HomeDomain", "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := locked.Content(&got); !errors.Is(err, mobilesync.ErrEncrypted) {
		t.Errorf("content while locked: %v", err)
	}
}
