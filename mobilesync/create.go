package mobilesync

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"russet/internal/sqlitefs"
	"russet/mobilesync/keybag"
)

// manifestClass is the protection class of Manifest.db.
const manifestClass = 4

// Seal says how a backup is encrypted: with a keybag and its opened keys.
type Seal struct {
	Bag  []byte
	Keys *keybag.Unlocked
}

// Writer makes a backup folder that others can open and restore.
type Writer struct {
	dir    string
	root   *os.Root
	db     *sqlitefs.DB
	insert *sqlitefs.Stmt
	seal   *Seal
}

// The schema and header fields of the database as iOS 14 to 26 write them.
const databaseSchema = `PRAGMA user_version=2;
CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB);
CREATE INDEX FilesDomainIdx ON Files(domain);
CREATE INDEX FilesRelativePathIdx ON Files(relativePath);
CREATE INDEX FilesFlagsIdx ON Files(flags);
CREATE TABLE Properties (key TEXT PRIMARY KEY, value BLOB);
BEGIN`

// Create begins a backup in dir, an empty directory. seal is nil for a plain
// backup. Until Finish has returned the folder is no backup, and the database
// stands in it in the clear, for its owner only.
func Create(dir string, seal *Seal) (*Writer, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("create backup: %w", err)
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("create backup: %q is not empty", dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("create backup: %w", err)
	}
	w := &Writer{dir: dir, root: root, seal: seal}
	if err := w.begin(); err != nil {
		return nil, errors.Join(fmt.Errorf("create backup: %w", err), w.Close())
	}
	return w, nil
}

// plainDatabase is the name of the database while it is written.
const plainDatabase = databaseName + ".new"

func (w *Writer) begin() (err error) {
	// SQLite creates files for all to read; what is in this one is not.
	f, err := w.root.OpenFile(plainDatabase, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if w.db, err = sqlitefs.Create(filepath.Join(w.dir, plainDatabase)); err != nil {
		return err
	}
	if err := w.db.Exec(databaseSchema); err != nil {
		return err
	}
	w.insert, err = w.db.Prepare("INSERT INTO Files VALUES (?, ?, ?, ?, ?)")
	return err
}

// Add adds a record, and for a file its content. ID, Flags, RelativePath and
// keys are set as they must be; Size, Mode and times are the caller's. In a
// sealed backup content is encrypted under a new key in the class of r's
// ProtectionClass.
func (w *Writer) Add(ctx context.Context, r Record, content io.Reader) error {
	r.ID = FileIDOf(r.Domain, r.Path)
	r.Flags, r.RelativePath = int64(r.Kind), r.Path
	if r.Kind == File {
		if err := w.addFile(&r, content); err != nil {
			return fmt.Errorf("add %q of %s: %w", r.Path, r.Domain, err)
		}
	}
	blob, err := r.Marshal()
	if err != nil {
		return fmt.Errorf("add %q of %s: %w", r.Path, r.Domain, err)
	}
	return w.insert.Run(ctx, r.ID.String(), r.Domain, r.Path, r.Flags, blob)
}

// addFile stores content under r's ID, and keeps r.Digest up to date if r had
// one.
func (w *Writer) addFile(r *Record, content io.Reader) error {
	name := r.ID.Name()
	if err := w.root.Mkdir(name[:2], 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	f, err := w.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	digest := sha1.New()
	err = w.store(r, content, f, digest)
	if r.Digest != nil {
		r.Digest = digest.Sum(nil)
	}
	return errors.Join(err, f.Close())
}

func (w *Writer) store(r *Record, content io.Reader, f io.Writer, digest hash.Hash) error {
	out := io.MultiWriter(f, digest)
	if w.seal == nil {
		r.EncryptionKey = nil
		_, err := io.Copy(out, content)
		return err
	}
	class := uint32(max(r.ProtectionClass, 0))
	if class == 7 {
		class = 17 // 7 is a class of the keychain
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	if r.EncryptionKey, err = w.seal.Keys.WrapFileKey(class, key); err != nil {
		return err
	}
	enc := keybag.EncryptWriter(out, key)
	_, err = io.Copy(enc, content)
	return errors.Join(err, enc.Close())
}

func newKey() (keybag.Key, error) {
	b := make([]byte, keybag.KeySize)
	_, _ = rand.Read(b) // never fails
	return keybag.NewKey(b)
}

// Finish writes Manifest.db, the property lists and at last Status.plist.
// What the manifest says of encryption is set to what was done; a UUID and
// dates are made where they are missing.
func (w *Writer) Finish(info *Info, m Manifest) error {
	m.IsEncrypted, m.BackupKeyBag, m.ManifestKey = w.seal != nil, nil, nil
	if m.Version == "" {
		m.Version = "10.0"
	}
	if m.Date.IsZero() {
		m.Date = time.Now()
	}
	if err := errors.Join(w.db.Exec("COMMIT"), w.insert.Close(), w.db.Close()); err != nil {
		return fmt.Errorf("finish backup: %w", err)
	}
	w.db = nil
	if err := w.finishDatabase(&m); err != nil {
		return fmt.Errorf("finish backup: %w", err)
	}
	status := Status{
		Version: "3.3", UUID: newUUID(), Date: m.Date,
		BackupState: "new", SnapshotState: StateFinished,
	}
	for _, file := range []struct {
		name    string
		marshal func() ([]byte, error)
	}{
		{infoName, info.Marshal}, {manifestName, m.Marshal}, {statusName, status.Marshal},
	} {
		data, err := file.marshal()
		if err == nil {
			err = w.root.WriteFile(file.name, data, 0o644)
		}
		if err != nil {
			return fmt.Errorf("finish backup: %w", err)
		}
	}
	return nil
}

// finishDatabase puts Manifest.db in place, encrypted in a sealed backup.
func (w *Writer) finishDatabase(m *Manifest) error {
	if w.seal == nil {
		return w.root.Rename(plainDatabase, databaseName)
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	m.BackupKeyBag = w.seal.Bag
	if m.ManifestKey, err = w.seal.Keys.WrapFileKey(manifestClass, key); err != nil {
		return err
	}
	in, err := w.root.Open(plainDatabase)
	if err != nil {
		return err
	}
	out, err := w.root.OpenFile(databaseName, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return errors.Join(err, in.Close())
	}
	enc := keybag.EncryptWriter(out, key)
	_, err = io.Copy(enc, in)
	err = errors.Join(err, enc.Close(), out.Close(), in.Close())
	return errors.Join(err, w.root.Remove(plainDatabase))
}

// newUUID makes a random UUID in Apple's capitals.
func newUUID() string {
	g := NewGUID()
	return strings.Join([]string{g[:8], g[8:12], "4" + g[13:16], "8" + g[17:20], g[20:]}, "-")
}

// Close frees what the writer holds; without Finish the folder stays as it
// is, unfinished, but for the unencrypted database.
func (w *Writer) Close() error {
	var err error
	if w.insert != nil && w.db != nil {
		err = w.insert.Close()
	}
	if w.db != nil {
		err = errors.Join(err, w.db.Close())
		w.db = nil
	}
	if removeErr := w.root.Remove(plainDatabase); !errors.Is(removeErr, os.ErrNotExist) {
		err = errors.Join(err, removeErr)
	}
	return errors.Join(err, w.root.Close())
}
