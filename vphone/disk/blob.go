package disk

import (
	"bytes"
	"io"
)

// kept says where a file's bytes are.
type kept uint8

const (
	keptNowhere kept = iota // empty
	keptInMemory
	keptInPack    // number = offset in the pack file
	keptInFile    // number = the file's name
	keptAsPattern // number = the pattern's seed; its head is kept as head says
)

// blob finds the content of one file again.
type blob struct {
	kept   kept
	number uint64
	size   int64
	data   []byte // keptInMemory
	head   *blob  // keptAsPattern
}

// store keeps the bytes of files. Stores are safe for concurrent use.
type store interface {
	// keep reads r to its end.
	keep(r io.Reader) (blob, error)
	open(b blob) (io.ReadCloser, error)
	// drop lets go of a blob that no entry names any more.
	drop(b blob)
}

// keepContent keeps content as the pattern it is, or else its bytes.
func keepContent(s store, content io.Reader) (blob, error) {
	if content == nil {
		return blob{}, nil
	}
	p, ok := content.(*PatternReader)
	if !ok || p.at != 0 {
		return s.keep(content)
	}
	head, err := s.keep(bytes.NewReader(p.pattern.Head))
	if err != nil {
		return blob{}, err
	}
	return blob{kept: keptAsPattern, number: p.pattern.Seed, size: p.pattern.length(), head: &head}, nil
}

// openContent opens a blob of any kind.
func openContent(s store, b blob) (io.ReadCloser, error) {
	switch b.kept {
	case keptNowhere:
		return io.NopCloser(bytes.NewReader(nil)), nil
	case keptAsPattern:
		r, err := openContent(s, *b.head)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		head, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		return NewPatternReader(Pattern{Head: head, Seed: b.number, Size: b.size}), nil
	}
	return s.open(b)
}

// memory is a store in main memory.
type memory struct{}

func (memory) keep(r io.Reader) (blob, error) {
	data, err := io.ReadAll(r)
	if err != nil || len(data) == 0 {
		return blob{}, err
	}
	return blob{kept: keptInMemory, size: int64(len(data)), data: bytes.Clone(data)}, nil
}

func (memory) open(b blob) (io.ReadCloser, error) {
	return memoryFile{bytes.NewReader(b.data)}, nil
}

func (memory) drop(blob) {}

// memoryFile keeps bytes.Reader's WriteTo, ReadAt and Seek reachable.
type memoryFile struct{ *bytes.Reader }

func (memoryFile) Close() error { return nil }
