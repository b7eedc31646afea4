package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"sync"

	"russet/internal/durable"
)

// spool holds received files until their keys are known: files in segments,
// spool/<number>, written front to back and never changed. A big file has a
// segment of its own, which can go before the others.
//
// What is in it is sealed with AES-256-CTR under a key that follows from the
// vault's password and the draft's ID: most of it is the device's ciphertext,
// but its property lists are not, and a phone's encryption may just have been
// switched off.
type spool struct {
	dir   *durable.Dir
	block cipher.Block

	mu    sync.Mutex // for what follows: workers read while the device writes
	open  map[uint32]*os.File
	next  uint32
	seg   uint32 // the shared one under way; 0 is none
	file  *durable.File
	size  int64    // of it
	used  int64    // bytes in all segments
	peak  int64    // the most they were
	dirty []uint32 // not synced yet
	buf   []byte
}

const (
	spoolDir = "spool"
	// segmentSize is where a shared segment ends.
	segmentSize = 64 << 20
	maxOpenSegs = 64
)

func openSpool(parent *durable.Dir, password, draft string) (*spool, error) {
	key, err := hkdf.Key(sha256.New, []byte(password), []byte(draft), "russet spool 1", 32)
	if err != nil {
		return nil, err
	}
	s := &spool{open: map[uint32]*os.File{}, next: 1}
	if s.block, err = aes.NewCipher(key); err != nil {
		return nil, err
	}
	if s.dir, err = parent.MakeSub(spoolDir, private); err != nil {
		return nil, err
	}
	entries, err := s.dir.ReadDir(".")
	for _, e := range entries {
		n, e1 := strconv.ParseUint(e.Name(), 10, 32)
		info, e2 := e.Info()
		if e1 != nil || e2 != nil {
			continue
		}
		s.next = max(s.next, uint32(n)+1)
		s.used += info.Size()
	}
	s.peak = s.used
	if err != nil {
		return nil, errors.Join(err, s.dir.Close())
	}
	return s, nil
}

func segName(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// stream is the key stream of a segment from a position on.
func (s *spool) stream(seg uint32, off int64) cipher.Stream {
	var iv [aes.BlockSize]byte
	binary.BigEndian.PutUint32(iv[:], seg)
	binary.BigEndian.PutUint64(iv[8:], uint64(off/aes.BlockSize))
	c := cipher.NewCTR(s.block, iv[:])
	if skip := off % aes.BlockSize; skip > 0 {
		var b [aes.BlockSize]byte
		c.XORKeyStream(b[:skip], b[:skip])
	}
	return c
}

// add appends a small file to the shared segment.
func (s *spool) add(data []byte) (seg uint32, off int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil && s.size >= segmentSize {
		if err := s.endSegment(); err != nil {
			return 0, 0, err
		}
	}
	if s.file == nil {
		if s.file, err = s.dir.Create(segName(s.next), privateFile); err != nil {
			return 0, 0, err
		}
		s.seg, s.size, s.next = s.next, 0, s.next+1
		s.dirty = append(s.dirty, s.seg)
	}
	seg, off = s.seg, s.size
	s.buf = append(s.buf[:0], data...)
	s.stream(seg, off).XORKeyStream(s.buf, s.buf)
	if _, err := s.file.Write(s.buf); err != nil {
		// No key stream is used twice: what follows goes into a new segment.
		return 0, 0, errors.Join(err, s.file.Rewind(off), s.endSegment())
	}
	s.grow(int64(len(data)))
	s.size += int64(len(data))
	return seg, off, nil
}

func (s *spool) grow(n int64) {
	s.used += n
	s.peak = max(s.peak, s.used)
}

// endSegment closes the shared segment.
func (s *spool) endSegment() error {
	err := s.file.Close()
	s.file, s.seg = nil, 0
	return err
}

// segment is one under way that holds a single big file.
type segment struct {
	s    *spool
	n    uint32
	file *durable.File
	keys cipher.Stream
	size int64
	buf  []byte
}

// begin begins a segment for a big file.
func (s *spool) begin() (*segment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.dir.Create(segName(s.next), privateFile)
	if err != nil {
		return nil, err
	}
	g := &segment{s: s, n: s.next, file: f, keys: s.stream(s.next, 0)}
	s.next++
	return g, nil
}

func (g *segment) write(p []byte) error {
	g.buf = append(g.buf[:0], p...)
	g.keys.XORKeyStream(g.buf, g.buf)
	n, err := g.file.Write(g.buf)
	g.size += int64(n)
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	g.s.grow(int64(n))
	return err
}

func (g *segment) commit() error {
	err := g.file.Close()
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	g.s.dirty = append(g.s.dirty, g.n)
	return err
}

func (g *segment) abort() error {
	return errors.Join(g.file.Close(), g.s.remove(g.n, g.size))
}

// remove removes a segment of size bytes.
func (s *spool) remove(n uint32, size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if f := s.open[n]; f != nil {
		err = f.Close()
		delete(s.open, n)
	}
	s.used -= size
	s.dirty = slices.DeleteFunc(s.dirty, func(d uint32) bool { return d == n })
	if n+1 == s.next {
		// The number must not come again, with the same key stream, after a restart.
		return errors.Join(err, s.dir.Replace(segName(n), nil, privateFile))
	}
	return errors.Join(err, s.dir.Remove(segName(n)))
}

// reader reads size bytes of a segment from off on.
func (s *spool) reader(seg uint32, off, size int64) (*spooled, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.open[seg]
	if f == nil {
		var err error
		if f, err = s.dir.Open(segName(seg)); err != nil {
			return nil, err
		}
		if len(s.open) >= maxOpenSegs {
			return &spooled{s: s, file: f, seg: seg, off: off, size: size, own: true}, nil
		}
		s.open[seg] = f
	}
	return &spooled{s: s, file: f, seg: seg, off: off, size: size}, nil
}

// spooled is a file in the spool.
type spooled struct {
	s         *spool
	file      *os.File
	seg       uint32
	off, size int64
	own       bool // the file is not shared with others
}

// Size is how many bytes it has.
func (r *spooled) Size() int64 { return r.size }

// ReadAt implements io.ReaderAt.
func (r *spooled) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= r.size {
		return 0, io.EOF
	}
	short := int64(len(p)) > r.size-off
	if short {
		p = p[:r.size-off]
	}
	n, err := r.file.ReadAt(p, r.off+off)
	r.s.stream(r.seg, r.off+off).XORKeyStream(p[:n], p[:n])
	if err == nil && short {
		err = io.EOF
	}
	return n, err
}

// Close lets go of it.
func (r *spooled) Close() error {
	if r.own {
		return r.file.Close()
	}
	return nil
}

// sync makes everything in the spool durable.
func (s *spool) sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.dirty) == 0 {
		return nil
	}
	for _, n := range s.dirty {
		if err := s.dir.SyncFile(segName(n)); err != nil {
			return err
		}
	}
	s.dirty = s.dirty[:0]
	if s.file != nil {
		s.dirty = append(s.dirty, s.seg)
	}
	return s.dir.SyncDir()
}

// close closes the spool; what is in it stays.
func (s *spool) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.file != nil {
		err = s.endSegment()
	}
	for _, f := range s.open {
		err = errors.Join(err, f.Close())
	}
	clear(s.open)
	return errors.Join(err, s.dir.Close())
}

// has reports whether a file is in the spool as it was recorded; deep reads it.
func (s *spool) has(p place, deep bool) bool {
	if p.seg == 0 {
		return false
	}
	r, err := s.reader(p.seg, p.off, p.size)
	if err != nil {
		return false
	}
	defer r.Close()
	if info, err := r.file.Stat(); err != nil || info.Size() < p.off+p.size {
		return false
	}
	if !deep {
		return true
	}
	h := sha256.New()
	_, err = io.Copy(h, io.NewSectionReader(r, 0, p.size))
	return err == nil && sum(h.Sum(nil)) == p.sum
}
