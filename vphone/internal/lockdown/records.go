package lockdown

import (
	"encoding/binary"
	"io"
	"net"
)

// A recordConn never reads past the TLS record that is being read. A session
// can be stopped and the connection go on in the clear: what follows the
// close_notify must not end up in the TLS layer's buffer.
type recordConn struct {
	net.Conn
	ahead []byte // read but not delivered
	left  int    // of the current record, including ahead
	tls   bool
}

const recordHead = 5

func (c *recordConn) Read(p []byte) (int, error) {
	if c.tls {
		if c.left == 0 {
			if err := c.fill(recordHead); err != nil {
				return 0, err
			}
			c.left = recordHead + int(binary.BigEndian.Uint16(c.ahead[3:]))
		}
		p = p[:min(len(p), c.left)]
	}
	n, err := c.deliver(p)
	if c.tls {
		c.left -= n
	}
	return n, err
}

func (c *recordConn) deliver(p []byte) (int, error) {
	if len(c.ahead) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.ahead)
	c.ahead = c.ahead[n:]
	return n, nil
}

// fill reads ahead until n bytes are there.
func (c *recordConn) fill(n int) error {
	have := len(c.ahead)
	c.ahead = append(c.ahead, make([]byte, max(0, n-have))...)
	got, err := io.ReadFull(c.Conn, c.ahead[have:])
	c.ahead = c.ahead[:have+got]
	return err
}

// speaksTLS says whether a TLS record comes next, rather than a message: the
// first byte of a message's length is zero.
func (c *recordConn) speaksTLS() (bool, error) {
	if err := c.fill(1); err != nil {
		return false, err
	}
	return c.ahead[0] != 0, nil
}
