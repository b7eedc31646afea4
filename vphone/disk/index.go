package disk

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// indexMagic begins every index file. After it come records, each a length
// (uvarint), that many bytes and their CRC-32, little endian.
const indexMagic = "vphone disk 1\n"

// maxRecord bounds a record: names and attributes, never content.
const maxRecord = 1 << 20

// index is the journal of a folder. Every change is one write, so a killed
// process leaves either all of it or a torn last record, which is cut off.
type index struct {
	path    string
	recipe  *Recipe // of the source, if any
	file    *os.File
	end     int64 // where the next record goes
	records int   // how many there are, dead ones included
	buf     []byte
}

// createIndex writes a new, empty index.
func createIndex(path string, recipe *Recipe) (*index, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, err
	}
	x := &index{path: path, recipe: recipe, file: f, end: int64(len(indexMagic))}
	if _, err := f.WriteString(indexMagic); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if recipe != nil {
		if err := x.write(record{op: recordBorn, recipe: *recipe}); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return x, nil
}

// openIndex opens an index and hands every record to apply.
func openIndex(path string, apply func(record) error) (*index, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	x := &index{path: path, file: f}
	if err := x.load(apply); err != nil {
		return nil, errors.Join(fmt.Errorf("reading %s: %w", path, err), f.Close())
	}
	return x, nil
}

func (x *index) load(apply func(record) error) error {
	size, err := x.file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	in := bufio.NewReaderSize(io.NewSectionReader(x.file, 0, size), 1<<20)
	magic := make([]byte, len(indexMagic))
	if _, err := io.ReadFull(in, magic); err != nil || string(magic) != indexMagic {
		return errors.New("not the index of a virtual phone's disk")
	}
	x.end = int64(len(indexMagic))
	for x.end < size {
		payload, length, err := readRecord(in, size-x.end, &x.buf)
		if err != nil {
			return err
		}
		if payload == nil { // torn by a killed process
			return x.file.Truncate(x.end)
		}
		r, err := decodeRecord(payload)
		if err != nil {
			return err
		}
		if r.op == recordBorn {
			x.recipe = &r.recipe
		}
		if err := apply(r); err != nil {
			return err
		}
		x.end += length
		x.records++
	}
	return nil
}

// readRecord reads the next record of left bytes at most. A nil payload is a
// last record that was not written to its end.
func readRecord(in *bufio.Reader, left int64, buf *[]byte) (payload []byte, length int64, err error) {
	n, err := binary.ReadUvarint(in)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, 0, nil
	}
	if err != nil || n == 0 || n > maxRecord {
		return nil, 0, errRecord
	}
	length = int64(len(binary.AppendUvarint(nil, n))) + int64(n) + crc32.Size
	if length > left {
		return nil, 0, nil
	}
	if uint64(cap(*buf)) < n+crc32.Size {
		*buf = make([]byte, n+crc32.Size)
	}
	b := (*buf)[:n+crc32.Size]
	if _, err := io.ReadFull(in, b); err != nil {
		return nil, 0, err
	}
	if crc32.ChecksumIEEE(b[:n]) != binary.LittleEndian.Uint32(b[n:]) {
		if length == left {
			return nil, 0, nil
		}
		return nil, 0, errRecord
	}
	return b[:n], length, nil
}

// write appends one record. It notices when another process did so meanwhile.
func (x *index) write(r record) error {
	payload := r.append(nil)
	if len(payload) > maxRecord {
		return errors.New("names and attributes too long for the phone's index")
	}
	x.buf = binary.AppendUvarint(x.buf[:0], uint64(len(payload)))
	x.buf = append(x.buf, payload...)
	x.buf = binary.LittleEndian.AppendUint32(x.buf, crc32.ChecksumIEEE(payload))
	info, err := x.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != x.end {
		return fmt.Errorf("%s was changed by another process", x.path)
	}
	if _, err := x.file.WriteAt(x.buf, x.end); err != nil {
		return errors.Join(err, x.file.Truncate(x.end))
	}
	x.end += int64(len(x.buf))
	x.records++
	return nil
}

func (x *index) put(n *node) error { return x.write(record{op: recordPut, node: n}) }

func (x *index) remove(domain, path string) error {
	return x.write(record{op: recordRemove, at: place{domain, path}})
}

// close writes the index anew when most of its records are dead.
func (x *index) close(t *tree, cuts []place) error {
	live := t.sorted()
	if x.records < 1000 || x.records < 2*(len(live)+len(cuts)) {
		return x.file.Close()
	}
	fresh, err := createIndex(x.path+".new", x.recipe)
	if err != nil {
		return errors.Join(err, x.file.Close())
	}
	for _, c := range cuts {
		err = errors.Join(err, fresh.write(record{op: recordCut, at: c}))
	}
	for _, n := range live {
		err = errors.Join(err, fresh.put(n))
	}
	if err = errors.Join(err, fresh.file.Close(), x.file.Close()); err != nil {
		return errors.Join(err, os.Remove(x.path+".new"))
	}
	return os.Rename(x.path+".new", x.path)
}
