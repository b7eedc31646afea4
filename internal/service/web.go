package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"russet"
	"russet/internal/host"
)

// DefaultListen is where the page is unless somebody says otherwise; on a
// phone's keys 7877 spells RUSS. When it is taken, another port is.
const DefaultListen = "127.0.0.1:7877"

// listenPage opens the address of the page. It has no password, and so only
// addresses that cannot be reached from outside are taken. Who said where wants
// it there; else, for "", another port will do where DefaultListen is taken.
func listenPage(ctx context.Context, addr string) (net.Listener, error) {
	anyPort := addr == ""
	addr = cmp.Or(addr, DefaultListen)
	name, port, err := net.SplitHostPort(addr)
	if err != nil || !isLoopback(name) {
		return nil, notOurs(addr)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if isInUse(err) && anyPort {
		l, err = lc.Listen(ctx, "tcp", net.JoinHostPort(name, "0"))
	}
	if err != nil {
		return nil, &russet.Error{
			Kind: russet.Usage, Doing: "open the page", What: err.Error(),
			Hint: "choose another port with --listen " + net.JoinHostPort(name, "0") + " (instead of " + port + ")", Err: err,
		}
	}
	if at, ok := l.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		return nil, errors.Join(notOurs(addr), l.Close()) // "localhost" was somebody else
	}
	return l, nil
}

func notOurs(addr string) error {
	return &russet.Error{
		Kind: russet.Usage, Doing: "open the page", What: fmt.Sprintf("%q is not an address of this computer alone", addr),
		Hint: "write for example --listen 127.0.0.1:" + portOf(DefaultListen) + `; from elsewhere the page is reached through "ssh -L" or a proxy that asks for a password`,
	}
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr) //nolint:errcheck // ours
	return port
}

// isInUse: somebody listens there (WSAEADDRINUSE on Windows).
func isInUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.Errno(10048))
}

// isLoopback reports whether a host is this computer alone.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.Unmap().IsLoopback()
}

// web is what the service shows over HTTP on this computer. It changes
// nothing.
type web struct {
	glance *glance
	host   *host.Host
	log    *slog.Logger
}

func newWebServer(ctx context.Context, s *Service) *http.Server {
	w := &web{glance: &glance{service: s}, host: s.host, log: s.log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", w.page)
	mux.HandleFunc("GET /page.css", style)
	mux.Handle("GET /metrics", newMetrics(w.glance, s.host, s.log))
	mux.HandleFunc("GET /healthz", w.health)
	return &http.Server{
		Handler:           forThisComputer(mux),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       slog.NewLogLogger(w.log.Handler(), slog.LevelDebug),
	}
}

// forThisComputer answers only who asked for this computer by a name that
// cannot be anybody else's. A page from the net can make a browser ask us under
// a name of its own that leads here (DNS rebinding); it cannot make it say
// another name than that.
func forThisComputer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		name := r.Host
		if host, _, err := net.SplitHostPort(name); err == nil {
			name = host
		}
		if !isLoopback(name) {
			http.Error(w, "This is shown only under 127.0.0.1 or localhost.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
