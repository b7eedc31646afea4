package mdns

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
)

// How a responder takes its time, RFC 6762 sections 6 and 8.3.
const (
	announcements = 2
	betweenThem   = time.Second
	// pause is the least time between two multicasts of the same record.
	pause = time.Second
	// leastDelay and mostDelay are for answers that others give as well.
	leastDelay, mostDelay = 20 * time.Millisecond, 120 * time.Millisecond
	// recently is a quarter of the shortest time to live: who asks for a
	// unicast answer is answered so if everybody heard the record since.
	recently = ttlShort * time.Second / 4
)

// A Responder announces a phone until it is closed.
type Responder struct {
	log      *slog.Logger
	sockets  []*socket
	packets  chan packet
	commands chan func()
	stopping chan struct{}
	done     chan struct{}

	// What follows belongs to the goroutine of run.
	zone      zone
	silent    bool
	left      int       // announcements yet to be made
	announce  time.Time // when the next is due
	pending   records   // asked for and not yet multicast
	due       time.Time // when they are
	lastSpoke time.Time
}

// A packet is what came in, and where.
type packet struct {
	data []byte
	from netip.AddrPort
	by   *socket
}

// Start announces on one interface, over IPv4 and IPv6 as far as it has them.
func Start(a Advert, ifi *net.Interface, log *slog.Logger) (*Responder, error) {
	z, err := a.zone()
	if err != nil {
		return nil, fmt.Errorf("announce %q: %w", a.Instance, err)
	}
	sockets, err := listen(ifi, a.Addrs)
	if err != nil {
		return nil, fmt.Errorf("announce on %q: %w", ifi.Name, err)
	}
	r := &Responder{
		log: log, sockets: sockets, zone: z, left: announcements,
		packets: make(chan packet, 16), commands: make(chan func()),
		stopping: make(chan struct{}), done: make(chan struct{}),
	}
	for _, s := range sockets {
		go s.read(r.packets, r.done)
	}
	go r.run()
	return r, nil
}

// Update changes what is announced, on the same interface.
func (r *Responder) Update(a Advert) error {
	z, err := a.zone()
	if err != nil {
		return fmt.Errorf("announce %q: %w", a.Instance, err)
	}
	r.tell(func() {
		if !sameName(z.instance, r.zone.instance) {
			r.multicast(r.zone.goodbye())
		}
		r.zone, r.left, r.announce = z, announcements, time.Time{}
	})
	return nil
}

// Silence stops answers without a word, or announces again.
func (r *Responder) Silence(on bool) {
	r.tell(func() {
		r.silent = on
		r.left, r.announce, r.pending = announcements, time.Time{}, none
	})
}

// Close says goodbye and ends.
func (r *Responder) Close() {
	r.tell(func() { r.multicast(r.zone.goodbye()) })
	r.Abandon()
}

// Abandon ends without a word, as who is out of reach does.
func (r *Responder) Abandon() {
	r.tell(func() { close(r.stopping) })
	<-r.done
}

// tell has run do something; after the end it is not done.
func (r *Responder) tell(do func()) {
	finished := make(chan struct{})
	select {
	case r.commands <- func() { do(); close(finished) }:
		<-finished
	case <-r.done:
	}
}

func (r *Responder) run() {
	defer func() {
		for _, s := range r.sockets {
			if err := s.close(); err != nil && !errors.Is(err, net.ErrClosed) {
				r.log.Debug("multicast DNS", "error", err)
			}
		}
		close(r.done)
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-r.stopping:
			return
		case do := <-r.commands:
			do()
		case p := <-r.packets:
			r.hear(p)
		case <-timer.C:
		}
		if wait, something := r.speak(time.Now()); something {
			timer.Reset(wait)
		}
	}
}

// speak sends what is due and says how long the rest has time.
func (r *Responder) speak(now time.Time) (wait time.Duration, something bool) {
	if r.silent {
		return 0, false
	}
	if r.left > 0 && !now.Before(r.announce) {
		r.multicast(r.zone.multicast(announced, none))
		r.left, r.announce = r.left-1, now.Add(betweenThem)
		r.pending &^= announced
	}
	if r.pending != none && !now.Before(r.due) {
		r.multicast(r.zone.multicast(r.pending, r.pending.alongside()))
		r.pending = none
	}
	switch {
	case r.left > 0 && r.pending != none:
		return min(r.announce.Sub(now), r.due.Sub(now)), true
	case r.left > 0:
		return r.announce.Sub(now), true
	case r.pending != none:
		return r.due.Sub(now), true
	}
	return 0, false
}

// hear answers a packet, at once or in a moment.
func (r *Responder) hear(p packet) {
	q, ok := parseQuery(p.data)
	if !ok || r.silent {
		return
	}
	var toAll, toOne records
	for _, question := range q.questions {
		if question.Class&wantsUnicast != 0 {
			toOne |= r.zone.asked(question)
		} else {
			toAll |= r.zone.asked(question)
		}
	}
	if p.from.Port() != port {
		if answers := r.zone.unknown(toAll|toOne, q.known); answers != none {
			r.unicast(p, q, answers)
		}
		return
	}
	toAll, toOne = r.zone.unknown(toAll, q.known), r.zone.unknown(toOne, q.known)
	now := time.Now()
	if toOne != none {
		if now.Sub(r.lastSpoke) > recently {
			toAll |= toOne
		} else {
			data, err := r.zone.multicast(toOne, toOne.alongside())
			r.send(p.by, data, err, net.UDPAddrFromAddrPort(p.from))
		}
	}
	r.postpone(toAll, now)
}

// unicast answers a legacy resolver.
func (r *Responder) unicast(p packet, q query, answers records) {
	data, err := r.zone.legacy(q, answers, answers.alongside())
	r.send(p.by, data, err, net.UDPAddrFromAddrPort(p.from))
}

// postpone has an answer wait a moment: others may answer at the same time, and
// nobody may be answered every time.
func (r *Responder) postpone(answers records, now time.Time) {
	if answers == none {
		return
	}
	due := now.Add(leastDelay + rand.N(mostDelay-leastDelay))
	if again := r.lastSpoke.Add(pause); due.Before(again) {
		due = again
	}
	if r.pending == none || due.Before(r.due) {
		r.due = due
	}
	r.pending |= answers
}

// multicast sends to everybody, over both protocols.
func (r *Responder) multicast(data []byte, err error) {
	r.lastSpoke = time.Now()
	for _, s := range r.sockets {
		r.send(s, data, err, s.group)
	}
}

// send has no one to give its errors to: an interface may be down for a while.
func (r *Responder) send(s *socket, data []byte, err error, to *net.UDPAddr) {
	if err == nil {
		err = s.write(data, to)
	}
	if err != nil {
		r.log.Debug("multicast DNS", "to", to, "error", err)
	}
}
