package device_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"path/filepath"
	"testing"

	"russet/device"
	"russet/device/lockdown"
	"russet/vphone"
)

// source is a device, on Unix sockets as usbmuxd gives them out, whose services
// send without end. The session is a virtual
// phone's.
type source struct {
	*vphone.Phone
	config *tls.Config // nil: services in the clear
	socket string
}

const block = 32 << 10 // what a device puts into one frame of a file

func newSource(b *testing.B, rec *lockdown.PairRecord, p *vphone.Phone) *source {
	b.Helper()
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key())})
	cert, err := tls.X509KeyPair(rec.DeviceCertificate, keyPEM)
	if err != nil {
		b.Fatal(err)
	}
	return &source{
		Phone: p, socket: filepath.Join(b.TempDir(), "socket"),
		config: &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert, DynamicRecordSizingDisabled: true},
	}
}

// DialPort connects to what sends without end.
func (s *source) DialPort(ctx context.Context, port uint16) (net.Conn, error) {
	if port == lockdown.Port {
		return s.Phone.DialPort(ctx, port)
	}
	l, err := net.Listen("unix", s.socket)
	if err != nil {
		return nil, err
	}
	defer func() { _ = l.Close() }()
	ours, err := net.Dial("unix", s.socket)
	if err != nil {
		return nil, err
	}
	theirs, err := l.Accept()
	if err != nil {
		return nil, err
	}
	if s.config != nil {
		theirs = tls.Server(theirs, s.config)
	}
	go func() {
		defer func() { _ = theirs.Close() }()
		for data := make([]byte, block); ; {
			if _, err := theirs.Write(data); err != nil {
				return
			}
		}
	}()
	return ours, nil
}

// BenchmarkDial reads blocks from a service through what [device.Device.Dial]
// returns, and beside it through the same TLS without read-ahead, and without
// TLS.
func BenchmarkDial(b *testing.B) {
	p, err := vphone.New(vphone.Options{Key: key()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = p.Close() })
	p.Plug()
	rec := pair(b, p)
	s := newSource(b, rec, p)
	dev, err := device.Connect(b.Context(), s, rec, device.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = dev.Close() })
	read := func(b *testing.B, conn net.Conn, err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		data := make([]byte, block)
		b.SetBytes(block)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := io.ReadFull(conn, data); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("tls", func(b *testing.B) {
		conn, err := dev.Dial(b.Context(), "com.apple.afc", device.ServiceOptions{})
		read(b, conn, err)
	})
	b.Run("tls without read-ahead", func(b *testing.B) {
		raw, err := s.DialPort(b.Context(), 1)
		if err != nil {
			b.Fatal(err)
		}
		conn, err := lockdown.Handshake(b.Context(), raw, rec, false)
		read(b, conn, err)
	})
	b.Run("plain", func(b *testing.B) {
		clear := &source{Phone: p, socket: s.socket}
		conn, err := clear.DialPort(b.Context(), 1)
		read(b, conn, err)
	})
}
