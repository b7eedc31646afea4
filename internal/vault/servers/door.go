package servers

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// door is a port that leads to a server, or to nobody.
type door struct {
	listener net.Listener

	mu    sync.Mutex
	to    string // "" while nobody is there
	conns map[net.Conn]bool
	left  int64 // bytes until then is called
	end   bool  // it ends the connection, too, at that byte
	then  func()
	rate  int64 // bytes per second to whoever asked; 0 is no limit
}

func openDoor(t testing.TB) *door {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{listener: l, conns: map[net.Conn]bool{}}
	go d.serve()
	return d
}

func (d *door) close() {
	_ = d.listener.Close()
	d.lead("")
}

// lead leads new connections to a server. To nobody, it ends those there are.
func (d *door) lead(to string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.to = to; to != "" {
		return
	}
	for c := range d.conns {
		_ = c.Close()
	}
	clear(d.conns)
}

// after calls then, once, when n more bytes have come in, and ends the
// connection there if that is wanted.
func (d *door) after(n int64, end bool, then func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left, d.end, d.then = n, end, then
}

func (d *door) serve() {
	for {
		in, err := d.listener.Accept()
		if err != nil {
			return
		}
		go d.pass(in)
	}
}

func (d *door) pass(in net.Conn) {
	defer in.Close()
	d.mu.Lock()
	to := d.to
	d.mu.Unlock()
	if to == "" {
		return
	}
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer out.Close()
	if !d.enter(to, in, out) {
		return
	}
	defer d.leave(in, out)
	go func() {
		_, _ = io.Copy(slowed{in, d}, out)
		_ = in.Close()
		_ = out.Close()
	}()
	_, _ = io.Copy(counted{out, d}, in)
}

func (d *door) enter(to string, conns ...net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.to != to {
		return false
	}
	for _, c := range conns {
		d.conns[c] = true
	}
	return true
}

func (d *door) leave(conns ...net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range conns {
		delete(d.conns, c)
	}
}

// slow limits what a connection brings to whoever asked.
func (d *door) slow(rate int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rate = rate
}

// slowed is the way out.
type slowed struct {
	io.Writer
	d *door
}

// Write passes on what the limit allows, when it does.
func (s slowed) Write(p []byte) (int, error) {
	s.d.mu.Lock()
	rate := s.d.rate
	s.d.mu.Unlock()
	if rate > 0 {
		time.Sleep(time.Duration(len(p)) * time.Second / time.Duration(rate))
	}
	return s.Writer.Write(p)
}

// counted is the way in.
type counted struct {
	io.Writer
	d *door
}

// Write passes on what comes before the chosen byte, and no more if the
// connection ends there.
func (c counted) Write(p []byte) (int, error) {
	d := c.d
	d.mu.Lock()
	var then func()
	end := d.end
	if d.then != nil {
		if d.left -= int64(len(p)); d.left <= 0 {
			then, d.then = d.then, nil
		}
	}
	if then != nil && end {
		p = p[:len(p)+int(max(d.left, -int64(len(p))))]
	}
	d.mu.Unlock()
	if then != nil && !end {
		then()
	}
	n, err := c.Writer.Write(p)
	if then != nil && end {
		then()
		return n, io.ErrClosedPipe
	}
	return n, err
}
