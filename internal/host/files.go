package host

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// readLimited reads a whole file that must not be longer than limit.
func readLimited(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit { // opening a pipe would wait for ever
		return nil, fmt.Errorf("%q is not a file of at most %d bytes", name, limit)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, info.Size())
	n, err := io.ReadFull(f, data)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // files of the kernel say a size and hold less
	}
	return data[:n], err
}
