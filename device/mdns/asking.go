package mdns

import (
	"slices"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// What is asked, and when.

const (
	// firstWait and lastWait are the times between two questions for the
	// service, which double. Twice the last is less than shortest, so that one
	// lost answer is no loss.
	firstWait = time.Second
	lastWait  = 55 * time.Second
	// moment is how long the parts of an announcement may be apart.
	moment = 100 * time.Millisecond
	// maxTries is how often a missing part is asked for.
	maxTries = 6
	// maxQuestions bounds one packet.
	maxQuestions = 40
)

// due says when something must be asked for, apart from the service itself;
// the zero time is never.
func (i *instance) due(service string) time.Time {
	var first time.Time
	soonest := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	if i.wanting() {
		soonest(i.tryAt())
	}
	i.leases(service, func(l *lease, _ question) { soonest(l.again()) })
	return first
}

// next is when the cache needs attention: something runs out or must be asked
// for.
func (c *cache) next() (t time.Time, ok bool) {
	for _, i := range c.instances {
		for _, at := range []time.Time{i.until(), i.due(c.service)} {
			if !at.IsZero() && (!ok || at.Before(t)) {
				t, ok = at, true
			}
		}
	}
	return t, ok
}

// questions are those due on an interface. Asking is noted.
func (c *cache) questions(iface string, now time.Time) []question {
	var qs []question
	add := func(q question) bool {
		if slices.Contains(qs, q) {
			return true
		}
		if len(qs) >= maxQuestions {
			return false
		}
		qs = append(qs, q)
		return true
	}
	for _, i := range c.instances {
		if i.iface != iface {
			continue
		}
		if i.wanting() && !i.tryAt().After(now) {
			for _, q := range i.missing() {
				add(q)
			}
			i.tried, i.tries = now, i.tries+1
		}
		i.leases(c.service, func(l *lease, q question) {
			if at := l.again(); !at.IsZero() && !at.After(now) && add(q) {
				l.asked++
			}
		})
	}
	return qs
}

// lacking says whether something is missing that was not asked for yet and is to
// be asked for by now.
func (c *cache) lacking(now time.Time) bool {
	for _, i := range c.instances {
		if i.tries == 0 && i.wanting() && !i.tryAt().After(now) {
			return true
		}
	}
	return false
}

// wanting says whether something is missing that is worth asking for.
func (i *instance) wanting() bool {
	return i.tries < maxTries && (!i.complete() || i.txt.until.IsZero())
}

// tryAt is when to ask for it: in a moment, for the rest may be on its way, and
// then at times that double.
func (i *instance) tryAt() time.Time {
	if i.tries == 0 {
		return i.grown.Add(moment)
	}
	return i.tried.Add(firstWait << (i.tries - 1))
}

// missing are the questions for what is not known.
func (i *instance) missing() (qs []question) {
	switch {
	case i.host == "":
		qs = append(qs, question{i.name, dnsmessage.TypeSRV})
	case len(i.addrs) == 0:
		qs = append(qs, question{i.host, dnsmessage.TypeA}, question{i.host, dnsmessage.TypeAAAA})
	}
	if i.txt.until.IsZero() {
		qs = append(qs, question{i.name, dnsmessage.TypeTXT})
	}
	return qs
}

// known are the names nobody needs to repeat: those with more than half of
// their time to go (RFC 6762, 7.1).
func (c *cache) known(iface string, now time.Time) []known {
	var all []known
	for _, i := range c.instances {
		left := i.ptr.until.Sub(now)
		if i.iface == iface && i.complete() && left > i.ptr.until.Sub(i.ptr.born)/2 {
			all = append(all, known{i.name, left})
		}
	}
	return all
}
