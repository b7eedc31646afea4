package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// The parts of a phone's folder.
const (
	indexName = "index" // what is where
	packName  = "pack"  // small contents, one after the other
	filesName = "files" // large contents, each a file named by number
)

// packLimit is the largest content that goes into the pack: opening a file of
// its own costs more than reading this much.
const packLimit = 64 << 10

// Open opens the disk kept in the folder dir. A folder that is missing or
// empty becomes the disk of a blank phone. Only one process may change a disk
// at a time; one that finds it changed by another refuses to write.
func Open(dir string) (Disk, error) {
	path := filepath.Join(dir, indexName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return create(dir, nil)
	}
	l := &layers{}
	x, err := openIndex(path, l.apply)
	if err != nil {
		return nil, err
	}
	s, err := openFolder(dir, l.tree.sorted())
	if err != nil {
		return nil, errors.Join(err, x.file.Close())
	}
	l.store, l.log = s, &folderJournal{index: x, folder: s}
	return l, nil
}

// create makes a new disk in a folder that is missing or empty.
func create(dir string, recipe *Recipe) (Disk, error) {
	names, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(names) > 0 {
		return nil, fmt.Errorf("%s is neither empty nor the disk of a virtual phone", dir)
	}
	if err := os.MkdirAll(filepath.Join(dir, filesName), 0o755); err != nil {
		return nil, err
	}
	x, err := createIndex(filepath.Join(dir, indexName), recipe)
	if err != nil {
		return nil, err
	}
	s, err := openFolder(dir, nil)
	if err != nil {
		return nil, errors.Join(err, x.file.Close())
	}
	l := &layers{store: s, log: &folderJournal{index: x, folder: s}}
	if recipe != nil {
		l.base = newGenerated(*recipe)
	}
	return l, nil
}

// apply repeats one change of the journal.
func (l *layers) apply(r record) error {
	switch r.op {
	case recordPut:
		if l.base != nil && r.node.Kind != Dir {
			l.hide(r.node.Domain, r.node.Path)
		}
		l.tree.put(r.node)
	case recordRemove, recordCut:
		if l.base != nil {
			l.hide(r.at.domain, r.at.path)
		}
		if r.op == recordRemove {
			l.tree.remove(r.at.domain, r.at.path)
		}
	case recordBorn:
		if l.base != nil || l.tree.count > 0 {
			return errRecord
		}
		l.base = newGenerated(r.recipe)
	}
	return nil
}

// folder is a store in a folder of a real file system.
type folder struct {
	files string // the folder of large contents
	pack  *os.File

	mu   sync.Mutex
	end  int64  // of the pack
	next uint64 // number of the next large content
}

// openFolder opens the store and deletes large contents that no entry names:
// a killed process may have left them.
func openFolder(dir string, nodes []*node) (*folder, error) {
	s := &folder{files: filepath.Join(dir, filesName), next: 1}
	named := make(map[uint64]bool)
	for _, n := range nodes {
		for b := &n.blob; b != nil; b = b.head {
			if b.kept == keptInFile {
				named[b.number] = true
				s.next = max(s.next, b.number+1)
			}
		}
	}
	names, err := os.ReadDir(s.files)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		number, err := strconv.ParseUint(name.Name(), 10, 64)
		if err != nil || named[number] {
			continue
		}
		if err := os.Remove(s.path(number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	s.pack, err = os.OpenFile(filepath.Join(dir, packName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if s.end, err = s.pack.Seek(0, io.SeekEnd); err != nil {
		return nil, errors.Join(err, s.pack.Close())
	}
	return s, nil
}

func (s *folder) path(number uint64) string {
	return filepath.Join(s.files, fmt.Sprintf("%08d", number))
}

func (s *folder) keep(r io.Reader) (blob, error) {
	start, err := io.ReadAll(io.LimitReader(r, packLimit+1))
	switch {
	case err != nil || len(start) == 0:
		return blob{}, err
	case len(start) <= packLimit:
		return s.keepSmall(start)
	}
	return s.keepLarge(start, r)
}

func (s *folder) keepSmall(data []byte) (blob, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := blob{kept: keptInPack, number: uint64(s.end), size: int64(len(data))}
	if _, err := s.pack.WriteAt(data, s.end); err != nil {
		return blob{}, err
	}
	s.end += b.size
	return b, nil
}

func (s *folder) keepLarge(start []byte, rest io.Reader) (b blob, err error) {
	s.mu.Lock()
	b = blob{kept: keptInFile, number: s.next}
	s.next++
	s.mu.Unlock()
	f, err := os.OpenFile(s.path(b.number), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return blob{}, err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(s.path(b.number)))
		}
	}()
	if _, err := f.Write(start); err != nil {
		return blob{}, err
	}
	n, err := io.Copy(f, rest)
	b.size = int64(len(start)) + n
	return b, err
}

// open returns an *os.File for large contents: as cheap to read as can be.
func (s *folder) open(b blob) (io.ReadCloser, error) {
	if b.kept == keptInFile {
		return os.Open(s.path(b.number))
	}
	return packedFile{io.NewSectionReader(s.pack, int64(b.number), b.size)}, nil
}

// drop deletes a large content; the room of a small one is not used again. A
// file that cannot be deleted now goes when the disk is next opened.
func (s *folder) drop(b blob) {
	if b.kept == keptInFile {
		_ = os.Remove(s.path(b.number))
	}
}

type packedFile struct{ *io.SectionReader }

func (packedFile) Close() error { return nil }

// folderJournal closes a folder's pack along with its index.
type folderJournal struct {
	*index
	folder *folder
}

func (j *folderJournal) close(t *tree, cuts []place) error {
	return errors.Join(j.index.close(t, cuts), j.folder.pack.Close())
}
