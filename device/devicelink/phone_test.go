package devicelink_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"russet/device/devicelink"
	"russet/internal/plist"
)

const udid = "00008110-0001ABCD12345678"

// phone is the device's end of a connection: what a test has it say.
type phone struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

// list is a DeviceLink message.
type list = []any

// connect gives a device and a host that have not yet spoken.
func connect(t testing.TB) (*phone, *devicelink.Conn) {
	t.Helper()
	theirs, ours := net.Pipe()
	t.Cleanup(func() { _ = theirs.Close(); _ = ours.Close() })
	if err := theirs.SetDeadline(time.Now().Add(5 * time.Second)); err != nil { // instead of hanging
		t.Fatal(err)
	}
	return &phone{t: t, conn: theirs, in: newReader(theirs)}, devicelink.NewConn(ours, slog.New(slog.DiscardHandler))
}

// outcome is what Serve returned.
type outcome struct {
	msg plist.Dict
	err error
}

// serve has the host serve the device in the background.
func serve(ctx context.Context, c *devicelink.Conn, svc devicelink.Service) <-chan outcome {
	if svc.Folders == nil {
		svc.Folders = []string{udid}
	}
	done := make(chan outcome, 1)
	go func() {
		msg, err := c.Serve(ctx, svc)
		done <- outcome{msg, err}
	}()
	return done
}

func (p *phone) write(b []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.t.Errorf("the host stopped listening: %v", err)
	}
}

func (p *phone) send(v any) {
	p.t.Helper()
	body, err := plist.MarshalBinary(v)
	if err != nil {
		p.t.Fatal(err)
	}
	p.write(framed(body))
}

func framed(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func (p *phone) uint32() uint32 {
	p.t.Helper()
	var b [4]byte
	if _, err := io.ReadFull(p.in, b[:]); err != nil {
		p.t.Fatalf("read a length: %v", err)
	}
	return binary.BigEndian.Uint32(b[:])
}

func (p *phone) bytes(n uint32) []byte {
	p.t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(p.in, b); err != nil {
		p.t.Fatalf("read %d bytes: %v", n, err)
	}
	return b
}

func (p *phone) receive() list {
	p.t.Helper()
	v, err := plist.Parse(p.bytes(p.uint32()), plist.Limits{})
	if err != nil {
		p.t.Fatal(err)
	}
	l, ok := v.([]any)
	if !ok {
		p.t.Fatalf("the host sent a %T", v)
	}
	return l
}

// status receives an answer, which must have the shape of one.
func (p *phone) status() (code int64, text string, extra any) {
	p.t.Helper()
	m := p.receive()
	if len(m) != 4 || m[0] != "DLMessageStatusResponse" {
		p.t.Fatalf("answer %v", m)
	}
	code, ok := m[1].(int64)
	if !ok {
		p.t.Fatalf("the code is a %T", m[1])
	}
	return code, m[2].(string), m[3]
}

// ask sends a request and gives the answer's code and last item.
func (p *phone) ask(request ...any) (code int64, extra any) {
	p.t.Helper()
	p.send(request)
	code, _, extra = p.status()
	return code, extra
}

// finish ends the operation and gives what Serve made of it.
func (p *phone) finish(done <-chan outcome) {
	p.t.Helper()
	p.send(list{"DLMessageProcessMessage", plist.Dict{"MessageName": "Response", "ErrorCode": 0}})
	if got := <-done; got.err != nil || got.msg.String("MessageName") != "Response" {
		p.t.Errorf("Serve = %v, %v", got.msg, got.err)
	}
}

// batch is the byte stream of an upload.
type batch struct{ b []byte }

func (u *batch) name(s string) *batch {
	u.b = binary.BigEndian.AppendUint32(u.b, uint32(len(s)))
	u.b = append(u.b, s...)
	return u
}

func (u *batch) frame(code byte, data string) *batch {
	u.b = binary.BigEndian.AppendUint32(u.b, uint32(len(data)+1))
	u.b = append(u.b, code)
	u.b = append(u.b, data...)
	return u
}

// file adds a whole file in frames of the given contents.
func (u *batch) file(name string, frames ...string) *batch {
	u.name("/.b/7/device/path").name(name)
	for _, f := range frames {
		u.frame(0x0C, f)
	}
	return u.frame(0, "")
}

func (u *batch) end() []byte { return binary.BigEndian.AppendUint32(u.b, 0) }

// upload sends a batch and gives the answer.
func (p *phone) upload(u *batch) (code int64, extra plist.Dict) {
	p.t.Helper()
	p.send(list{"DLMessageUploadFiles", plist.Dict{}, 40.0, 100})
	p.write(u.end())
	code, _, x := p.status()
	extra, ok := x.(plist.Dict)
	if !ok {
		p.t.Errorf("the answer to an upload ends in a %T", x)
	}
	return code, extra
}

// received is one file as the device got it.
type received struct {
	name string
	data []byte
	code byte // of its last frame
	text string
}

// download asks for files and gives what came, frames checked.
func (p *phone) download(names ...any) (files []received, code int64, extra plist.Dict) {
	p.t.Helper()
	if names == nil {
		names = []any{}
	}
	p.send(list{"DLMessageDownloadFiles", names, plist.Dict{}, 0.0, 0})
	for {
		n := p.uint32()
		if n == 0 {
			break
		}
		f := received{name: string(p.bytes(n))}
		for more := true; more; {
			b := p.bytes(p.uint32())
			if len(b) > 32<<10+1 {
				p.t.Errorf("a frame of %d bytes", len(b))
			}
			if more = b[0] == 0x0C; more {
				f.data = append(f.data, b[1:]...)
			} else {
				f.code, f.text = b[0], string(b[1:])
			}
		}
		files = append(files, f)
	}
	code, _, x := p.status()
	extra, _ = x.(plist.Dict)
	return files, code, extra
}

func newReader(conn net.Conn) *bufio.Reader { return bufio.NewReaderSize(conn, 64<<10) }
