package agent

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"russet/vphone/agent/internal/keybag"
	"russet/vphone/agent/internal/link"
	"russet/vphone/agent/internal/manifest"
	"russet/vphone/agent/internal/mbfile"
	"russet/vphone/disk"
	"russet/vphone/internal/plist"
)

// entries writes the directories or the links of the backup.
func (r *restore) entries(kind int) error {
	return r.each(kind, func(row *manifest.Row, f *mbfile.File) error {
		e, err := entryOf(row, f)
		if err != nil {
			return err
		}
		return r.put(e, nil)
	})
}

// entryOf is the entry a row describes.
func entryOf(row *manifest.Row, f *mbfile.File) (*disk.Entry, error) {
	e := &disk.Entry{
		Domain: row.Domain, Path: row.Path, Kind: disk.File, Mode: f.Mode, UID: f.UID, GID: f.GID,
		ModTime: time.Unix(f.ModTime, 0), ChangeTime: time.Unix(f.ChangeTime, 0), Birth: time.Unix(f.Birth, 0),
		Inode: f.Inode, Class: f.Class, Flags: f.Flags, Target: f.Target,
	}
	switch row.Kind {
	case manifest.KindDir:
		e.Kind = disk.Dir
	case manifest.KindSymlink:
		e.Kind = disk.Symlink
	}
	if f.XAttrs == nil {
		return e, nil
	}
	attrs, err := plist.UnmarshalDict(f.XAttrs)
	if err != nil {
		return nil, fail(codeDamaged, err, "The attributes of %q are damaged", row.ID)
	}
	e.XAttrs = make(map[string][]byte, len(attrs))
	for name, value := range attrs {
		data, ok := value.([]byte)
		if !ok {
			return nil, fail(codeDamaged, nil, "The attributes of %q are damaged", row.ID)
		}
		e.XAttrs[name] = data
	}
	return e, nil
}

// put writes an entry, and says what is wrong in the domain's codes.
func (r *restore) put(e *disk.Entry, content io.Reader) error {
	err := r.phone.Disk().Put(e, content)
	if err == nil {
		return nil
	}
	if _, ok := linkCode(err); ok {
		return fail(codeDamaged, err, "Multiple errors downloading files")
	}
	if inStep(err) {
		return err
	}
	if errors.Is(err, keybag.ErrPadding) {
		return fail(codeDamaged, err, "Error decrypting %q", e.Path)
	}
	if errors.Is(err, disk.ErrFull) {
		return fail(codeDeviceSpace, err, "No space left on the phone")
	}
	if errors.Is(err, link.ErrProtocol) || r.conn.broken {
		return err
	}
	return fail(codeDeviceWrite, err, "Error writing %q", e.Path)
}

// wantedFile is a file to be downloaded.
type wantedFile struct {
	entry *disk.Entry
	file  mbfile.File
}

// files downloads the files in batches.
func (r *restore) files() error {
	paths := make([]string, 0, batchSize)
	pending := make(map[string]wantedFile, batchSize)
	err := r.each(manifest.KindFile, func(row *manifest.Row, f *mbfile.File) error {
		e, err := entryOf(row, f)
		if err != nil {
			return err
		}
		from := r.source + "/" + row.ID[:2] + "/" + row.ID
		if r.waiting[row.ID] {
			from = r.source + "/Snapshot/" + row.ID[:2] + "/" + row.ID
		}
		paths = append(paths, from)
		pending[from] = wantedFile{entry: e, file: *f}
		if len(paths) < batchSize {
			return nil
		}
		err = r.download(paths, pending)
		paths = paths[:0]
		clear(pending)
		return err
	})
	if err != nil {
		return err
	}
	if len(paths) > 0 {
		if err := r.download(paths, pending); err != nil {
			return err
		}
	}
	return r.download(nil, nil) // an empty list was seen at the end [T]
}

// download restores one batch.
func (r *restore) download(paths []string, wanted map[string]wantedFile) error {
	const request = "DLMessageDownloadFiles"
	d, err := r.link.StartDownload(0, paths)
	if err != nil {
		return err
	}
	var failed error
	for got := 0; ; got++ {
		path, ok, err := d.Next()
		if err != nil {
			return err
		}
		if !ok {
			if got < len(paths) && failed == nil {
				failed = fail(codeDamaged, nil, "Multiple errors downloading files")
			}
			break
		}
		if err := r.one(d, wanted[path]); err != nil {
			if !inStep(err) {
				return err
			}
			failed = errors.Join(failed, err)
		}
	}
	status, err := d.Finish()
	if err != nil {
		return err
	}
	if failed == nil && status.Code != link.CodeOK {
		failed = fail(codeDamaged, status.Err(request, paths...), "Multiple errors downloading files")
	}
	return failed
}

// one restores the file that is coming in.
func (r *restore) one(d io.Reader, w wantedFile) error {
	var digest hash.Hash
	if w.file.Digest != nil {
		digest = sha1.New()
		d = io.TeeReader(d, digest)
	}
	content := d
	if r.encrypted {
		key := keybag.Key{}
		if w.file.Key != nil {
			var err error
			if key, err = r.bag.UnwrapKey(w.file.Key); err != nil {
				return fail(codeDamaged, err, "The key of %q can't be opened", w.entry.Path)
			}
		}
		content = newDecrypter(d, keybag.NewDecrypter(key))
		if w.file.Key == nil {
			content = keyless{d} // an empty file may have none
		}
	}
	if err := r.put(w.entry, content); err != nil {
		return err
	}
	if digest != nil && !bytes.Equal(digest.Sum(nil), w.file.Digest) {
		return errors.Join(
			fail(codeDamaged, nil, "The digest of %q does not match", w.entry.Path),
			r.phone.Disk().Remove(w.entry.Domain, w.entry.Path),
		)
	}
	return nil
}

// keyless is a file without a key in an encrypted backup: it has to be empty.
type keyless struct{ r io.Reader }

func (k keyless) Read(p []byte) (int, error) {
	n, err := k.r.Read(p)
	if n > 0 {
		return 0, fail(codeDamaged, nil, "A file has no key")
	}
	return 0, err
}

// removeOthers removes what is on the phone and not in the backup, in the
// domains that were restored.
func (r *restore) removeOthers() error {
	var others []disk.Entry
	var blob []byte
	err := r.phone.Disk().Walk(func(e *disk.Entry) error {
		if !r.wanted(e.Domain) {
			return nil
		}
		if n := len(others); n > 0 && others[n-1].Domain == e.Domain && below(e.Path, others[n-1].Path) {
			return nil
		}
		found, _, ok, err := r.db.Find(mbfile.ID(e.Domain, e.Path), blob[:0])
		if ok {
			blob = found
		} else if err == nil {
			others = append(others, disk.Entry{Domain: e.Domain, Path: e.Path})
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("looking for items that were not restored: %w", err)
	}
	for _, e := range others {
		if err := r.phone.Disk().Remove(e.Domain, e.Path); err != nil && !errors.Is(err, disk.ErrNotExist) {
			return fail(codeDeviceWrite, err, "Error removing %q", e.Path)
		}
	}
	return nil
}

func below(child, parent string) bool { return parent == "" || strings.HasPrefix(child, parent+"/") }
