// Package usbmux holds the packets of usbmuxd, as the daemon reads and writes
// them.
//
// A packet is 16 bytes, little-endian (length including them, protocol
// version, message type, tag), and a body: in version 1 an XML property list.
// libusbmuxd understands no binary ones.
package usbmux

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"net/netip"
	"strings"

	"russet/vphone/internal/plist"
)

const (
	headLen = 16
	// maxPacket is generous: a pair record, the largest thing anyone sends,
	// is about 10 KB.
	maxPacket = 1 << 20

	typeResult = 1 // version 0 only
	typePlist  = 8
)

// Numbers of a Result.
const (
	OK            = 0
	BadCommand    = 1
	BadDevice     = 2 // also: no such pair record (ENOENT)
	Refused       = 3
	BadVersion    = 6
	BadArgument   = 22 // EINVAL, as the stock daemon answers
	plistProtocol = 1
)

// A Request is what a client asks.
type Request struct {
	Version uint32
	Tag     uint32
	Type    string         // MessageType; "" if there is none
	Dict    map[string]any // nil in version 0
}

// ReadRequest reads one packet and not a byte more: after a Connect the rest
// of the stream belongs to the device.
//
// A packet of the ancient binary protocol is returned with a nil Dict, as is
// one whose body is no dictionary.
func ReadRequest(r io.Reader) (Request, error) {
	var head [headLen]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Request{}, err
	}
	length := binary.LittleEndian.Uint32(head[0:])
	req := Request{
		Version: binary.LittleEndian.Uint32(head[4:]),
		Tag:     binary.LittleEndian.Uint32(head[12:]),
	}
	if length < headLen || length > maxPacket {
		return Request{}, fmt.Errorf("usbmux packet of %d bytes", length)
	}
	body := make([]byte, length-headLen)
	if _, err := io.ReadFull(r, body); err != nil {
		return Request{}, fmt.Errorf("usbmux packet cut short: %w", err)
	}
	if req.Version != plistProtocol || binary.LittleEndian.Uint32(head[8:]) != typePlist {
		return req, nil
	}
	dict, err := plist.UnmarshalDict(body)
	if err != nil {
		return req, nil
	}
	req.Dict = dict
	req.Type = req.Text("MessageType")
	return req, nil
}

// Text returns a string of the request, "" when it is not there.
func (r Request) Text(key string) string {
	s, _ := r.Dict[key].(string)
	return s
}

// Int returns an integer of the request; ok is false when it is not there.
func (r Request) Int(key string) (n int64, ok bool) {
	n, ok = r.Dict[key].(int64)
	return n, ok
}

// Port returns PortNumber, which clients send with its two bytes swapped.
func (r Request) Port() (uint16, bool) {
	n, ok := r.Int("PortNumber")
	return bits.ReverseBytes16(uint16(n)), ok && n >= 0 && n <= 0xFFFF
}

// WritePlist sends an answer, or an event with tag 0.
func WritePlist(w io.Writer, tag uint32, dict map[string]any) error {
	body, err := plist.XML(dict)
	if err != nil {
		return err
	}
	return writePacket(w, plistProtocol, typePlist, tag, body)
}

// WriteResult answers a request with a number, in the protocol it came in.
func WriteResult(w io.Writer, req Request, number int) error {
	if req.Version != plistProtocol {
		return writePacket(w, 0, typeResult, req.Tag, binary.LittleEndian.AppendUint32(nil, uint32(number)))
	}
	return WritePlist(w, req.Tag, map[string]any{"MessageType": "Result", "Number": number})
}

func writePacket(w io.Writer, version, kind, tag uint32, body []byte) error {
	p := make([]byte, 0, headLen+len(body))
	p = binary.LittleEndian.AppendUint32(p, uint32(headLen+len(body)))
	p = binary.LittleEndian.AppendUint32(p, version)
	p = binary.LittleEndian.AppendUint32(p, kind)
	p = binary.LittleEndian.AppendUint32(p, tag)
	_, err := w.Write(append(p, body...))
	return err
}

// sockaddrLen is how far NetworkAddress is padded: a sockaddr_storage.
const sockaddrLen = 128

// NetworkAddress writes an address as a raw sockaddr, in the form the client
// expects. libimobiledevice up to 1.3.0, which comes with libusbmuxd up to
// 2.0, reads BSD's (first byte length, second family); later ones read that
// of Linux (family in 16 bits). Neither reads the other.
func NetworkAddress(addr netip.Addr, clientVersion string) []byte {
	const bsdInet, bsdInet6, linuxInet, linuxInet6 = 2, 30, 2, 10
	b := make([]byte, sockaddrLen)
	addr = addr.Unmap()
	bsd := strings.HasPrefix(clientVersion, "libusbmuxd 2.0.") || strings.HasPrefix(clientVersion, "libusbmuxd 1.")
	switch {
	case bsd && addr.Is4():
		b[0], b[1] = 16, bsdInet
	case bsd:
		b[0], b[1] = 28, bsdInet6
	case addr.Is4():
		b[0] = linuxInet
	default:
		b[0] = linuxInet6
	}
	if addr.Is4() {
		copy(b[4:], addr.AsSlice())
	} else {
		copy(b[8:], addr.AsSlice())
	}
	return b
}
