package backend

import (
	"context"
	"net/http"
	"strings"

	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/blob/webdav"
	"github.com/studio-b12/gowebdav"
)

// openWebDAV leaves the credentials of o ready for newWebDAV.
func openWebDAV(ctx context.Context, o *Options) (blob.Storage, error) {
	l := o.Location
	if strings.Contains(l.Host, ":") {
		// The WebDAV client escapes the brackets of such an address.
		return nil, refuse("a WebDAV server cannot be reached by its IPv6 address", "write the server's name")
	}
	if l.User != "" {
		o.Credentials.User = l.User
	}
	if o.Credentials.Certificate != "" {
		// Kopia's check of a single certificate passes whenever that one is among
		// those the server sends, whoever holds the key: it stops nobody.
		return nil, refuse("a WebDAV server cannot be trusted by its own certificate", "add the certificate to the system's store of authorities")
	}
	if err := lookWebDAV(ctx, *o); err != nil {
		return nil, err
	}
	return webdav.New(ctx, &webdav.Options{
		// The client escapes the path itself.
		URL: webServer(l) + l.Path, Username: o.Credentials.User, Password: string(o.Credentials.Password), Options: shards(),
	}, o.Create)
}

func webServer(l Location) string {
	if l.TLS {
		return "https://" + l.address(0)
	}
	return "http://" + l.address(0)
}

// lookWebDAV finds the folder, or makes it.
func lookWebDAV(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	transport, err := webTransport(o)
	if err != nil {
		return err
	}
	defer transport.CloseIdleConnections()
	client := newWebDAV(ctx, o, transport)
	_, err = client.Stat(o.Location.Path)
	if status(err) == http.StatusNotFound && o.Create && !o.ReadOnly {
		return client.MkdirAll(o.Location.Path, 0o700)
	}
	return err
}

// newWebDAV is a client for the whole server whose requests end with ctx.
func newWebDAV(ctx context.Context, o Options, transport http.RoundTripper) *gowebdav.Client {
	client := gowebdav.NewClient(webServer(o.Location), o.Credentials.User, string(o.Credentials.Password))
	client.SetTransport(bound{ctx, transport})
	return client
}

// bound makes requests end with a context: the WebDAV client knows none.
type bound struct {
	ctx  context.Context
	next http.RoundTripper
}

func (b bound) RoundTrip(r *http.Request) (*http.Response, error) {
	return b.next.RoundTrip(r.WithContext(b.ctx))
}
