package agent_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"russet/vphone/agent"
)

// deaf is a connection to a host that says what it has to say, whatever the
// phone asks.
type deaf struct{ io.Reader }

func (deaf) Write(p []byte) (int, error)      { return len(p), nil }
func (deaf) Close() error                     { return nil }
func (deaf) LocalAddr() net.Addr              { return &net.UnixAddr{} }
func (deaf) RemoteAddr() net.Addr             { return &net.UnixAddr{} }
func (deaf) SetDeadline(time.Time) error      { return nil }
func (deaf) SetReadDeadline(time.Time) error  { return nil }
func (deaf) SetWriteDeadline(time.Time) error { return nil }

// overheard is what a host says in one session.
func overheard(t testing.TB, p *phone, h *host, command map[string]any) []byte {
	t.Helper()
	near, far := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- agent.Serve(t.Context(), far, p) }()
	var said bytes.Buffer
	c := &hostConn{host: h, Conn: near, r: bufio.NewReader(near), w: bufio.NewWriter(io.MultiWriter(near, &said))}
	if _, err := c.run(command); err != nil {
		t.Fatal(err)
	}
	if err := near.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return said.Bytes()
}

// FuzzHost lets a phone listen to anything a host could say.
func FuzzHost(f *testing.F) {
	p, h := newPhone(f), newHost(f)
	p.furnish(3)
	command := map[string]any{"MessageName": "Backup", "TargetIdentifier": udid}
	f.Add(overheard(f, p, h, command))
	f.Add(overheard(f, p, h, command))
	f.Add(overheard(f, newPhone(f), h, quietly(nil)))
	f.Add(overheard(f, p, h, change("", "secret")))
	f.Fuzz(func(t *testing.T, said []byte) {
		p := newPhone(t)
		p.furnish(1)
		if err := agent.Serve(t.Context(), deaf{bytes.NewReader(said)}, p); err == nil && len(said) < 100 {
			t.Error("a session of less than 100 bytes went well")
		}
	})
}
