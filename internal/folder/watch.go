package folder

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"slices"

	"github.com/zeebo/xxh3"

	"russet/internal/durable"
	"russet/internal/facts"
)

// watched is what is known of one payload.
type watched struct {
	id  [20]byte
	sum [16]byte
}

// watchedFolder is a backup that compares its payloads with their checksums
// while they are read.
type watchedFolder struct {
	fs.FS
	known   []watched // by id
	damaged func(name string)
}

// Watch implements russet.Watched.
func (c *contents) Watch(damaged func(name string)) (fs.FS, error) {
	known, err := readWatched(c.root, sumsFile(c.backup.ID))
	if err != nil {
		return nil, err
	}
	return &watchedFolder{FS: c.Folder(), known: known, damaged: damaged}, nil
}

// readWatched reads the checksums of payloads; none without a list of them.
func readWatched(dir *durable.Dir, name string) (known []watched, err error) {
	sums, err := openSums(dir, name)
	if err != nil || sums == nil {
		return nil, err
	}
	for e, ok := sums.read(); ok; e, ok = sums.read() {
		if !e.known || !facts.IsPayload(e.name) {
			continue
		}
		w := watched{sum: e.sum}
		if _, err := hex.Decode(w.id[:], []byte(e.name[3:])); err == nil {
			known = append(known, w)
		}
	}
	slices.SortFunc(known, func(a, b watched) int { return bytes.Compare(a.id[:], b.id[:]) })
	return known, errors.Join(sums.err, sums.close())
}

// Open opens a file of the backup.
func (w *watchedFolder) Open(name string) (fs.File, error) {
	f, err := w.FS.Open(name)
	if err != nil || !facts.IsPayload(name) {
		return f, err
	}
	var id [20]byte
	if _, err := hex.Decode(id[:], []byte(name[3:])); err != nil {
		return f, nil //nolint:nilerr // then it is no payload
	}
	i, ok := slices.BinarySearchFunc(w.known, id, func(k watched, id [20]byte) int { return bytes.Compare(k.id[:], id[:]) })
	if !ok {
		return f, nil
	}
	return &watchedFile{File: f, hash: xxh3.New(), want: w.known[i].sum, damaged: func() { w.damaged(name) }}, nil
}

// ReadDir lists a folder of the backup.
func (w *watchedFolder) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(w.FS, name) }

// Stat tells of a file of the backup, and does not read it.
func (w *watchedFolder) Stat(name string) (fs.FileInfo, error) { return fs.Stat(w.FS, name) }

// watchedFile is one that is read from its beginning.
type watchedFile struct {
	fs.File
	hash    *xxh3.Hasher
	want    [16]byte
	damaged func() // nil once it was compared
}

func (f *watchedFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.hash.Write(p[:n]) //nolint:errcheck // it never fails
	if errors.Is(err, io.EOF) && f.damaged != nil {
		if f.hash.Sum128().Bytes() != f.want {
			f.damaged()
		}
		f.damaged = nil
	}
	return n, err
}
