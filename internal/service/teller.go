package service

import (
	"encoding/json"
	"net/http"
	"sync"

	"russet"
)

// maxTold is how many steps wait for a listener who does not listen. What a
// person must see is still taken when idle steps are not.
const (
	maxTold    = 512
	idlyTold   = 32
	tellerSize = 4 << 10
)

// teller writes lines to somebody without ever making the run wait for them.
type teller struct {
	w    http.ResponseWriter
	more chan struct{} // cap 1
	done chan struct{}

	mu      sync.Mutex
	waiting []line
	last    russet.Event // the last step taken in
	over    bool
}

func newTeller(w http.ResponseWriter) *teller {
	t := &teller{w: w, more: make(chan struct{}, 1), done: make(chan struct{})}
	go t.write()
	return t
}

// event takes a step of a run.
func (t *teller) event(e russet.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	room := idlyTold
	if e.Stage != t.last.Stage || e.Message != "" || e.Passcode != t.last.Passcode {
		room = maxTold
	}
	if t.over || len(t.waiting) >= room {
		return
	}
	t.last = e
	t.waiting = append(t.waiting, line{Event: &e})
	t.poke()
}

func (t *teller) poke() {
	select {
	case t.more <- struct{}{}:
	default:
	}
}

// end writes the last line, and returns when everything is written or nobody
// is there to read it.
func (t *teller) end(l line) {
	t.mu.Lock()
	t.over = true
	t.waiting = append(t.waiting, l)
	t.poke()
	t.mu.Unlock()
	<-t.done
}

func (t *teller) write() {
	defer close(t.done)
	out := json.NewEncoder(t.w)
	flush := http.NewResponseController(t.w)
	failed := false
	for range t.more {
		t.mu.Lock()
		lines, over := t.waiting, t.over
		t.waiting = nil
		t.mu.Unlock()
		for _, l := range lines {
			failed = failed || out.Encode(l) != nil
		}
		failed = failed || flush.Flush() != nil
		if over {
			return
		}
	}
}
