package mdns

import (
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// air is all sockets. Only the channel and what is atomic is touched by
// readers.
type air struct {
	log     *slog.Logger
	service string
	heard   chan heard
	done    chan struct{}
	readers sync.WaitGroup
	at      atomic.Int64                        // when another machine was heard last
	own     atomic.Pointer[map[netip.Addr]bool] // this machine's addresses

	shared [len(families)]*socket
	links  map[int]*link
	failed error // why the interfaces are not known
}

func newAir(log *slog.Logger, service string) *air {
	a := &air{log: log, service: service, heard: make(chan heard, 64), done: make(chan struct{}), links: map[int]*link{}}
	a.own.Store(&map[netip.Addr]bool{})
	return a
}

// close closes all sockets and waits for their readers.
func (a *air) close() {
	close(a.done)
	for _, s := range a.shared {
		a.shut(s)
	}
	for _, l := range a.links {
		a.drop(l)
	}
	a.readers.Wait()
}

func (a *air) shut(s *socket) {
	if s != nil {
		_ = s.conn.Close() // nothing was promised
	}
}

func (a *air) drop(l *link) {
	for _, s := range l.direct {
		a.shut(s)
	}
	delete(a.links, l.Index)
}

// scan brings the sockets in line with the interfaces there are, and reports
// those that are new or have other addresses, and those that are gone.
func (a *air) scan() (changed, gone []string) {
	found, err := candidates()
	if a.failed = err; err != nil {
		return nil, nil
	}
	own := map[netip.Addr]bool{}
	for _, l := range found {
		for _, p := range l.prefixes {
			own[p.Addr()] = true
		}
	}
	a.own.Store(&own)
	for index, old := range a.links {
		if l, ok := found[index]; !ok || l.Name != old.Name {
			a.drop(old)
			gone = append(gone, old.Name)
			a.log.Debug("mDNS leaves an interface", "interface", old.Name)
		}
	}
	reopened := a.openShared()
	for index, l := range found {
		old := a.links[index]
		same := old != nil && slices.Equal(old.prefixes, l.prefixes)
		if old != nil {
			l.direct = old.direct
		}
		a.links[index] = l
		a.openDirect(l)
		for f, s := range a.shared {
			if s != nil && l.has(f) && (!same || reopened[f]) {
				if err := s.join(&l.Interface); err != nil {
					a.log.Debug("mDNS cannot listen", "interface", l.Name, "error", err)
				}
			}
		}
		if !same {
			changed = append(changed, l.Name)
			a.log.Debug("mDNS uses an interface", "interface", l.Name, "addresses", l.prefixes)
		}
	}
	return changed, gone
}

// openShared opens what is not open of the shared sockets, and tells which were.
func (a *air) openShared() (opened [len(families)]bool) {
	for f, s := range a.shared {
		if s != nil && !s.dead.Load() {
			continue
		}
		a.shut(s)
		s, err := openShared(families[f])
		if err != nil {
			a.log.Debug("mDNS cannot share port 5353", "network", families[f].network, "error", err)
			s = nil
		} else {
			a.start(s)
		}
		a.shared[f], opened[f] = s, s != nil
	}
	return opened
}

func (a *air) openDirect(l *link) {
	for f, s := range l.direct {
		if l.has(f) && (s == nil || s.dead.Load()) {
			a.shut(s)
			s, err := openDirect(families[f], &l.Interface)
			if err != nil {
				a.log.Debug("mDNS cannot ask", "interface", l.Name, "error", err)
				s = nil
			} else {
				a.start(s)
			}
			l.direct[f] = s
		}
	}
}

// start reads from a socket.
func (a *air) start(s *socket) {
	a.readers.Go(func() {
		s.read(func(msg []byte, iface int, from netip.AddrPort) {
			if s.direct {
				iface = s.iface
			}
			if h, ok := a.judge(s, msg, iface, from); ok {
				select {
				case a.heard <- h:
				case <-a.done:
				}
			}
		})
	})
}

// judge reads a packet and says whether it is worth waking anybody.
func (a *air) judge(s *socket, msg []byte, iface int, from netip.AddrPort) (heard, bool) {
	source := from.Addr().Unmap()
	p, err := parse(msg)
	if err != nil && len(p.records) == 0 || from.Port() != port {
		return heard{}, false
	}
	if !(*a.own.Load())[source.WithZone("")] {
		a.at.Store(time.Now().UnixNano())
	}
	p.records = slices.DeleteFunc(p.records, func(r record) bool { return !a.concerns(r) })
	if len(p.records) == 0 || s.direct && p.id != s.id {
		return heard{}, false
	}
	return heard{packet: p, iface: iface, direct: s.direct, source: source}, true
}

// concerns says whether a record can be of our service.
func (a *air) concerns(r record) bool {
	switch r.kind {
	case dnsmessage.TypePTR:
		return equal(r.name, a.service)
	case dnsmessage.TypeA, dnsmessage.TypeAAAA:
		return true // of a machine that may be known
	default:
		n := len(r.name) - len(a.service)
		return n > 0 && equal(r.name[n:], a.service)
	}
}

// nameOf is the interface a packet came by, "" if that is none in use. Where
// the system does not say, the sender's address does.
func (a *air) nameOf(h heard) string {
	if l, ok := a.links[h.iface]; ok {
		return l.Name
	}
	if h.iface != 0 {
		return ""
	}
	for _, l := range a.interfaces() {
		if h.source.Zone() == l.Name {
			return l.Name
		}
		for _, p := range l.prefixes {
			if h.source.Zone() == "" && p.Contains(h.source) {
				return l.Name
			}
		}
	}
	return ""
}

// interfaces are those in use, sorted by name.
func (a *air) interfaces() []*link {
	return slices.SortedFunc(maps.Values(a.links), func(x, y *link) int { return x.Index - y.Index })
}

// ask sends questions on an interface: from the shared port, to be answered to
// everybody, and from our own, to be answered to us. Who is asked from the
// shared port leaves out what is known.
func (a *air) ask(l *link, questions []question, answers []known) {
	var err error
	sent := false
	for f := range families {
		if !l.has(f) {
			continue
		}
		for _, s := range []*socket{a.shared[f], l.direct[f]} {
			if s == nil {
				continue
			}
			var known []known
			if !s.direct {
				known = answers
			}
			msg, e := query(s.id, questions, a.service, known)
			if e == nil {
				e = s.send(&l.Interface, msg)
			}
			if e != nil {
				err = e
				a.log.Debug("mDNS cannot ask", "interface", l.Name, "error", e)
			}
			sent = sent || e == nil
		}
	}
	if l.err = err; sent {
		l.err = nil
	}
}

// state describes the sockets.
func (a *air) state() State {
	s := State{Shared: a.shared[0] != nil || a.shared[1] != nil}
	if at := a.at.Load(); at != 0 {
		s.Heard = time.Unix(0, at)
	}
	broken := 0
	var last *link
	for _, l := range a.interfaces() {
		s.Interfaces = append(s.Interfaces, l.Name)
		if l.err != nil {
			broken, last = broken+1, l
		}
	}
	switch {
	case a.failed != nil:
		s.Problem = a.failed.Error()
	case len(a.links) == 0:
		s.Problem = "this computer has no network interface that carries multicast"
	case broken == len(a.links):
		s.Problem = fmt.Sprintf("nothing can be sent on %s: %v", last.Name, last.err)
	}
	return s
}
