//go:build linux

package main

import (
	"context"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// balancer stands between one host and the cluster, as haproxy or a name with
// several addresses would: it gives each connection to a node that listens,
// and repeats nothing. It counts what the host asks of the object store.
type balancer struct {
	addr   string
	nodes  []string
	next   atomic.Uint32
	server *http.Server
	served chan error

	mu     sync.Mutex
	counts counts
}

// operation is one kind of request on one kind of blob.
type operation struct{ op, blob string }

// tally is what one kind of request came to.
type tally struct {
	requests, failed int
	up, down         int64 // bytes of bodies
}

type counts map[operation]tally

func newBalancer(nodes []string) (*balancer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &balancer{addr: l.Addr().String(), nodes: nodes, counts: counts{}, served: make(chan error, 1)}
	proxy := &httputil.ReverseProxy{
		// The signature covers the name that the host used, so it stays.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "cluster"})
			r.Out.Host = r.In.Host
		},
		Transport:    &http.Transport{DialContext: b.dial, MaxIdleConnsPerHost: 64, DisableCompression: true},
		ErrorHandler: b.broken,
		ErrorLog:     log.New(io.Discard, "", 0), // what broke is counted
	}
	b.server = &http.Server{Handler: b.counting(proxy), ReadHeaderTimeout: time.Minute}
	go func() { b.served <- b.server.Serve(l) }()
	return b, nil
}

// dial takes the next node that listens, whatever address was asked for.
func (b *balancer) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	var errs []error
	first := int(b.next.Add(1))
	for i := range b.nodes {
		conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, network, b.nodes[(first+i)%len(b.nodes)])
		if err == nil {
			return &impatient{conn}, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// patience is how long a node may be silent, as "timeout server" of haproxy. A
// process that was stopped keeps its connections, and its kernel goes on
// answering for it.
const patience = 30 * time.Second

type impatient struct{ net.Conn }

func (c *impatient) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *impatient) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// broken answers for a node that is gone, as balancers do.
func (b *balancer) broken(w http.ResponseWriter, _ *http.Request, _ error) {
	w.WriteHeader(http.StatusBadGateway)
}

func (b *balancer) close() error {
	err := b.server.Close()
	if served := <-b.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// counting adds up what passes.
func (b *balancer) counting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := classify(r)
		answer := &answerMeter{ResponseWriter: w, status: http.StatusOK, done: func(n int) { b.add(kind, tally{down: int64(n)}) }}
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = &bodyMeter{ReadCloser: r.Body, done: func(n int) { b.add(kind, tally{up: int64(n)}) }}
		}
		// Counted even when the proxy gives up with a panic in mid-answer.
		completed := false
		defer func() {
			t := tally{requests: 1}
			if !completed || answer.status >= http.StatusInternalServerError {
				t.failed = 1
			}
			b.add(kind, t)
		}()
		next.ServeHTTP(answer, r)
		completed = true
	})
}

func (b *balancer) add(kind operation, t tally) {
	b.mu.Lock()
	defer b.mu.Unlock()
	sum := b.counts[kind]
	sum.add(t)
	b.counts[kind] = sum
}

func (t *tally) add(o tally) {
	t.requests += o.requests
	t.failed += o.failed
	t.up += o.up
	t.down += o.down
}

// take returns the counts since it was last called.
func (b *balancer) take() counts {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.counts
	b.counts = counts{}
	return c
}

// uploaded is how many bytes of requests went up since the last take.
func (b *balancer) uploaded() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	var n int64
	for t := range maps.Values(b.counts) {
		n += t.up
	}
	return n
}

// classify names a request by what bills name: the class of operation, and the
// kind of blob it is about.
func classify(r *http.Request) operation {
	q := r.URL.Query()
	name := strings.TrimPrefix(r.URL.Path, "/"+bucket)
	name = strings.TrimPrefix(name, "/")
	switch {
	case q.Has("uploads"), q.Has("uploadId") && r.Method == http.MethodPost:
		return operation{"MULTIPART", blobKind(name)}
	case name == "" && r.Method == http.MethodGet && (q.Has("list-type") || q.Has("prefix") || q.Has("versions")):
		return operation{"LIST", blobKind(q.Get("prefix"))}
	case name == "":
		return operation{"BUCKET", ""}
	}
	return operation{r.Method, blobKind(name)}
}

// blobKind is what kopia's names begin with: p for packs of content, q for
// packs of metadata, x for indexes, and so on.
func blobKind(key string) string {
	name := key[strings.LastIndexByte(key, '/')+1:]
	switch {
	case name == "":
		return "all"
	case name[0] == '.':
		return name
	case strings.HasPrefix(name, "russet."), strings.HasPrefix(name, "kopia."), strings.HasPrefix(name, "_log"):
		head, _, _ := strings.Cut(name, ".")
		return head
	}
	return name[:1]
}

// bodyMeter counts what is read of a request.
type bodyMeter struct {
	io.ReadCloser
	done func(int)
}

func (m *bodyMeter) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.done(n)
	return n, err
}

// answerMeter counts what is written of an answer.
type answerMeter struct {
	http.ResponseWriter
	status int
	done   func(int)
}

func (m *answerMeter) WriteHeader(status int) {
	m.status = status
	m.ResponseWriter.WriteHeader(status)
}

func (m *answerMeter) Write(p []byte) (int, error) {
	n, err := m.ResponseWriter.Write(p)
	m.done(n)
	return n, err
}

// Unwrap lets the proxy flush.
func (m *answerMeter) Unwrap() http.ResponseWriter { return m.ResponseWriter }
