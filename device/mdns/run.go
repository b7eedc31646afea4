package mdns

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// rescan is how often the interfaces are looked at.
	rescan = 15 * time.Second
	// pause is the least time between two questions (RFC 6762, 5.2).
	pause = time.Second
	// shortPause is that when a part is missing which was not asked for yet: not
	// every responder tells all at once, and somebody may be waiting.
	shortPause = pause / 4
	// leap is how much clocks may disagree, or a timer be late, before it is
	// taken for a sleep.
	leap = 5 * time.Second
)

// heard is a packet with what is known of its way.
type heard struct {
	packet packet
	iface  int  // index; 0 if unknown
	direct bool // it came to a port of our own
	source netip.Addr
}

// run is one Run of a browser: all of it belongs to one goroutine.
type run struct {
	b       *Browser
	changed func()
	cache   *cache
	air     *air

	lastAsk    time.Time
	lastBrowse time.Time // when the service was asked for
	nextAsk    time.Time
	wait       time.Duration // until the question after the next
	scanned    time.Time
	woke       time.Time // the last turn of the loop
	due        time.Time // when the next was to be
}

func newRun(b *Browser, changed func()) *run {
	return &run{b: b, changed: changed, cache: newCache(b.service), air: newAir(b.log, b.service)}
}

// loop turns whenever something was heard or is due.
func (r *run) loop(ctx context.Context) {
	r.scan(time.Now(), true)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case h := <-r.air.heard:
			r.take(h)
		case <-r.b.ask:
			r.scan(time.Now(), true)
		case <-timer.C:
		}
		now := time.Now()
		r.watchClock(now)
		if now.Sub(r.scanned) >= rescan {
			r.scan(now, false)
		}
		r.cache.expire(now)
		r.askIfDue(now)
		r.publish()
		r.due = r.next(now)
		timer.Reset(r.due.Sub(now))
	}
}

// take takes in a packet.
func (r *run) take(h heard) {
	if name := r.air.nameOf(h); name != "" {
		r.cache.apply(name, h.source, h.packet.records, h.direct, time.Now())
	}
}

// next is when the loop has to turn if nothing is heard.
func (r *run) next(now time.Time) time.Time {
	t := r.scanned.Add(rescan)
	if r.nextAsk.Before(t) {
		t = r.nextAsk
	}
	if c, ok := r.cache.next(); ok && c.Before(t) {
		t = c
	}
	if soon := now.Add(moment); t.Before(soon) {
		return soon // a question that waits for its pause
	}
	return t
}

// watchClock notices a sleep of this computer. Some systems stop the monotonic
// clock meanwhile and the wall clock is ahead afterwards; others do not, and
// the timer is late.
func (r *run) watchClock(now time.Time) {
	if !r.woke.IsZero() {
		drift := now.Round(0).Sub(r.woke.Round(0)) - now.Sub(r.woke)
		if drift.Abs() > leap || now.Sub(r.due) > leap {
			r.b.log.Debug("the clock has leapt; asking the network again", "by", max(drift.Abs(), now.Sub(r.due)))
			r.cache.doubt("", now)
			r.scan(now, true)
		}
	}
	r.woke = now
}

// scan looks at the interfaces. When they changed, or again is set, the
// questions begin anew.
func (r *run) scan(now time.Time, again bool) {
	changed, gone := r.air.scan()
	for _, name := range gone {
		r.cache.drop(name)
	}
	for _, name := range changed {
		r.cache.doubt(name, now)
	}
	r.scanned = now
	if again || len(changed) > 0 {
		r.wait, r.nextAsk = firstWait, now
	}
}

// askIfDue asks for the service when its time has come, and for single records
// when theirs has.
func (r *run) askIfDue(now time.Time) {
	if !r.mayAsk(now) {
		return
	}
	browse := !r.nextAsk.After(now) && now.Sub(r.lastBrowse) >= pause
	asked := false
	for _, i := range r.air.interfaces() {
		qs := r.cache.questions(i.Name, now)
		service := question{r.b.service, dnsmessage.TypePTR}
		if browse && !slices.Contains(qs, service) {
			qs = slices.Insert(qs, 0, service)
		}
		if len(qs) == 0 {
			continue
		}
		asked = true
		r.air.ask(i, qs, r.cache.known(i.Name, now))
	}
	if browse {
		r.lastBrowse, r.nextAsk = now, now.Add(r.wait)
		r.wait = min(2*r.wait, lastWait)
	}
	if asked {
		r.lastAsk = now
	}
}

// mayAsk says whether the pause since the last question is over.
func (r *run) mayAsk(now time.Time) bool {
	if r.cache.lacking(now) {
		return now.Sub(r.lastAsk) >= shortPause
	}
	return now.Sub(r.lastAsk) >= pause
}

// publish hands out what is valid now.
func (r *run) publish() {
	adverts := r.cache.adverts()
	r.b.mu.Lock()
	same := slices.EqualFunc(r.b.adverts, adverts, Advert.same)
	r.b.adverts = adverts
	r.b.state = r.air.state()
	r.b.mu.Unlock()
	if !same {
		r.b.log.Debug("mDNS adverts changed", "adverts", len(adverts))
		r.changed()
	}
}
