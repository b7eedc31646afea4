package backend

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"time"
)

// Certificate is what an S3 server shows to prove who it is.
type Certificate struct {
	Fingerprint string // SHA-256, in hexadecimal digits
	Names       []string
	NotAfter    time.Time
	PEM         string // for Credentials.Certificate
	// Vouched: an authority known to this computer vouches for it, and it is
	// made out to the server. There is nothing to accept then.
	Vouched bool
}

// ServerCertificate asks an S3 server for its certificate. For one
// that no authority known to this computer vouches for, it proves nothing until
// a person has compared the fingerprint with what the server's owner says.
func ServerCertificate(ctx context.Context, l Location) (Certificate, error) {
	if l.Kind != S3 || !l.TLS {
		return Certificate{}, errors.ErrUnsupported
	}
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	var seen *x509.Certificate
	vouched := false
	d := tls.Dialer{Config: &tls.Config{
		ServerName: l.Host,
		// Whether to trust it is what is being asked.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			seen = s.PeerCertificates[0]
			between := x509.NewCertPool()
			for _, c := range s.PeerCertificates[1:] {
				between.AddCert(c)
			}
			_, err := seen.Verify(x509.VerifyOptions{DNSName: l.Host, Intermediates: between})
			vouched = err == nil
			return nil
		},
	}}
	conn, err := d.DialContext(ctx, "tcp", l.address(httpsPort))
	if err != nil {
		return Certificate{}, explain(l, "ask for the certificate", err)
	}
	_ = conn.Close()
	c := Certificate{Fingerprint: fingerprint(seen), Names: seen.DNSNames, NotAfter: seen.NotAfter, Vouched: vouched}
	for _, ip := range seen.IPAddresses {
		c.Names = append(c.Names, ip.String())
	}
	c.PEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: seen.Raw}))
	return c, nil
}

const httpsPort = 443

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// readCertificate reads the first certificate of a PEM; "" is none.
func readCertificate(text string) (*x509.Certificate, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // none was given
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, refuse("the certificate of the server cannot be read", "give it as PEM, beginning with -----BEGIN CERTIFICATE-----")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, refuse("the certificate of the server cannot be read", "give it as PEM, beginning with -----BEGIN CERTIFICATE-----")
	}
	return c, nil
}

// webTransport connects to a server, and trusts its own certificate if one was
// given. The server must still be the one the certificate was made out to.
func webTransport(o Options) (*http.Transport, error) {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: firstLook}).DialContext,
		TLSHandshakeTimeout: firstLook, ForceAttemptHTTP2: true,
	}
	c, err := readCertificate(o.Credentials.Certificate)
	if err != nil || c == nil {
		return t, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(c)
	t.TLSClientConfig = &tls.Config{RootCAs: pool}
	return t, nil
}
