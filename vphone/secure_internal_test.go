package vphone

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkSecureWrite is the phone's side of an upload: what it costs to
// encrypt large writes and hand them to a Unix socket.
func BenchmarkSecureWrite(b *testing.B) {
	for name, version := range map[string]uint16{"TLS1.2": tls.VersionTLS12, "TLS1.3": tls.VersionTLS13} {
		b.Run(name, func(b *testing.B) {
			conn := benchConn(b, version)
			buf := make([]byte, 1<<20)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := conn.Write(buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// benchConn is the server's end of a session whose client does not decrypt.
func benchConn(b *testing.B, version uint16) net.Conn {
	key, err := NewKey()
	if err != nil {
		b.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(b.TempDir(), "s"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		raw, err := net.Dial("unix", l.Addr().String())
		if err != nil {
			return
		}
		client := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, MaxVersion: version})
		if client.Handshake() == nil {
			io.CopyBuffer(io.Discard, struct{ io.Reader }{raw}, make([]byte, 1<<20))
		}
	}()
	raw, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	conn, err := secureServer(&faultyConn{Conn: raw, phone: &Phone{}}, tlsConfig(tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { raw.Close() })
	return conn
}
