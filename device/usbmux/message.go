package usbmux

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"russet/internal/plist"
)

const (
	headerSize  = 16 // length, version, message, tag: four little-endian uint32
	version     = 1  // property lists; 0 was binary
	messageType = 8  // a property list, both ways
	// maxMessage bounds one answer: a pair record has 7 KB, a device in a list
	// half a KB.
	maxMessage = 4 << 20
)

// writeMessage sends v as XML: daemons and clients in the field parse nothing
// else here.
func writeMessage(w io.Writer, tag uint32, v plist.Dict) error {
	body, err := plist.MarshalXML(v)
	if err != nil {
		return err
	}
	msg := make([]byte, 0, headerSize+len(body))
	for _, n := range []uint32{uint32(headerSize + len(body)), version, messageType, tag} {
		msg = binary.LittleEndian.AppendUint32(msg, n)
	}
	_, err = w.Write(append(msg, body...))
	return err
}

// readMessage reads one message and nothing behind it.
func readMessage(r io.Reader) (tag uint32, msg plist.Dict, err error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, nil, err
	}
	field := func(i int) uint32 { return binary.LittleEndian.Uint32(header[4*i:]) }
	size := field(0)
	switch {
	case field(1) != version || field(2) != messageType:
		return 0, nil, fmt.Errorf("message %d of protocol version %d; only property lists of version 1 are spoken", field(2), field(1))
	case size < headerSize || size > maxMessage:
		return 0, nil, fmt.Errorf("message of %d bytes", size)
	}
	// The buffer grows with what arrives, not with what is announced.
	var body bytes.Buffer
	if _, err := io.CopyN(&body, r, int64(size-headerSize)); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	msg, err = plist.ParseDict(body.Bytes())
	if err != nil {
		return 0, nil, fmt.Errorf("message of %d bytes: %w", size, err)
	}
	return field(3), msg, nil
}
