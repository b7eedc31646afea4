package backend_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"russet"
	"russet/internal/vault/backend"
	"russet/internal/vault/servers"
)

// TestCertificates: a server nobody vouches for is refused, until its own
// certificate was accepted; and that opens no other server.
func TestCertificates(t *testing.T) {
	t.Parallel()
	s, other := servers.StartS3TLS(t), servers.StartS3TLS(t)
	o := optionsOf(s)
	c, err := backend.ServerCertificate(t.Context(), s.Location)
	must(t, err)
	if len(c.Fingerprint) != 64 || c.NotAfter.IsZero() || len(c.Names) == 0 {
		t.Errorf("the certificate is %+v", c)
	}
	wrong, err := backend.ServerCertificate(t.Context(), other.Location)
	must(t, err)
	for _, pem := range []string{"", wrong.PEM, "rubbish"} {
		o.Credentials.Certificate = pem
		if _, err := backend.Open(t.Context(), o); russet.KindOf(err) != russet.Usage || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("certificate %.40q: %v", pem, err)
		}
	}
	o.Credentials.Certificate = c.PEM
	blobsThere(t, open(t, o))
	plain := o.Location
	plain.TLS = false
	if _, err := backend.ServerCertificate(t.Context(), plain); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a certificate without TLS: %v", err)
	}
}

// TestTLSMistakes: the two ways to ask for TLS wrongly, and a certificate that
// could not protect anything.
func TestTLSMistakes(t *testing.T) {
	t.Parallel()
	handler := http.NotFoundHandler()
	secret, plain := httptest.NewTLSServer(handler), httptest.NewServer(handler)
	defer secret.Close()
	defer plain.Close()
	for _, server := range []string{secret.URL, plain.URL} {
		u, err := url.Parse(server)
		must(t, err)
		port, err := strconv.Atoi(u.Port())
		must(t, err)
		l := backend.Location{Kind: backend.WebDAV, Host: u.Hostname(), Port: port, Path: "/", TLS: true}
		_, err = backend.Open(t.Context(), backend.Options{Location: l})
		if russet.KindOf(err) != russet.Usage || errors.Unwrap(err) == nil {
			t.Errorf("%s: %v", server, err)
		}
		_, err = backend.Open(t.Context(), backend.Options{Location: l, Credentials: backend.Credentials{Certificate: "PEM"}})
		if russet.KindOf(err) != russet.Usage || errors.Unwrap(err) != nil {
			t.Errorf("%s, with a certificate: %v", server, err)
		}
	}
}
