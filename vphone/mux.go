package vphone

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"

	"russet/vphone/internal/usbmux"
)

// A Mux is a usbmuxd with virtual phones on it. It keeps pair records, tells
// listeners who comes and goes, and hands connections over to the phones: after
// a Connect the socket is the phone's own.
type Mux struct {
	log     *slog.Logger
	records *records

	mu        sync.Mutex
	phones    []*Phone
	attached  []attachment // in order of their numbers
	lastID    int
	listeners map[*muxListener]struct{}
}

// An attachment is a phone as clients see it: by cable or on a network. Every
// time it comes it gets another number.
type attachment struct {
	id      int
	phone   *Phone
	network netip.Addr // invalid for the cable
}

// NewMux makes a usbmuxd that keeps its pair records and its BUID in a folder,
// or in memory when dir is empty. A nil logger means silence.
func NewMux(dir string, log *slog.Logger) (*Mux, error) {
	r, err := openRecords(dir)
	if err != nil {
		return nil, fmt.Errorf("open pair records: %w", err)
	}
	return &Mux{
		log:       cmp.Or(log, slog.New(slog.DiscardHandler)),
		records:   r,
		listeners: map[*muxListener]struct{}{},
	}, nil
}

// Add makes a phone known to the mux: it is attached whenever its cable is
// plugged in, and a second time while it is on a network.
func (m *Mux) Add(p *Phone) {
	m.mu.Lock()
	known := slices.Contains(m.phones, p)
	if !known {
		m.phones = append(m.phones, p)
	}
	m.mu.Unlock()
	if !known {
		p.watch(m.refresh)
	}
	m.refresh()
}

// Phones returns the phones that were added, reachable or not.
func (m *Mux) Phones() []*Phone {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.phones)
}

// refresh compares what is attached with what should be, and tells listeners.
func (m *Mux) refresh() {
	m.mu.Lock()
	defer m.mu.Unlock()
	var wanted []attachment
	for _, p := range m.phones {
		cable, network := p.presence()
		if cable {
			wanted = append(wanted, attachment{phone: p})
		}
		if network.IsValid() {
			wanted = append(wanted, attachment{phone: p, network: network})
		}
	}
	m.attached = slices.DeleteFunc(m.attached, func(a attachment) bool {
		if slices.ContainsFunc(wanted, a.same) {
			return false
		}
		m.tell(func(string) map[string]any { return map[string]any{"MessageType": "Detached", "DeviceID": a.id} })
		return true
	})
	for _, a := range wanted {
		if slices.ContainsFunc(m.attached, a.same) {
			continue
		}
		m.lastID++
		a.id = m.lastID
		m.attached = append(m.attached, a)
		m.tell(a.event)
	}
}

func (a attachment) same(b attachment) bool { return a.phone == b.phone && a.network == b.network }

// event is the Attached message, in the form for a version of a client.
func (a attachment) event(clientVersion string) map[string]any {
	properties := map[string]any{
		"DeviceID":     a.id,
		"SerialNumber": a.phone.UDID(),
	}
	if a.network.IsValid() {
		properties["ConnectionType"] = "Network"
		properties["EscapedFullServiceName"] = a.phone.InstanceName() + "." + mobdev + ".local."
		properties["InterfaceIndex"] = 1
		properties["NetworkAddress"] = usbmux.NetworkAddress(a.network, clientVersion)
	} else {
		properties["ConnectionType"] = "USB"
		properties["ConnectionSpeed"] = 480000000
		properties["LocationID"] = a.id << 16
		properties["ProductID"] = 0x12A8
	}
	return map[string]any{"MessageType": "Attached", "DeviceID": a.id, "Properties": properties}
}

// tell sends an event to every listener. Mux.mu is held.
func (m *Mux) tell(event func(clientVersion string) map[string]any) {
	for l := range m.listeners {
		select {
		case l.events <- event(l.version):
		default: // it does not read: it has to begin again
			l.conn.Close()
		}
	}
}

// find returns what has a number.
func (m *Mux) find(id int64) (attachment, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.attached {
		if int64(a.id) == id {
			return a, true
		}
	}
	return attachment{}, false
}

// Serve answers clients on a listener until the context ends, then closes it.
// Connections that were handed to a phone live as long as the phone.
func (m *Mux) Serve(ctx context.Context, l net.Listener) error {
	clients := &connSet{conns: map[net.Conn]struct{}{}}
	stop := context.AfterFunc(ctx, func() {
		l.Close()
		clients.close()
	})
	defer stop()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept usbmux client: %w", err)
		}
		if u, ok := conn.(*net.UnixConn); ok {
			// The default of 208 KiB makes phone and host wait for each other
			// in turns: half a gigabyte a second less. A smaller one is no harm.
			_ = u.SetWriteBuffer(4 << 20)
		}
		if clients.add(conn) {
			go m.serveClient(conn, clients)
		}
	}
}

// A connSet is the connections that are still the mux's own.
type connSet struct {
	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

func (s *connSet) add(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return false
	}
	s.conns[conn] = struct{}{}
	return true
}

func (s *connSet) remove(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

func (s *connSet) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for conn := range maps.Keys(s.conns) {
		conn.Close()
	}
}
