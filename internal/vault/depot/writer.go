package depot

import "errors"

// Kind is how an object is cut into chunks.
type Kind uint8

// The kinds. All of them can be read in the same way.
const (
	Stream Kind = iota + 1 // cut where the content says; compressed
	Media                  // large equal chunks, not compressed: for what is compressed already
	Pages                  // 16 KiB chunks: for databases, whose pages change in place
	Pieces                 // every Write is one chunk
	Meta                   // kept apart from the data, with trees and indexes: for small files needed first
)

// Writer writes one object. It is not safe for concurrent use.
type Writer struct{}

// Write adds p to the object.
func (w *Writer) Write(p []byte) (int, error) { return 0, errors.New("not yet") }

// Size is how many bytes were written so far.
func (w *Writer) Size() int64 { return 0 }

// Result ends the object and returns its ID. Only the first call counts;
// later ones give the same answer.
func (w *Writer) Result() (ID, error) { return "", errors.New("not yet") }

// Abort gives the object up. After Result it does nothing.
func (w *Writer) Abort() {}
