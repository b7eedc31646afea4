//go:build linux

package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestKilledNodes runs the whole thing, small: RUSSET_GARAGE names the object
// store's program.
func TestKilledNodes(t *testing.T) {
	garage := os.Getenv("RUSSET_GARAGE")
	if garage == "" {
		t.Skip("RUSSET_GARAGE does not name the object store's program; docs/scale.md says how to install it")
	}
	o := options{
		garage: garage, work: t.TempDir(), hosts: 4, nodes: 4, files: 300, size: 90e6, messages: 4e6, film: 60e6, durable: true,
		out: t.TempDir() + "/tables.md",
	}
	if err := os.WriteFile(o.out, []byte(begin+end), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	tables, err := os.ReadFile(o.out)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", tables)
}

// backendServer is an HTTP server that answers with its own name.
func backendServer(t *testing.T, name string) (addr string, stop func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, name+" "+r.Host)
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String(), func() { _ = s.Close() }
}

// TestBalancer checks that the name a client used goes through (it is signed),
// that a node that is gone is passed over, and that everything is counted.
func TestBalancer(t *testing.T) {
	first, stopFirst := backendServer(t, "first")
	second, stopSecond := backendServer(t, "second")
	b, err := newBalancer([]string{first, second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.close() })
	ask := func(method, path, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+b.addr+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		said, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(said)
	}
	if status, said := ask("PUT", "/russet/household/p0123-s1", "12345"); status != 200 || !strings.HasSuffix(said, b.addr) {
		t.Fatalf("%d %q", status, said)
	}
	if n := b.uploaded(); n != 5 {
		t.Fatalf("%d bytes went up", n)
	}
	stopFirst()
	for range 4 {
		if status, said := ask("GET", "/russet/?list-type=2&prefix=household%2Fx", ""); status != 200 || !strings.HasPrefix(said, "second") {
			t.Fatalf("%d %q after the first node is gone", status, said)
		}
	}
	stopSecond()
	if status, _ := ask("GET", "/russet/household/q77", ""); status != http.StatusBadGateway {
		t.Fatalf("%d without nodes", status)
	}
	got := b.take()
	if put := got[operation{"PUT", "p"}]; put.requests != 1 || put.up != 5 || put.down == 0 || put.failed != 0 {
		t.Errorf("the put: %+v", put)
	}
	if list := got[operation{"LIST", "x"}]; list.requests != 4 || list.failed != 0 {
		t.Errorf("the lists: %+v", list)
	}
	if get := got[operation{"GET", "q"}]; get.requests != 1 || get.failed != 1 {
		t.Errorf("the failed get: %+v", get)
	}
}
