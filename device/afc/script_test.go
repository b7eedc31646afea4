package afc_test

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"russet/device/afc"
)

// request is a packet as a device reads it.
type request struct {
	number, op      uint64
	params, payload string
}

// word is the i-th number among the parameters.
func (r request) word(i int) uint64 {
	return binary.LittleEndian.Uint64([]byte(r.params[8*i:]))
}

// device gives a client of a device that answers each request with the bytes
// respond returns, and hangs up after nil.
func device(t *testing.T, respond func(request) []byte) *afc.Client {
	t.Helper()
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = theirs.Close() }()
		for {
			req, err := readRequest(theirs)
			if err != nil {
				return
			}
			answer := respond(req)
			if answer == nil {
				return
			}
			if _, err := theirs.Write(answer); err != nil {
				return
			}
		}
	}()
	c := afc.NewClient(ours)
	t.Cleanup(func() {
		_ = c.Close()
		<-done
	})
	return c
}

func readRequest(r io.Reader) (request, error) {
	var h [40]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return request{}, err
	}
	word := func(at int) uint64 { return binary.LittleEndian.Uint64(h[at:]) }
	body := make([]byte, word(8)-40)
	if _, err := io.ReadFull(r, body); err != nil {
		return request{}, err
	}
	split := word(16) - 40
	return request{word(24), word(32), string(body[:split]), string(body[split:])}, nil
}

// packet encodes an answer; params and payload are kept apart in its lengths.
func packet(number, op uint64, params, payload string) []byte {
	this := uint64(40 + len(params))
	return raw(this+uint64(len(payload)), this, number, op, params+payload)
}

func raw(entire, this, number, op uint64, body string) []byte {
	b := []byte("CFA6LPAA")
	for _, n := range []uint64{entire, this, number, op} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return append(b, body...)
}

func word(n uint64) string { return string(binary.LittleEndian.AppendUint64(nil, n)) }

func status(req request, code uint64) []byte { return packet(req.number, 1, word(code), "") }
func data(req request, body string) []byte   { return packet(req.number, 2, "", body) }

// replay is a device that says what it says, whatever it is asked.
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
