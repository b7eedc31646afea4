package vault

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"sync"

	"russet/internal/durable"
	"russet/internal/overlay"
	"russet/internal/vault/depot"
	"russet/mobilesync/keybag"
)

// place is where the bytes of a received file are: in the spool, in the vault,
// or in both.
type place struct {
	seg     uint32 // of the spool, from 1; 0 when it is not there (any more)
	off     int64
	size    int64 // as received
	sum     sum   // of what was received
	id      depot.ID
	why     string // of what is in the vault as it was received: why
	content sum    // of what is in the vault
	length  int64  // and its size
	cbc     bool   // the vault has the content, not what was received
	key     mark   // of the key it was decrypted with
	// database: it stays in the spool, see isDatabase.
	database bool
}

// mark tells keys apart and tells nothing of them.
type mark [16]byte

func markOf(key *keybag.Key) mark {
	s := sha256.Sum256(append([]byte("russet key "), key.Bytes()...))
	return mark(s[:16])
}

// places is the list of them, by number: a file that only grows, in which the
// last record of a number counts. Only the records' positions are in memory, 4
// bytes each. A record that is torn, or was never written, is as if its file
// had not been received.
type places struct {
	mu   sync.Mutex
	file *durable.File
	read *os.File
	at   []uint32 // by number: 1 + the number of its record; 0 is none
	n    uint32   // records written
	buf  []byte
}

const (
	placesFile = "places"
	placeSize  = 176
	maxID      = 48
	// flushPlaces: as many records may be lost with the process.
	flushPlaces = 16 * placeSize
)

// whys are the reasons by their number in a record.
var whys = [...]string{"", whyPending, whyPassword, whyUnpadded, whyTruncated, whyDataless, whyNoKey, whyForeign}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func openPlaces(dir *durable.Dir) (*places, error) {
	p := &places{}
	size, err := p.load(dir)
	if err != nil {
		return nil, err
	}
	if p.file, err = dir.Append(placesFile, size, privateFile); err != nil {
		return nil, err
	}
	if p.read, err = dir.Open(placesFile); err != nil {
		return nil, errors.Join(err, p.file.Close())
	}
	return p, nil
}

// load reads the records of an interrupted run up to the first damaged one.
func (p *places) load(dir *durable.Dir) (int64, error) {
	f, err := dir.Open(placesFile)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	rec := make([]byte, placeSize)
	for in := io.NewSectionReader(f, 0, 1<<62); ; p.n++ {
		if _, err := io.ReadFull(in, rec); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return int64(p.n) * placeSize, nil
		} else if err != nil {
			return 0, err
		}
		id, _, ok := parsePlace(rec)
		if !ok || int(id) > len(p.at)+1<<16 {
			return int64(p.n) * placeSize, nil
		}
		p.set(id, p.n)
	}
}

func (p *places) set(id overlay.ID, n uint32) {
	for len(p.at) <= int(id) {
		p.at = append(p.at, 0)
	}
	p.at[id] = n + 1
}

// put records where a file is.
func (p *places) put(id overlay.ID, x place) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buf = x.append(p.buf, id)
	p.set(id, p.n)
	p.n++
	if len(p.buf) < flushPlaces {
		return nil
	}
	return p.flush()
}

// flush hands what is held back to the operating system. When that fails, the
// next one tries again.
func (p *places) flush() error {
	if len(p.buf) == 0 {
		return nil
	}
	start := int64(p.n)*placeSize - int64(len(p.buf))
	if _, err := p.file.Write(p.buf); err != nil {
		return errors.Join(err, p.file.Rewind(start))
	}
	p.buf = p.buf[:0]
	return nil
}

func (p *places) sync() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.flush(); err != nil {
		return err
	}
	return p.file.Sync()
}

// get finds where a file is; false if it is nowhere.
func (p *places) get(id overlay.ID) (place, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if int(id) >= len(p.at) || p.at[id] == 0 {
		return place{}, false, nil
	}
	off := int64(p.at[id]-1) * placeSize
	var raw [placeSize]byte
	if held := int64(p.n)*placeSize - int64(len(p.buf)); off >= held {
		copy(raw[:], p.buf[off-held:])
	} else if _, err := p.read.ReadAt(raw[:], off); err != nil {
		return place{}, false, err
	}
	_, x, ok := parsePlace(raw[:])
	return x, ok, nil
}

func (p *places) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(p.flush(), p.file.Close(), p.read.Close())
}

func (x *place) append(b []byte, id overlay.ID) []byte {
	start := len(b)
	b = append(b, make([]byte, placeSize)...)
	r := b[start:]
	le := binary.LittleEndian
	le.PutUint32(r[4:], uint32(id))
	le.PutUint32(r[8:], x.seg)
	for i, why := range whys {
		if why == x.why {
			r[12] = byte(i)
		}
	}
	if x.cbc {
		r[13] = 1
	}
	if x.database {
		r[15] = 1
	}
	le.PutUint64(r[16:], uint64(x.off))
	le.PutUint64(r[24:], uint64(x.size))
	le.PutUint64(r[32:], uint64(x.length))
	copy(r[40:], x.sum[:])
	copy(r[72:], x.content[:])
	r[14] = byte(copy(r[104:104+maxID], x.id))
	copy(r[104+maxID:], x.key[:])
	le.PutUint32(r, crc32.Checksum(r[4:], castagnoli))
	return b
}

func parsePlace(r []byte) (id overlay.ID, x place, ok bool) {
	le := binary.LittleEndian
	if crc32.Checksum(r[4:placeSize], castagnoli) != le.Uint32(r) || int(r[12]) >= len(whys) || r[14] > maxID {
		return 0, x, false
	}
	x = place{
		seg: le.Uint32(r[8:]), off: int64(le.Uint64(r[16:])), size: int64(le.Uint64(r[24:])), length: int64(le.Uint64(r[32:])),
		why: whys[r[12]], cbc: r[13] == 1, database: r[15] == 1, id: depot.ID(r[104 : 104+int(r[14])]),
	}
	copy(x.sum[:], r[40:])
	copy(x.content[:], r[72:])
	copy(x.key[:], r[104+maxID:])
	return overlay.ID(le.Uint32(r[4:])), x, x.off >= 0 && x.size >= 0 && x.length >= 0
}
