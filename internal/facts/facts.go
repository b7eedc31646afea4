// Package facts finds out what a MobileSync folder is: whose backup, of when,
// whole or not, and with which key it opens. Every store asks it.
package facts

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

// Facts are what the property lists of a backup's folder say.
type Facts struct {
	Fingerprint string // of Status.plist and Manifest.plist; "" when one is missing
	Time        time.Time
	Name        string
	IOS         string
	Encrypted   bool
	// Problem says why it is no backup that can be used; "" if it is one.
	Problem string
	// Busy says that another program seems to be writing it now.
	Busy bool
}

const (
	MaxStatus   = 1 << 20
	MaxManifest = 64 << 20
	MaxInfo     = 256 << 20 // Finder's of one phone was 58 MB

	// settled: Finder writes Info.plist again minutes after the device has
	// finished, and empties it first.
	settled = 15 * time.Minute
)

// Read looks into a backup's folder. Only what cannot be read at all is
// an error.
func Read(fsys fs.FS) (Facts, error) {
	var f Facts
	status, err := ReadSmall(fsys, StatusPlist, MaxStatus)
	if err != nil {
		return f, err
	}
	manifest, err := ReadSmall(fsys, ManifestPlist, MaxManifest)
	if err != nil {
		return f, err
	}
	db, err := fs.Stat(fsys, ManifestDB)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if len(status) > 0 && len(manifest) > 0 {
		f.Fingerprint = Fingerprint(status, manifest)
	}
	switch {
	case len(status) == 0 || len(manifest) == 0 || db == nil || db.Size() == 0:
		f.Problem = incomplete(fsys)
		return f, nil
	case !db.Mode().IsRegular():
		f.Problem = "Manifest.db is not a file"
		return f, nil
	}
	f.readLists(status, manifest)
	return f, nil
}

func (f *Facts) readLists(status, manifest []byte) {
	st, err := plist.ParseDict(status)
	if err != nil {
		f.Problem = fmt.Sprintf("Status.plist cannot be read: %v", err)
		return
	}
	mf, err := plist.ParseDict(manifest)
	if err != nil {
		f.Problem = fmt.Sprintf("Manifest.plist cannot be read: %v", err)
		return
	}
	f.Time = st.Time("Date")
	if f.Time.IsZero() {
		f.Time = mf.Time("Date")
	}
	f.Encrypted = mf.Bool("IsEncrypted")
	lockdown := mf.Dict("Lockdown")
	f.Name, f.IOS = lockdown.String("DeviceName"), lockdown.String("ProductVersion")
	if state := st.String("SnapshotState"); state != "finished" {
		f.Problem = fmt.Sprintf("another program did not finish it (it stopped at %q)", state)
	}
}

// ReadInfo adds what the host wrote: names of the device and its system.
func (f *Facts) ReadInfo(fsys fs.FS, now time.Time) error {
	st, err := fs.Stat(fsys, InfoPlist)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // restores and readers do without it
	}
	if err != nil {
		return err
	}
	data, err := ReadSmall(fsys, InfoPlist, MaxInfo)
	if err != nil {
		return err
	}
	info, err := plist.ParseDict(data)
	if err != nil {
		if f.Problem == "" && now.Sub(st.ModTime()) < settled {
			f.Busy, f.Problem = true, "Finder is still writing it (Info.plist is not whole yet)"
		}
		return nil
	}
	if name := info.String("Device Name"); name != "" {
		f.Name = name
	}
	if ios := info.String("Product Version"); ios != "" {
		f.IOS = ios
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

// ReadSmall reads a whole file; nil when it is missing. What is not a regular
// file, or is longer than limit, is an error.
func ReadSmall(fsys fs.FS, name string, limit int64) ([]byte, error) {
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

// Fingerprint tells the states of a folder apart: every run writes both files
// anew, with the time in them.
func Fingerprint(status, manifest []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "russet backup 1 %d %d\n", len(status), len(manifest))
	h.Write(status)
	h.Write(manifest)
	return hex.EncodeToString(h.Sum(nil))
}

// DerivedID is the identity of a backup that has no record: it follows from
// what the backup is, so that it is the same at each look and in each store.
func DerivedID(device russet.UDID, fingerprint string) russet.BackupID {
	sum := sha256.Sum256([]byte("russet id 1 " + string(device) + " " + fingerprint))
	return russet.BackupID(hex.EncodeToString(sum[:16]))
}
