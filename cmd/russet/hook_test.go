package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// hookCommand starts a server that takes every message, and writes what it had
// into a file, a line a message: hook FILE. $HOOK is its address.
func hookCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hook FILE")
	}
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	var mu sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if _, err2 := fmt.Fprintf(f, "%s %s %s\n", r.URL.RequestURI(), r.Header.Get("Authorization"), body); err != nil || err2 != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	ts.Defer(func() {
		s.Close()
		ts.Check(f.Close())
	})
	ts.Setenv("HOOK", s.URL)
}
