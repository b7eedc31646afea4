package sqlitefs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrHeader means that a file does not begin as a SQLite database does.
var ErrHeader = errors.New("not a SQLite database")

// ErrWAL means that a -wal belongs to another database or contradicts itself.
var ErrWAL = errors.New("write-ahead log does not fit the database")

// The file format is at https://www.sqlite.org/fileformat2.html; section 4
// describes the write-ahead log.
const (
	headerString    = "SQLite format 3\x00"
	headerSize      = 100
	walHeaderSize   = 32
	frameHeaderSize = 24
	walMagicLittle  = 0x377f0682
	walMagicBig     = 0x377f0683
	walVersion      = 3007000
	// The header's read and write versions: 2 means WAL, 1 a journal.
	versionsAt = 18
)

// Overlay is a database with the committed transactions of its write-ahead
// log applied, seen through the log rather than checkpointed. As in SQLite's
// own recovery, frames count up to the last commit before the first one whose
// salt or checksum is wrong.
//
// The header's version bytes are patched to say "journal": a reader of a
// database in WAL mode would want to make a -shm.
type Overlay struct {
	db, wal  io.ReaderAt
	dbSize   int64
	pageSize int64
	pages    map[uint32]int64 // page → offset of its newest content in wal
	size     int64
}

// NewOverlay reads the log once and checks it. A nil or empty wal is none.
func NewOverlay(db io.ReaderAt, dbSize int64, wal io.ReaderAt, walSize int64) (*Overlay, error) {
	o := &Overlay{db: db, dbSize: dbSize, wal: wal, size: dbSize}
	if dbSize > 0 {
		var h [headerSize]byte
		if _, err := io.ReadFull(io.NewSectionReader(db, 0, dbSize), h[:]); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				return nil, fmt.Errorf("%w: %d bytes", ErrHeader, dbSize)
			}
			return nil, fmt.Errorf("read database header: %w", err)
		}
		o.pageSize = int64(binary.BigEndian.Uint16(h[16:]))
		if o.pageSize == 1 {
			o.pageSize = 65536
		}
		if string(h[:16]) != headerString || o.pageSize < 512 || o.pageSize&(o.pageSize-1) != 0 {
			return nil, ErrHeader
		}
	}
	if wal == nil || walSize < walHeaderSize {
		return o, nil
	}
	return o, o.readLog(walSize)
}

// log is the running state of reading a -wal.
type log struct {
	order  binary.ByteOrder
	salt   [8]byte
	s0, s1 uint32
}

// sum continues the checksum over b, whose length is a multiple of 8.
func (l *log) sum(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		l.s0 += l.order.Uint32(b) + l.s1
		l.s1 += l.order.Uint32(b[4:]) + l.s0
	}
}

func (l *log) matches(b []byte) bool {
	return l.s0 == binary.BigEndian.Uint32(b) && l.s1 == binary.BigEndian.Uint32(b[4:])
}

// start reads the log's header; ok is false when it is torn, which makes the
// whole log count as empty.
func (o *Overlay) start() (l log, ok bool, err error) {
	var h [walHeaderSize]byte
	if _, err := o.wal.ReadAt(h[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return l, false, fmt.Errorf("read write-ahead log: %w", err)
	}
	switch binary.BigEndian.Uint32(h[:]) {
	case walMagicLittle:
		l.order = binary.LittleEndian
	case walMagicBig:
		l.order = binary.BigEndian
	default:
		return l, false, nil
	}
	l.sum(h[:24])
	if !l.matches(h[24:]) || binary.BigEndian.Uint32(h[4:]) != walVersion {
		return l, false, nil
	}
	size := int64(binary.BigEndian.Uint32(h[8:]))
	if o.pageSize == 0 { // an empty database: all there is, is in the log
		o.pageSize = size
	}
	if size != o.pageSize || size < 512 || size > 65536 || size&(size-1) != 0 {
		return l, false, fmt.Errorf("%w: page size %d", ErrWAL, size)
	}
	copy(l.salt[:], h[16:24])
	return l, true, nil
}

func (o *Overlay) readLog(walSize int64) error {
	l, ok, err := o.start()
	if err != nil || !ok {
		return err
	}
	o.pages = make(map[uint32]int64)
	pending := make(map[uint32]int64)
	last := uint32(o.dbSize / o.pageSize) // the last page anybody has written
	frame := make([]byte, frameHeaderSize+o.pageSize)
	for off := int64(walHeaderSize); off+int64(len(frame)) <= walSize; off += int64(len(frame)) {
		if _, err := o.wal.ReadAt(frame, off); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read write-ahead log: %w", err)
		}
		l.sum(frame[:8])
		l.sum(frame[frameHeaderSize:])
		page, commit := binary.BigEndian.Uint32(frame), binary.BigEndian.Uint32(frame[4:])
		if page == 0 || [8]byte(frame[8:16]) != l.salt || !l.matches(frame[16:]) {
			return nil
		}
		pending[page] = off + frameHeaderSize
		last = max(last, page)
		if commit == 0 {
			continue
		}
		if commit > last {
			return fmt.Errorf("%w: a commit of %d pages where %d exist", ErrWAL, commit, last)
		}
		for p, at := range pending {
			o.pages[p] = at
		}
		clear(pending)
		o.size = int64(commit) * o.pageSize
	}
	return nil
}

// Size is the length of the database, log applied.
func (o *Overlay) Size() int64 { return o.size }

// ReadAt implements io.ReaderAt.
func (o *Overlay) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read database at %d", off)
	}
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at >= o.size {
			return n, io.EOF
		}
		k, err := o.readPiece(p[n:], at)
		o.patch(p[n:n+k], at)
		n += k
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// readPiece reads up to the end of a page, or, without a log, all there is.
func (o *Overlay) readPiece(p []byte, at int64) (int, error) {
	from, src := at, o.db
	p = p[:min(int64(len(p)), o.size-at)]
	if len(o.pages) > 0 {
		in := at % o.pageSize
		p = p[:min(int64(len(p)), o.pageSize-in)]
		if w, ok := o.pages[uint32(at/o.pageSize)+1]; ok {
			from, src = w+in, o.wal
		}
	}
	n, err := src.ReadAt(p, from)
	if n == len(p) {
		err = nil // also when that was the end of the file
	}
	return n, err
}

func (o *Overlay) patch(p []byte, at int64) {
	for i := int64(versionsAt); i < versionsAt+2; i++ {
		if i >= at && i < at+int64(len(p)) {
			p[i-at] = min(p[i-at], 1)
		}
	}
}
