package host

import (
	"time"

	"russet"
)

// sheetWatch passes events on and notes how long the phone showed its passcode
// sheet. Events come one at a time.
type sheetWatch struct {
	tell  func(russet.Event) // may be nil
	seen  bool
	since time.Time // zero while it is not shown
	sum   time.Duration
}

func (w *sheetWatch) event(e russet.Event) {
	switch {
	case e.Passcode && w.since.IsZero():
		w.seen, w.since = true, time.Now()
	case !e.Passcode:
		w.sum, w.since = w.total(), time.Time{}
	}
	if w.tell != nil {
		w.tell(e)
	}
}

// total is how long somebody had to type it so far.
func (w *sheetWatch) total() time.Duration {
	if w.since.IsZero() {
		return w.sum
	}
	return w.sum + time.Since(w.since)
}
