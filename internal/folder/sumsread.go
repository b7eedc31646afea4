package folder

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"

	"github.com/zeebo/xxh3"

	"russet/internal/durable"
	"russet/internal/overlay"
)

// sumsReader reads a checksum list that has been found whole.
type sumsReader struct {
	file io.Closer
	in   *bufio.Reader
	next sumEntry
	have bool
	done bool
	err  error
	skip func(sumEntry) // hears of the entries that seek passes over; may be nil
}

var errSums = errors.New("the list of checksums is damaged")

// openSums opens a checksum list after reading it once to see that it is
// whole. A nil reader without an error means that there is none.
func openSums(dir *durable.Dir, name string) (*sumsReader, error) {
	f, err := dir.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := newSumsReader(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

func newSumsReader(f io.ReadSeekCloser) (*sumsReader, error) {
	if err := wholeSums(f); err != nil {
		return nil, err
	}
	if _, err := f.Seek(int64(len(sumsMagic)), io.SeekStart); err != nil {
		return nil, err
	}
	return &sumsReader{file: f, in: bufio.NewReaderSize(f, 64<<10)}, nil
}

// wholeSums compares a list with the checksum at its end.
func wholeSums(f io.ReadSeeker) error {
	end, err := f.Seek(-16, io.SeekEnd)
	if err != nil {
		return errSums // shorter than a checksum
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	hash := xxh3.New()
	if _, err := io.CopyN(hash, f, end); err != nil {
		return err
	}
	var want [16]byte
	if _, err := io.ReadFull(f, want[:]); err != nil {
		return err
	}
	if hash.Sum128().Bytes() != want {
		return errSums
	}
	return nil
}

func (r *sumsReader) close() error {
	if r == nil {
		return nil
	}
	return r.file.Close()
}

// read returns the next entry; false at the end, or when err says why not.
func (r *sumsReader) read() (sumEntry, bool) {
	if r.done {
		return sumEntry{}, false
	}
	e, ok, err := r.parse()
	if err != nil {
		r.err = fmt.Errorf("%w: %w", errSums, err)
	}
	r.done = !ok || err != nil
	return e, !r.done
}

func (r *sumsReader) parse() (e sumEntry, ok bool, err error) {
	kind, err := r.in.ReadByte()
	if err != nil || kind == 0 {
		return e, false, err
	}
	switch kind & 7 {
	case sumPayload:
		var id [20]byte
		_, err = io.ReadFull(r.in, id[:])
		name := hex.EncodeToString(id[:])
		e.name = name[:2] + "/" + name
	case sumFile, sumFolder, sumLink:
		e.name, err = r.parseName()
		e.folder, e.link = kind == sumFolder, kind == sumLink
	default:
		err = fmt.Errorf("entry of kind %d", kind)
	}
	if err == nil && e.regular() {
		err = r.parseFile(&e, kind)
	}
	return e, err == nil, err
}

func (r *sumsReader) parseFile(e *sumEntry, kind byte) error {
	size, err := r.parseNumber(math.MaxInt64)
	if err != nil {
		return err
	}
	e.size, e.known = int64(size), kind&sumUnknown == 0
	if e.known {
		if _, err := io.ReadFull(r.in, e.sum[:]); err != nil {
			return err
		}
	}
	if kind&sumReceived != 0 {
		id, err := r.parseNumber(math.MaxUint32)
		e.object = overlay.ID(id)
		return err
	}
	return nil
}

func (r *sumsReader) parseNumber(limit uint64) (uint64, error) {
	n, err := binary.ReadUvarint(r.in)
	if err == nil && n > limit {
		err = fmt.Errorf("number %d", n)
	}
	return n, err
}

func (r *sumsReader) parseName() (string, error) {
	n, err := r.parseNumber(maxName)
	if err != nil {
		return "", err
	}
	name := make([]byte, n)
	_, err = io.ReadFull(r.in, name)
	if err == nil && !fs.ValidPath(string(name)) {
		err = fmt.Errorf("name %q", name)
	}
	return string(name), err
}

// seek returns the entry of a file; names are asked for in the order of a walk.
// It works on a nil reader, which knows nothing.
func (r *sumsReader) seek(name string) (sumEntry, bool) {
	for r != nil {
		if !r.have {
			if r.next, r.have = r.read(); !r.have {
				break
			}
		}
		switch c := compareNames(r.next.name, name); {
		case c == 0:
			r.have = false
			return r.next, true
		case c > 0:
			return sumEntry{}, false
		}
		r.pass()
	}
	return sumEntry{}, false
}

func (r *sumsReader) pass() {
	r.have = false
	if r.skip != nil {
		r.skip(r.next)
	}
}

// drain passes over all that is left.
func (r *sumsReader) drain() error {
	if r == nil {
		return nil
	}
	for r.have {
		r.pass()
		r.next, r.have = r.read()
	}
	for e, ok := r.read(); ok; e, ok = r.read() {
		r.next = e
		r.pass()
	}
	return r.err
}
