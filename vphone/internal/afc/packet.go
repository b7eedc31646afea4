// Package afc is the device's end of AFC, the protocol in which a computer
// reads and writes the Media folder.
package afc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	magic   = "CFA6LPAA"
	headLen = 40
	// maxParams bounds what comes before the payload: two paths at most.
	maxParams = 64 << 10
	// maxRead bounds one answer; hosts ask for 4 MiB at most.
	maxRead = 4 << 20
)

// Operations.
const (
	opStatus        = 0x01
	opData          = 0x02
	opReadDir       = 0x03
	opTruncate      = 0x07
	opRemove        = 0x08
	opMakeDir       = 0x09
	opFileInfo      = 0x0A
	opDeviceInfo    = 0x0B
	opOpen          = 0x0D
	opOpened        = 0x0E
	opRead          = 0x0F
	opWrite         = 0x10
	opSeek          = 0x11
	opTell          = 0x12
	opTold          = 0x13
	opClose         = 0x14
	opSetSize       = 0x15
	opRename        = 0x18
	opLock          = 0x1B
	opMakeLink      = 0x1C
	opSetModTime    = 0x1E
	opRemoveWithAll = 0x22
)

// A Status is AFC's word for how an operation went.
type Status uint64

// The statuses this server gives.
const (
	StatusOK          Status = 0
	StatusNoResources Status = 3
	StatusUnknown     Status = 6 // unknown packet
	StatusArgument    Status = 7
	StatusNotFound    Status = 8
	StatusIsDir       Status = 9
	StatusPermission  Status = 10
	StatusExists      Status = 16
	StatusNoSpace     Status = 18
	StatusWouldBlock  Status = 19
	StatusIO          Status = 20
	StatusNotEmpty    Status = 33
)

func (s Status) Error() string { return fmt.Sprintf("afc status %d", uint64(s)) }

// errPacket ends a connection: after it nobody knows where the next begins.
var errPacket = errors.New("malformed afc packet")

// A packet is a request, but for what follows in the stream.
type packet struct {
	number  uint64
	op      uint64
	params  []byte
	payload uint64 // bytes that follow
}

// readPacket reads head and parameters, and leaves the payload in the stream.
func readPacket(r io.Reader) (packet, error) {
	var head [headLen]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return packet{}, err
	}
	entire := binary.LittleEndian.Uint64(head[8:])
	this := binary.LittleEndian.Uint64(head[16:])
	if string(head[:8]) != magic || this < headLen || entire < this || this > headLen+maxParams || entire>>40 != 0 {
		return packet{}, errPacket
	}
	p := packet{
		number:  binary.LittleEndian.Uint64(head[24:]),
		op:      binary.LittleEndian.Uint64(head[32:]),
		params:  make([]byte, this-headLen),
		payload: entire - this,
	}
	if _, err := io.ReadFull(r, p.params); err != nil {
		return packet{}, fmt.Errorf("%w: cut short: %w", errPacket, err)
	}
	return p, nil
}

// writeReply answers a packet: parameters count as the head's, a payload does
// not, and clients want data as payload.
func writeReply(w io.Writer, number, op uint64, params, payload []byte) error {
	b := make([]byte, 0, headLen+len(params)+len(payload))
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint64(b, uint64(headLen+len(params)+len(payload)))
	b = binary.LittleEndian.AppendUint64(b, uint64(headLen+len(params)))
	b = binary.LittleEndian.AppendUint64(b, number)
	b = binary.LittleEndian.AppendUint64(b, op)
	_, err := w.Write(append(append(b, params...), payload...))
	return err
}

// args takes numbers and paths off a packet's parameters.
type args struct {
	rest []byte
	bad  bool
}

func (a *args) number() uint64 {
	if len(a.rest) < 8 {
		a.bad = true
		return 0
	}
	n := binary.LittleEndian.Uint64(a.rest)
	a.rest = a.rest[8:]
	return n
}

// text reads up to a zero byte, which may be missing at the end.
func (a *args) text() string {
	if len(a.rest) == 0 {
		a.bad = true
		return ""
	}
	for i, c := range a.rest {
		if c == 0 {
			s := string(a.rest[:i])
			a.rest = a.rest[i+1:]
			return s
		}
	}
	s := string(a.rest)
	a.rest = nil
	return s
}
