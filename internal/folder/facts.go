package folder

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"russet"
	"russet/internal/plist"
)

// facts are what the property lists of a backup's folder say.
type facts struct {
	fingerprint string // of Status.plist and Manifest.plist; "" when one is missing
	time        time.Time
	name        string
	ios         string
	encrypted   bool
	// problem says why it is no backup that can be used; "" if it is one.
	problem string
	// busy says that another program seems to be writing it now.
	busy bool
}

const (
	maxStatus   = 1 << 20
	maxManifest = 64 << 20
	maxInfo     = 256 << 20 // Finder's of one phone was 58 MB

	// settled: Finder writes Info.plist again minutes after the device has
	// finished, and empties it first (field-notes.md 5.8).
	settled = 15 * time.Minute
)

// readFacts looks into a backup's folder. Only what cannot be read at all is
// an error.
func readFacts(fsys fs.FS) (facts, error) {
	var f facts
	status, err := readSmall(fsys, statusPlist, maxStatus)
	if err != nil {
		return f, err
	}
	manifest, err := readSmall(fsys, manifestPlist, maxManifest)
	if err != nil {
		return f, err
	}
	db, err := fs.Stat(fsys, manifestDB)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if len(status) > 0 && len(manifest) > 0 {
		f.fingerprint = fingerprint(status, manifest)
	}
	switch {
	case len(status) == 0 || len(manifest) == 0 || db == nil || db.Size() == 0:
		f.problem = incomplete(fsys)
		return f, nil
	case !db.Mode().IsRegular():
		f.problem = "Manifest.db is not a file"
		return f, nil
	}
	f.readLists(status, manifest)
	return f, nil
}

func (f *facts) readLists(status, manifest []byte) {
	st, err := plist.ParseDict(status)
	if err != nil {
		f.problem = fmt.Sprintf("Status.plist cannot be read: %v", err)
		return
	}
	mf, err := plist.ParseDict(manifest)
	if err != nil {
		f.problem = fmt.Sprintf("Manifest.plist cannot be read: %v", err)
		return
	}
	f.time = st.Time("Date")
	if f.time.IsZero() {
		f.time = mf.Time("Date")
	}
	f.encrypted = mf.Bool("IsEncrypted")
	lockdown := mf.Dict("Lockdown")
	f.name, f.ios = lockdown.String("DeviceName"), lockdown.String("ProductVersion")
	if state := st.String("SnapshotState"); state != "finished" {
		f.problem = fmt.Sprintf("another program did not finish it (it stopped at %q)", state)
	}
}

// readInfo adds what the host wrote: names of the device and its system.
func (f *facts) readInfo(fsys fs.FS, now time.Time) error {
	st, err := fs.Stat(fsys, infoPlist)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // restores and readers do without it
	}
	if err != nil {
		return err
	}
	data, err := readSmall(fsys, infoPlist, maxInfo)
	if err != nil {
		return err
	}
	info, err := plist.ParseDict(data)
	if err != nil {
		if f.problem == "" && now.Sub(st.ModTime()) < settled {
			f.busy, f.problem = true, "Finder is still writing it (Info.plist is not whole yet)"
		}
		return nil
	}
	if name := info.String("Device Name"); name != "" {
		f.name = name
	}
	if ios := info.String("Product Version"); ios != "" {
		f.ios = ios
	}
	return nil
}

// incomplete says what a folder without the three manifests is.
func incomplete(fsys fs.FS) string {
	if st, err := fs.Stat(fsys, "Manifest.mbdb"); err == nil && st.Mode().IsRegular() {
		return "it was made by iOS 9 or older, whose format russet does not read"
	}
	if st, err := fs.Stat(fsys, "Snapshot"); err == nil && st.IsDir() {
		return "another program did not finish it"
	}
	return "it is not whole: Status.plist, Manifest.plist or Manifest.db is missing or empty"
}

// readSmall reads a whole file; nil when it is missing. What is not a regular
// file, or is longer than limit, is an error.
func readSmall(fsys fs.FS, name string, limit int64) ([]byte, error) {
	st, err := fs.Lstat(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("longer than %d bytes", limit)}
	}
	return data, err
}

// fingerprint tells the states of a folder apart: every run writes both files
// anew, with the time in them.
func fingerprint(status, manifest []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "russet backup 1 %d %d\n", len(status), len(manifest))
	h.Write(status)
	h.Write(manifest)
	return hex.EncodeToString(h.Sum(nil))
}

// derivedID is the identity of a backup that has no record: it follows from
// what the backup is, so that it is the same at each look and in each store.
func derivedID(device russet.UDID, fingerprint string) russet.BackupID {
	sum := sha256.Sum256([]byte("russet id 1 " + string(device) + " " + fingerprint))
	return russet.BackupID(hex.EncodeToString(sum[:16]))
}
