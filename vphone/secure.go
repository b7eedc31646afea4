package vphone

import (
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// tlsConfig is how the phone does TLS with a host: as the server, with the
// certificate that host made for it. The host's own certificate is asked for
// and not looked at: libimobiledevice presents the root's, others the host's.
func tlsConfig(cert tls.Certificate) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{cert},
		ClientAuth:   tls.RequestClientCert,
		MinVersion:   tls.VersionTLS12,
		// No host resumes sessions, and full records from the start are faster.
		SessionTicketsDisabled:      true,
		DynamicRecordSizingDisabled: true,
	}
}

// secureServer does the handshake of a service's connection.
func secureServer(conn net.Conn, config *tls.Config) (net.Conn, error) {
	batch := &batchConn{Conn: conn}
	secure := tls.Server(batch, config)
	if err := conn.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return nil, err
	}
	if err := secure.Handshake(); err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return &secureConn{Conn: secure, batch: batch}, nil
}

// A secureConn is TLS that sends a large write with few system calls. The TLS
// layer alone makes one for each record of 16 KiB.
type secureConn struct {
	*tls.Conn
	batch   *batchConn
	writing sync.Mutex
}

// oneRecord is what fits into a TLS record: not worth holding back.
const oneRecord = 16 << 10

func (c *secureConn) Write(p []byte) (int, error) {
	if len(p) <= oneRecord {
		return c.Conn.Write(p)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	c.batch.hold()
	n, err := c.Conn.Write(p)
	if flushErr := c.batch.flush(); err == nil {
		err = flushErr
	}
	return n, err
}

// A batchConn gathers what is written while it holds.
type batchConn struct {
	net.Conn
	mu      sync.Mutex
	buf     []byte
	holding bool
}

// batchSize is about what a Unix socket takes at once.
const batchSize = 128 << 10

func (c *batchConn) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holding = true
}

func (c *batchConn) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holding = false
	return c.send()
}

func (c *batchConn) send() error {
	if len(c.buf) == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.buf)
	c.buf = c.buf[:0]
	return err
}

func (c *batchConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.holding {
		return c.Conn.Write(p)
	}
	c.buf = append(c.buf, p...)
	if len(c.buf) >= batchSize {
		if err := c.send(); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
