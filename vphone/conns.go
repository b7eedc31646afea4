package vphone

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"russet/vphone/internal/lockdown"
	"russet/vphone/internal/pipe"
)

const (
	firstPort = 49152
	// maxPorts bounds the services that were started and not connected to.
	maxPorts = 64
	// portTime is how long a started service waits for its host.
	portTime = 20 * time.Second
	// handshakeTime is how long a host may take for TLS.
	handshakeTime = 30 * time.Second
)

// ErrRefused means that nothing listens on a port of the phone, or that the
// phone cannot be reached.
var ErrRefused = errors.New("connection refused by the virtual iPhone")

// A listener is a port that StartService opened, for one connection.
type listener struct {
	service service
	from    guest
	tls     *tls.Config  // nil: in the clear
	socket  net.Listener // over Wi-Fi only
	expire  *time.Timer
}

// DialPort connects to a port of the phone within this process, as over the
// cable. Lockdownd is on port 62078.
func (p *Phone) DialPort(ctx context.Context, port uint16) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	serve, err := p.claim(port, route{})
	if err != nil {
		return nil, fmt.Errorf("port %d: %w", port, err)
	}
	host, device := pipe.New()
	go serve(device)
	return host, nil
}

// claim finds out what serves a port, before the host is told that it is
// connected. What it returns must be called, and closes the connection.
func (p *Phone) claim(port uint16, by route) (serve func(net.Conn), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reachable(by) {
		return nil, ErrRefused
	}
	if port == lockdown.Port {
		p.running.Add(1)
		return func(conn net.Conn) {
			c := newConnection(conn, guest{route: by})
			p.serve(c, "lockdownd", func(conn net.Conn) error {
				return lockdown.Serve(conn, link{phone: p, conn: c}, p.log)
			})
		}, nil
	}
	l, ok := p.ports[port]
	if !ok {
		return nil, ErrRefused
	}
	p.forget(port)
	p.running.Add(1)
	return func(conn net.Conn) {
		from := l.from
		from.route = by
		p.serve(newConnection(conn, from), l.service.name, func(conn net.Conn) error { return p.serveService(conn, l, from) })
	}, nil
}

// reachable says whether the phone is on, and at that end of a wire or on that
// network. Phone.mu is held.
func (p *Phone) reachable(by route) bool {
	if by.overNetwork() {
		return p.onNetwork() && (by.wifi == p.wifi || slices.Contains(p.ghosts, by.wifi))
	}
	return !p.down && p.cable
}

// forget closes a port. Phone.mu is held.
func (p *Phone) forget(port uint16) {
	l, ok := p.ports[port]
	if !ok {
		return
	}
	delete(p.ports, port)
	l.expire.Stop()
	if l.socket != nil {
		l.socket.Close()
	}
}

// open makes a service listen and returns its port.
func (p *Phone) open(s service, session *tls.Config, from guest) (uint16, error) {
	l := &listener{service: s, tls: session, from: from}
	var port uint16
	if from.overNetwork() && len(from.wifi.listeners) > 0 {
		var err error
		if l.socket, port, err = p.listenOnNetwork(from.route); err != nil {
			return 0, fmt.Errorf("listen for %q: %w", s.name, err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ports) >= maxPorts {
		if l.socket != nil {
			l.socket.Close()
		}
		return 0, lockdown.ErrServiceLimit
	}
	for port == 0 || p.ports[port] != nil && l.socket == nil {
		port = p.nextPort
		p.nextPort = max(p.nextPort+1, firstPort)
	}
	l.expire = time.AfterFunc(portTime, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.ports[port] == l {
			p.forget(port)
		}
	})
	p.ports[port] = l
	return port, nil
}

// serve runs one connection, known to the phone so that pulling the cable
// breaks it.
func (p *Phone) serve(conn *connection, name string, handler func(net.Conn) error) {
	defer p.running.Done()
	defer conn.Close()
	p.mu.Lock()
	reachable := p.reachable(conn.route)
	if reachable {
		p.conns[conn] = struct{}{}
		p.demandHeart(conn.guest, name)
	}
	p.mu.Unlock()
	if !reachable {
		return
	}
	defer func() {
		p.mu.Lock()
		delete(p.conns, conn)
		p.restHeart(conn.guest)
		p.mu.Unlock()
	}()
	err := handler(&faultyConn{Conn: conn, phone: p, service: name})
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		p.log.Debug("connection ended", "service", name, "error", err)
	}
}

// dropConns breaks connections: all, or those for which drop says so.
func (p *Phone) dropConns(drop func(guest) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		if drop == nil || drop(conn.guest) {
			conn.Close()
		}
	}
}

func (p *Phone) serveService(conn net.Conn, l *listener, from guest) error {
	if l.tls != nil {
		secure, err := secureServer(conn, l.tls)
		if err != nil {
			return fmt.Errorf("handshake: %w", err)
		}
		defer secure.Close()
		conn = secure
	}
	return l.service.serve(p.ctx, p, conn, from)
}
