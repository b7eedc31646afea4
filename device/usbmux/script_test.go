package usbmux_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"russet/device/usbmux"
	"russet/internal/plist"
)

// daemon is a usbmuxd that does what respond does with each connection.
func daemon(t *testing.T, respond func(*peer)) *usbmux.Client {
	t.Helper()
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	return &usbmux.Client{
		Addr: "UNIX:/nowhere", Label: "test",
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			running.Go(func() {
				defer func() { _ = theirs.Close() }()
				respond(&peer{Conn: theirs})
			})
			return ours, nil
		},
	}
}

// answering is a daemon that gives each request the answer of its name.
func answering(t *testing.T, answers map[string]plist.Dict) (*usbmux.Client, *[]plist.Dict) {
	t.Helper()
	var mu sync.Mutex
	asked := &[]plist.Dict{}
	return daemon(t, func(p *peer) {
		req, err := p.request()
		if err != nil {
			return
		}
		mu.Lock()
		*asked = append(*asked, req)
		mu.Unlock()
		p.answer(answers[req.String("MessageType")])
	}), asked
}

// peer is the daemon's end of a connection.
type peer struct {
	net.Conn
	tag uint32
}

func (p *peer) request() (plist.Dict, error) {
	var header [16]byte
	if _, err := io.ReadFull(p, header[:]); err != nil {
		return nil, err
	}
	p.tag = binary.LittleEndian.Uint32(header[12:])
	body := make([]byte, binary.LittleEndian.Uint32(header[:])-16)
	if _, err := io.ReadFull(p, body); err != nil {
		return nil, err
	}
	return plist.ParseDict(body)
}

func (p *peer) answer(d plist.Dict) { p.send(p.tag, d) }
func (p *peer) event(d plist.Dict)  { p.send(0, d) }

func (p *peer) send(tag uint32, d plist.Dict) {
	body, err := plist.MarshalXML(d)
	if err == nil {
		_, _ = p.Write(frame(1, 8, tag, string(body))) // a client that has gone is its own affair
	}
}

// frame is a message with its header.
func frame(version, message, tag uint32, body string) []byte {
	var b bytes.Buffer
	for _, n := range []uint32{uint32(16 + len(body)), version, message, tag} {
		_ = binary.Write(&b, binary.LittleEndian, n)
	}
	b.WriteString(body)
	return b.Bytes()
}

func result(n int) plist.Dict { return plist.Dict{"MessageType": "Result", "Number": n} }

// attached is what a daemon says of a device on the cable.
func attached(id int, serial string) plist.Dict {
	return plist.Dict{"MessageType": "Attached", "DeviceID": id, "Properties": plist.Dict{
		"ConnectionType": "USB", "DeviceID": id, "LocationID": 0, "ProductID": 4776, "SerialNumber": serial,
	}}
}

// replay is a daemon that says what it says, whatever it is asked.
type replay struct {
	net.Conn
	data []byte
}

func (r *replay) Read(p []byte) (int, error) {
	n := copy(p, r.data)
	r.data = r.data[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (r *replay) Write(p []byte) (int, error)   { return len(p), nil }
func (r *replay) SetDeadline(_ time.Time) error { return nil }
func (r *replay) Close() error                  { return nil }
