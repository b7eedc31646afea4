package reach

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"russet/device/mdns"
)

const (
	// announceWait is how long a command waits for phones to say that they are
	// here.
	announceWait = 1500 * time.Millisecond
	// huntLimit bounds a search, whatever is announced, unless somebody has answered
	// and is still heard out; hearLimit bounds that too where nobody waits for it. A
	// session is eleven answers: on a network with two seconds of delay it would
	// never come about in less.
	huntLimit = 12 * time.Second
	hearLimit = 30 * time.Second
	// firstLimit and answerLimit bound the first and each further answer in a try,
	// and slowLimit the whole of it: a phone that is slow is no phone that is
	// silent. A stranger gets less.
	firstLimit    = 10 * time.Second
	answerLimit   = 15 * time.Second
	slowLimit     = 90 * time.Second
	strangerLimit = 4 * time.Second
	// knocksAtOnce bounds the tries under way.
	knocksAtOnce = 8
	// stagger is the head start of a device's better address before its next
	// one is tried too.
	stagger = 300 * time.Millisecond
)

// hunt is one search for devices on the network. Its fields belong to the
// goroutine that runs it.
type hunt struct {
	ds      *Devices
	missing []*wanted           // what is looked for
	all     []*wanted           // what is known
	enough  func(Sighting) bool // ends the search when one is found; nil if all are meant
	fresh   bool                // try again what failed lately
	// adverts is what is announced; nil is the network itself.
	adverts func() []mdns.Advert

	found   []Sighting
	tries   []try
	tried   map[string]bool       // leads by their keys
	started map[*wanted]time.Time // when the last try for a device began
	running int
	heard   []*atomic.Bool // of each try whether it had an answer and goes on
	asked   int            // how many strangers
	turn    int            // where among the adverts it begins
	results chan result
}

// try is one that failed, for those who want to know why a device is missing.
type try struct {
	lead
	err error
}

type result struct {
	lead
	s   Sighting
	err error
}

// run searches: through what is announced already if somebody follows, else
// also through what is announced while it waits.
func (n *hunt) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var knocks sync.WaitGroup
	late := n.search(ctx, &knocks)
	cancel()
	knocks.Wait()
	if late {
		n.giveUp()
	}
}

// search returns true when it ended before all tries did.
func (n *hunt) search(ctx context.Context, knocks *sync.WaitGroup) (late bool) {
	n.turn = rand.Int()
	n.tried, n.started, n.results = map[string]bool{}, map[*wanted]time.Time{}, make(chan result, knocksAtOnce)
	changed := make(chan struct{}, 1)
	wait := time.Duration(0)
	if n.adverts == nil {
		n.adverts, wait = n.ds.listen(ctx, changed, n.fresh)
	}
	waiting := time.NewTimer(wait)
	defer waiting.Stop()
	tick := time.NewTicker(stagger)
	defer tick.Stop()
	began := time.Now()
	// Who follows what is announced looks again soon, and has others to look after.
	waits := n.fresh || n.ds.browser.Load() == nil
	for patient := wait > 0; ; {
		more := false
		switch took := time.Since(began); {
		case took < huntLimit:
			more = n.start(ctx, knocks)
		case !n.talks(), !waits && took >= hearLimit:
			return true
		}
		if len(n.missing) == 0 || (!patient && !more && n.running == 0) {
			return false
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-waiting.C:
			patient = false
		case r := <-n.results:
			if n.take(r) {
				return false
			}
		case <-ctx.Done():
			return false
		}
	}
}

// giveUp notes of those who had not answered by the end of the search that they
// did not.
func (n *hunt) giveUp() {
	for {
		select {
		case r := <-n.results:
			if errors.Is(r.err, context.Canceled) {
				r.err = context.DeadlineExceeded
			}
			if r.err == nil || r.clue < byNothing { // a stranger had no time
				n.take(r)
			}
		default:
			return
		}
	}
}

// listen begins to hear announcements, or takes those of Follow, which asks
// anew for one that is meant; wait is how long it is worth waiting for more.
func (ds *Devices) listen(ctx context.Context, changed chan<- struct{}, anew bool) (adverts func() []mdns.Advert, wait time.Duration) {
	if b := ds.browser.Load(); b != nil {
		if anew {
			b.Ask() // for the next time
		}
		return b.Adverts, 0
	}
	b := mdns.New(mdns.Options{Log: ds.log})
	go b.Run(ctx, func() { //nolint:errcheck // it ends with ctx
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	return b.Adverts, announceWait
}

// start begins the tries that may begin now, and reports whether others must
// wait.
func (n *hunt) start(ctx context.Context, knocks *sync.WaitGroup) (more bool) {
	for _, l := range leads(inTurn(n.missing, n.turn), n.all, inTurn(n.adverts(), n.turn), n.ds.misses.mayTry) {
		key := l.key()
		stranger := l.clue == byNothing || l.clue == byTags
		if n.tried[key] || (stranger && n.asked == strangers) || n.rests(l, key) {
			continue
		}
		if n.running == knocksAtOnce || n.tooSoon(l) {
			more = true
			continue
		}
		n.tried[key] = true
		n.running++
		if stranger {
			n.asked++
		}
		if len(l.who) == 1 {
			n.started[l.who[0]] = time.Now()
		}
		heard := new(atomic.Bool)
		n.heard = append(n.heard, heard)
		knocks.Go(func() {
			r := n.ds.knock(ctx, l, heard)
			heard.Store(false)
			n.results <- r
		})
	}
	return more
}

// talks reports whether somebody has answered who is not done yet.
func (n *hunt) talks() bool {
	return slices.ContainsFunc(n.heard, (*atomic.Bool).Load)
}

// rests leaves alone what led nowhere just now. What was in the way still is, as
// far as anybody knows.
func (n *hunt) rests(l lead, key string) bool {
	if n.fresh {
		return false
	}
	why, resting := n.ds.misses.resting(key)
	if resting {
		if it, ok := errors.AsType[itself](why); ok && l.clue >= byNothing {
			l.clue = byWord
			l.who = slices.DeleteFunc(slices.Clone(l.who), func(w *wanted) bool { return w.udid != it.udid })
		}
		n.tried[key] = true
		n.tries = append(n.tries, try{l, why})
	}
	return resting
}

// inTurn begins a list elsewhere: in a crowd of strangers, of whom only some are
// asked, and for few of our devices, everybody's turn comes.
func inTurn[T any](list []T, turn int) []T {
	if len(list) == 0 {
		return nil
	}
	at := turn % len(list)
	return slices.Concat(list[at:], list[:at])
}

// tooSoon lets a device answer at its better address first.
func (n *hunt) tooSoon(l lead) bool {
	return len(l.who) == 1 && time.Since(n.started[l.who[0]]) < stagger
}

// take notes what came of a try, and reports whether the search is over.
func (n *hunt) take(r result) bool {
	n.running--
	if r.err != nil {
		n.tries = append(n.tries, try{r.lead, r.err})
		n.ds.misses.add(r.lead, r.err)
		for _, w := range r.who {
			delete(n.started, w) // its next address may be tried at once
		}
		return false
	}
	i := slices.IndexFunc(n.missing, func(w *wanted) bool { return w.udid == r.s.UDID })
	if i < 0 {
		return false // found at two addresses
	}
	n.missing = slices.Delete(slices.Clone(n.missing), i, i+1)
	n.found = append(n.found, r.s)
	return n.enough != nil && n.enough(r.s)
}

// key names a lead: the address and, for it is not the same question, whether
// one device is meant or any.
func (l lead) key() string {
	if len(l.who) == 1 && l.clue < byWord {
		return l.host + "|" + string(l.who[0].udid)
	}
	return l.host
}
