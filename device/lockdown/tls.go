package lockdown

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"

	"russet/device/internal/wire"
)

// Handshake encrypts a connection to a paired device, for a session or for a
// service that asks for it. The device must hold the private key of the record's
// device certificate ([ErrImpostor]).
//
// For legacy see [Client.StartSession].
func Handshake(ctx context.Context, conn net.Conn, rec *PairRecord, legacy bool) (net.Conn, error) {
	config, err := tlsConfig(rec, legacy)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(conn, config)
	err = wire.Do(ctx, wire.RequestLimit, conn.SetDeadline, secure.Handshake)
	if err != nil {
		return nil, fmt.Errorf("encrypt the connection: %w", err)
	}
	return &secureConn{Conn: secure}, nil
}

// tlsConfig has what lockdownd asks for. The device is the TLS server. Its
// certificate was made by a host, has no name and may be signed with SHA-1, so
// nothing of the usual checks applies: the key in it is what was agreed upon
// when pairing.
func tlsConfig(rec *PairRecord, legacy bool) (*tls.Config, error) {
	host, err := tls.X509KeyPair(rec.HostCertificate, rec.HostPrivateKey)
	if err != nil {
		return nil, fmt.Errorf("host certificate in the pair record: %w", err)
	}
	device, err := certificateKey(rec.DeviceCertificate)
	if err != nil {
		return nil, fmt.Errorf("device certificate in the pair record: %w", err)
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12,
		// Without the post-quantum shares of Go's default the first message
		// fits into one packet, which old TLS stacks expect.
		CurvePreferences:   []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384},
		InsecureSkipVerify: true, // the next lines are the check
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 || !device.Equal(state.PeerCertificates[0].PublicKey) {
				return ErrImpostor
			}
			return nil
		},
		// Always ours, whatever authorities the device lists.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &host, nil
		},
		// Records of full size from the start: there is no page to render early.
		DynamicRecordSizingDisabled: true,
	}
	if legacy {
		config.MinVersion = tls.VersionTLS10
		config.CipherSuites = legacySuites()
	}
	return config, nil
}

// legacySuites are all suites Go has, including those only old devices need.
func legacySuites() []uint16 {
	var ids []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ids = append(ids, s.ID)
	}
	return ids
}

// certificateKey returns the public key of a PEM certificate.
func certificateKey(data []byte) (interface{ Equal(crypto.PublicKey) bool }, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("no PEM data")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return nil, fmt.Errorf("a key of type %T", cert.PublicKey)
	}
	return key, nil
}

// secureConn is a TLS connection to a device. Devices close without the
// farewell that TLS asks for; the protocols above know where a message ends.
type secureConn struct {
	*tls.Conn
	torn atomic.Bool // a write has failed
}

func (c *secureConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		c.torn.Store(true)
	}
	return n, err
}

func (c *secureConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}

// Close says farewell, unless the device has hung up first, or takes nothing any
// more: after a write that failed it would wait for five seconds in vain.
func (c *secureConn) Close() error {
	if c.torn.Load() {
		return c.NetConn().Close()
	}
	if err := c.Conn.Close(); !Dropped(err) {
		return err
	}
	return nil
}
