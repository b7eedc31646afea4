package afc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"russet/device/internal/wire"
)

const (
	magic      = "CFA6LPAA"
	headerSize = 40 // magic, length of all, length without payload, number, operation
	// maxAnswer bounds one answer. Reads ask for chunkSize; the list of a folder
	// with 100,000 photos has about 2 MB.
	maxAnswer = 32 << 20
	// chunkSize is what one read asks for and one write sends.
	chunkSize = 256 << 10
	// maxPath is longer than any path a device accepts.
	maxPath = 4096
)

// operation is the kind of a packet.
type operation uint64

const (
	opStatus     operation = 0x01
	opData       operation = 0x02
	opReadDir    operation = 0x03
	opRemove     operation = 0x08
	opMakeDir    operation = 0x09
	opFileInfo   operation = 0x0a
	opDeviceInfo operation = 0x0b
	opOpen       operation = 0x0d
	opOpened     operation = 0x0e
	opRead       operation = 0x0f
	opWrite      operation = 0x10
	opSeek       operation = 0x11
	opTell       operation = 0x12
	opPosition   operation = 0x13
	opClose      operation = 0x14
	opSetSize    operation = 0x15
	opRename     operation = 0x18
	opLock       operation = 0x1b
	opLink       operation = 0x1c
	opSetModTime operation = 0x1e
	opRemoveAll  operation = 0x22
)

const linkSymbolic = 2

func (op operation) String() string {
	switch op {
	case opReadDir:
		return "read folder"
	case opRemove, opRemoveAll:
		return "remove"
	case opMakeDir:
		return "make folder"
	case opFileInfo:
		return "stat"
	case opDeviceInfo:
		return "read device info"
	case opOpen:
		return "open"
	case opRead:
		return "read"
	case opWrite:
		return "write"
	case opSeek, opTell:
		return "seek"
	case opClose:
		return "close"
	case opSetSize:
		return "truncate"
	case opRename:
		return "rename"
	case opLock:
		return "lock"
	case opLink:
		return "link"
	case opSetModTime:
		return "set time"
	default:
		return fmt.Sprintf("operation %#x", uint64(op))
	}
}

// words encodes numbers as parameters.
func words(ns ...uint64) []byte {
	b := make([]byte, 0, 8*len(ns)+64)
	for _, n := range ns {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

// packet is an answer. Parameters and payload are one: devices put data into
// either.
type packet struct {
	op   operation
	body []byte
}

// number is the one word of an answer that consists of it.
func (p packet) number() (uint64, bool) {
	if len(p.body) < 8 {
		return 0, false
	}
	return binary.LittleEndian.Uint64(p.body), true
}

// appendPacket encodes a request.
func appendPacket(dst []byte, number uint64, op operation, params, payload []byte) []byte {
	this := headerSize + len(params)
	dst = append(dst, magic...)
	for _, n := range []uint64{uint64(this + len(payload)), uint64(this), number, uint64(op)} {
		dst = binary.LittleEndian.AppendUint64(dst, n)
	}
	return append(append(dst, params...), payload...)
}

// readPacket reads an answer, which must repeat the number of its request.
func readPacket(r io.Reader, number uint64) (packet, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return packet{}, err
	}
	word := func(at int) uint64 { return binary.LittleEndian.Uint64(header[at:]) }
	entire, this := word(8), word(16)
	switch {
	case string(header[:8]) != magic:
		return packet{}, errors.New("what came is no packet")
	case this < headerSize || entire < this || entire > maxAnswer:
		return packet{}, fmt.Errorf("packet of %d bytes, %d without payload", entire, this)
	case word(24) != number:
		return packet{}, fmt.Errorf("packet %d in answer to %d", word(24), number)
	}
	// The buffer grows with what arrives, not with what is announced.
	var body bytes.Buffer
	if _, err := io.CopyN(&body, r, int64(entire-headerSize)); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return packet{}, err
	}
	return packet{operation(word(32)), body.Bytes()}, nil
}

// call sends a packet and waits for its answer. A status other than success is
// an [Error]. A call that fails otherwise leaves the connection unusable.
func (c *Client) call(ctx context.Context, op operation, path string, params, payload []byte) (packet, error) {
	select {
	case <-c.turn:
	case <-ctx.Done():
		return packet{}, context.Cause(ctx)
	}
	defer func() { c.turn <- struct{}{} }()
	switch {
	case c.broken != nil:
		return packet{}, fmt.Errorf("afc %v: the connection failed before: %w", op, c.broken)
	case ctx.Err() != nil:
		return packet{}, context.Cause(ctx) // nothing was sent, nothing is broken
	}
	c.number++
	request := appendPacket(nil, c.number, op, params, payload)
	var answer packet
	err := wire.Do(ctx, wire.RequestLimit, c.conn.SetDeadline, func() error {
		if _, err := c.conn.Write(request); err != nil {
			return err
		}
		var err error
		answer, err = readPacket(c.conn, c.number)
		return err
	})
	if err != nil {
		c.broken = err
		return packet{}, fmt.Errorf("afc %v: %w", op, err)
	}
	if answer.op != opStatus {
		return answer, nil
	}
	n, ok := answer.number()
	if !ok {
		return packet{}, fmt.Errorf("afc %v: a status without a number", op)
	}
	if n != uint64(success) {
		return packet{}, &Error{Op: op.String(), Path: path, Status: Status(n)}
	}
	return answer, nil
}
