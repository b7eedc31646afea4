package folder

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"strings"

	"github.com/zeebo/xxh3"

	"russet/internal/durable"
	"russet/internal/facts"
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
	case facts.IsPayload(e.name):
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
