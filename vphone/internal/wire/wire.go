// Package wire frames property lists the way most services of an iPhone do:
// the length of four bytes, big-endian, then the list.
package wire

import (
	"encoding/binary"
	"fmt"
	"io"

	"russet/vphone/internal/plist"
)

// MaxMessage bounds what a host may send in one message. Pair records are the
// largest a service gets to see, about 10 KB.
const MaxMessage = 1 << 20

// Read reads one message, which must be a dictionary in either form.
func Read(r io.Reader) (map[string]any, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	return ReadBody(r, head)
}

// ReadBody reads a message whose length has been read already.
func ReadBody(r io.Reader, head [4]byte) (map[string]any, error) {
	n := binary.BigEndian.Uint32(head[:])
	if n > MaxMessage {
		return nil, fmt.Errorf("message of %d bytes", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("message cut short: %w", err)
	}
	return plist.UnmarshalDict(body)
}

// WriteXML sends v as an XML property list.
func WriteXML(w io.Writer, v any) error {
	body, err := plist.XML(v)
	if err != nil {
		return err
	}
	return write(w, body)
}

// WriteBinary sends v as a binary property list.
func WriteBinary(w io.Writer, v any) error {
	body, err := plist.Binary(v)
	if err != nil {
		return err
	}
	return write(w, body)
}

// write sends length and body in one piece: one packet, one TLS record.
func write(w io.Writer, body []byte) error {
	msg := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	_, err := w.Write(append(msg, body...))
	return err
}
