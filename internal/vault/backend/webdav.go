package backend

import (
	"context"
	"net/http"
	"strings"

	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/blob/webdav"
	"github.com/studio-b12/gowebdav"
)

func openWebDAV(ctx context.Context, o Options) (blob.Storage, error) {
	l, c := o.Location, o.Credentials
	if strings.Contains(l.Host, ":") {
		// The WebDAV client escapes the brackets of such an address.
		return nil, refuse("a WebDAV server cannot be reached by its IPv6 address", "write the server's name")
	}
	user := l.User
	if user == "" {
		user = c.User
	}
	server := "http://"
	if l.TLS {
		server = "https://"
	}
	server += l.address(0)
	if err := lookWebDAV(ctx, server, user, o); err != nil {
		return nil, err
	}
	// The client escapes the path itself.
	return webdav.New(ctx, &webdav.Options{URL: server + l.Path, Username: user, Password: string(c.Password), Options: shards()}, o.Create)
}

// lookWebDAV finds the folder, or makes it.
func lookWebDAV(ctx context.Context, server, user string, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	client := gowebdav.NewClient(server, user, string(o.Credentials.Password))
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment}
	defer transport.CloseIdleConnections()
	client.SetTransport(bound{ctx, transport})
	_, err := client.Stat(o.Location.Path)
	if status(err) == http.StatusNotFound && o.Create && !o.ReadOnly {
		return client.MkdirAll(o.Location.Path, 0o700)
	}
	return err
}

// bound makes requests end with a context: the WebDAV client knows none.
type bound struct {
	ctx  context.Context
	next http.RoundTripper
}

func (b bound) RoundTrip(r *http.Request) (*http.Response, error) {
	return b.next.RoundTrip(r.WithContext(b.ctx))
}
