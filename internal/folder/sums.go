package folder

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"

	"github.com/zeebo/xxh3"

	"russet/internal/durable"
	"russet/internal/overlay"
)

// A checksum list holds one entry for each file of a backup, in the order of a
// walk through its folders:
//
//	kind   1 byte: 1 a payload, 2 any other file, 3 a folder, 4 something else
//	       (a link); +8 the checksum is not known; +16 received in this run
//	name   of a payload its 20-byte file ID, else a uvarint length and the name
//	size   uvarint; of files only, like the rest
//	sum    16 bytes, XXH3-128; absent when not known
//	object uvarint, the number in the draft; only when received in this run
//
// between the magic line and, after a kind byte of 0, the XXH3-128 of all
// before it.
const sumsMagic = "russet sums 1\n"

const (
	sumPayload  = 1
	sumFile     = 2
	sumFolder   = 3
	sumLink     = 4
	sumUnknown  = 8
	sumReceived = 16

	maxName = 4096
)

// sumEntry is one name in a backup, and of a file what it was like when it was
// received.
type sumEntry struct {
	name   string
	folder bool
	link   bool // neither file nor folder
	size   int64
	sum    [16]byte
	known  bool       // sum is; false in folders that another program made
	object overlay.ID // 0 unless received in this run
}

func (e *sumEntry) regular() bool { return !e.folder && !e.link }

// sumsWriter writes a checksum list.
type sumsWriter struct {
	file *durable.File
	out  *bufio.Writer
	hash *xxh3.Hasher
	buf  []byte
	err  error
}

func createSums(dir *durable.Dir, name string) (*sumsWriter, error) {
	if err := dir.Remove(name); err != nil {
		return nil, err
	}
	f, err := dir.Create(name, privateFile)
	if err != nil {
		return nil, err
	}
	w := &sumsWriter{file: f, hash: xxh3.New()}
	w.out = bufio.NewWriterSize(io.MultiWriter(f, w.hash), 256<<10)
	_, w.err = w.out.WriteString(sumsMagic)
	return w, nil
}

func (w *sumsWriter) add(e sumEntry) {
	kind, b := byte(sumFile), append(w.buf[:0], 0)
	switch {
	case e.folder:
		kind = sumFolder
	case e.link:
		kind = sumLink
	case isPayload(e.name):
		kind = sumPayload
	}
	if kind == sumPayload {
		b, _ = hex.AppendDecode(b, []byte(e.name[3:])) // isPayload has seen that it is hexadecimal
	} else {
		b = append(binary.AppendUvarint(b, uint64(len(e.name))), e.name...)
	}
	if e.regular() {
		b = binary.AppendUvarint(b, uint64(e.size))
		if e.known {
			b = append(b, e.sum[:]...)
		} else {
			kind |= sumUnknown
		}
		if e.object != 0 {
			kind |= sumReceived
			b = binary.AppendUvarint(b, uint64(e.object))
		}
	}
	b[0], w.buf = kind, b
	if w.err == nil {
		_, w.err = w.out.Write(b)
	}
}

// close finishes the list and makes it durable.
func (w *sumsWriter) close() error {
	err := w.err
	if err == nil {
		err = w.out.WriteByte(0)
	}
	if err == nil {
		err = w.out.Flush()
	}
	if err == nil {
		sum := w.hash.Sum128().Bytes()
		_, err = w.file.Write(sum[:])
	}
	if err == nil {
		err = w.file.Sync()
	}
	return errors.Join(err, w.file.Close())
}

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

// compareNames orders names as a walk meets them: folder by folder, so that
// the slash comes before everything else.
func compareNames(a, b string) int {
	if !strings.Contains(a, "/") && !strings.Contains(b, "/") {
		return strings.Compare(a, b)
	}
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return cmp.Compare(slashFirst(a[i]), slashFirst(b[i]))
		}
	}
	return len(a) - len(b)
}

func slashFirst(c byte) byte {
	if c == '/' {
		return 0
	}
	return c
}
