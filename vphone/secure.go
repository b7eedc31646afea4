package vphone

import (
	"crypto/tls"
	"errors"
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
	records := &gatherer{Conn: conn}
	secure := tls.Server(records, config)
	if err := conn.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return nil, err
	}
	if err := secure.Handshake(); err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return &secureConn{Conn: secure, records: records}, nil
}

// secureConn sends the records of one Write together. The TLS layer would make
// a system call for each 16 KiB, and every one wakes the host up.
type secureConn struct {
	*tls.Conn
	records *gatherer
}

// Write sends p and returns when it is on its way.
func (c *secureConn) Write(p []byte) (int, error) {
	if len(p) <= oneRecord {
		return c.Conn.Write(p)
	}
	c.records.hold(true)
	n, err := c.Conn.Write(p)
	return n, errors.Join(err, c.records.hold(false))
}

const (
	oneRecord = 16 << 10
	together  = 256 << 10
)

// gatherer keeps what is written back while it is told to hold.
type gatherer struct {
	net.Conn
	mu      sync.Mutex
	holding bool
	held    []byte
}

// hold begins to keep writes back, or sends what was kept.
func (g *gatherer) hold(on bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holding = on
	if on {
		return nil
	}
	return g.flush()
}

// Write writes p, or keeps it until there is enough to send.
func (g *gatherer) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.holding {
		return g.Conn.Write(p)
	}
	g.held = append(g.held, p...)
	if len(g.held) < together {
		return len(p), nil
	}
	return len(p), g.flush()
}

func (g *gatherer) flush() error {
	if len(g.held) == 0 {
		return nil
	}
	_, err := g.Conn.Write(g.held)
	g.held = g.held[:0]
	return err
}
