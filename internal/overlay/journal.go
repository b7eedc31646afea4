package overlay

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"math"

	"russet/internal/durable"
)

// The journal is a file of records, one for each change of the index:
//
//	length of the record  4 bytes, little endian
//	CRC-32C of the record 4 bytes
//	record                operation (1 byte), then its fields: numbers as
//	                      uvarint, strings after their length, sums raw
//
// The first damaged record ends it: behind a torn write nothing is believed.
type op byte

const (
	opPut     op = 1 // name, id, size, sum, ref
	opMkdir   op = 2 // name
	opRename  op = 3 // name, to
	opCopy    op = 4 // name, to
	opRemove  op = 5 // name
	opBarrier op = 6
)

type record struct {
	op       op
	name, to string
	id       ID
	obj      Object
}

const (
	headerSize = 8
	// maxRecord is more than two names of 4096 bytes and a reference need.
	maxRecord = 64 << 10

	// A kill loses the changes since the last flush: a quarter of a batch of
	// 128 small files, or one big file.
	flushRecords = 32
	flushBytes   = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// journal appends records. A write that fails (the disk is full) is tried
// again with the next flush, from the end of what is known to be there.
type journal struct {
	file   *durable.File
	size   int64 // bytes written
	buf    []byte
	count  int   // records in buf
	weight int64 // bytes of objects they stand for
	torn   bool  // the last write failed: something may lie behind size
}

func (j *journal) add(r record) {
	start := len(j.buf)
	j.buf = append(j.buf, make([]byte, headerSize)...)
	j.buf = r.append(j.buf)
	body := j.buf[start+headerSize:]
	binary.LittleEndian.PutUint32(j.buf[start:], uint32(len(body)))
	binary.LittleEndian.PutUint32(j.buf[start+4:], crc32.Checksum(body, castagnoli))
	j.count++
}

func (j *journal) flushWhenDue(weight int64) error {
	if j.weight += weight; j.count < flushRecords && j.weight < flushBytes {
		return nil
	}
	return j.flush()
}

func (j *journal) flush() error {
	if len(j.buf) == 0 {
		return nil
	}
	if j.torn {
		if err := j.file.Rewind(j.size); err != nil {
			return err
		}
		j.torn = false
	}
	if _, err := j.file.Write(j.buf); err != nil {
		j.torn = true
		return err
	}
	j.size += int64(len(j.buf))
	j.buf, j.count, j.weight = j.buf[:0], 0, 0
	return nil
}

func (j *journal) sync() error {
	if err := j.flush(); err != nil {
		return err
	}
	return j.file.Sync()
}

func (j *journal) close() error { return errors.Join(j.flush(), j.file.Close()) }

func (r record) append(b []byte) []byte {
	b = append(b, byte(r.op))
	if r.op == opBarrier {
		return b
	}
	b = appendString(b, r.name)
	switch r.op {
	case opRename, opCopy:
		b = appendString(b, r.to)
	case opPut:
		b = binary.AppendUvarint(b, uint64(r.id))
		b = binary.AppendUvarint(b, uint64(r.obj.Size))
		b = append(b, r.obj.Sum[:]...)
		b = appendString(b, "") // a field that is no longer used
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// parse reads a record whose checksum is good; false if it makes no sense.
func parse(b []byte) (record, bool) {
	p := parser{b: b, ok: len(b) > 0}
	r := record{}
	if !p.ok {
		return r, false
	}
	r.op, p.b = op(b[0]), b[1:]
	switch r.op {
	case opBarrier:
	case opMkdir, opRemove:
		r.name = p.string()
	case opRename, opCopy:
		r.name, r.to = p.string(), p.string()
	case opPut:
		r.name = p.string()
		r.id, r.obj.Size = ID(p.uint(math.MaxUint32)), int64(p.uint(1<<62))
		copy(r.obj.Sum[:], p.take(len(r.obj.Sum)))
		p.string()
	default:
		p.ok = false
	}
	return r, p.ok && len(p.b) == 0
}

// parser takes fields off the front; ok turns false at the first that is not there.
type parser struct {
	b  []byte
	ok bool
}

func (p *parser) uint(limit uint64) uint64 {
	v, n := binary.Uvarint(p.b)
	if n <= 0 || v > limit {
		p.ok = false
		return 0
	}
	p.b = p.b[n:]
	return v
}

func (p *parser) take(n int) []byte {
	if n > len(p.b) {
		p.ok = false
		return nil
	}
	v := p.b[:n]
	p.b = p.b[n:]
	return v
}

func (p *parser) string() string { return string(p.take(int(p.uint(maxRecord)))) }

// scan reads a journal record by record, until each says false, and returns
// how many bytes are good.
func scan(dir *durable.Dir, name string, each func(r record, end int64) bool) (int64, error) {
	f, err := dir.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 256<<10)
	var (
		good   int64
		header [headerSize]byte
		body   []byte
	)
	for {
		if _, err := io.ReadFull(in, header[:]); err != nil {
			return good, unlessEnd(err)
		}
		n := binary.LittleEndian.Uint32(header[:])
		if n > maxRecord {
			return good, nil
		}
		body = append(body[:0], make([]byte, n)...)
		if _, err := io.ReadFull(in, body); err != nil {
			return good, unlessEnd(err)
		}
		r, ok := parse(body)
		if !ok || crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(header[4:]) {
			return good, nil
		}
		end := good + headerSize + int64(n)
		if !each(r, end) {
			return good, nil
		}
		good = end
	}
}

func unlessEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// replay does again what the journal says and returns how much of it is good.
// A change that is impossible now followed from a file that is not believed.
func (o *Overlay) replay(dir *durable.Dir, name string, trust func(ID, Object, bool) bool) (int64, error) {
	var barrier int64
	_, err := scan(dir, name, func(r record, end int64) bool {
		if r.op == opBarrier {
			barrier = end
		}
		return true
	})
	if err != nil {
		return 0, err
	}
	good, err := scan(dir, name, func(r record, end int64) bool {
		if r.op == opPut {
			if r.id != o.Next() {
				return false
			}
			o.objects.last = r.id
			if trust != nil && !trust(r.id, r.obj, end <= barrier) {
				return true
			}
		}
		_ = o.apply(r)
		return true
	})
	o.dead = nil // the caller looks at all objects that are there
	return good, err
}
