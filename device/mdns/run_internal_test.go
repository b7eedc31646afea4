package mdns

import (
	"testing"
	"time"
)

// TestLateTimer: a computer that has slept asks at once, and doubts what it
// knew; one that has not leaves it alone.
func TestLateTimer(t *testing.T) {
	for _, late := range []time.Duration{0, leap / 2, time.Hour} {
		r := newRun(New(Options{}), func() {})
		now := time.Now()
		r.cache.apply("eth0", sender, phone("192.168.1.20"), false, now)
		r.wait, r.nextAsk, r.scanned = lastWait, now.Add(lastWait), now
		r.woke, r.due = now.Add(-late-time.Second), now.Add(-late)
		r.watchClock(now)
		slept := late > leap
		if asks := !r.nextAsk.After(now); asks != slept {
			t.Errorf("late by %v: it asks: %v", late, asks)
		}
		r.cache.expire(now.Add(doubtful))
		if kept := len(r.cache.instances) == 1; kept == slept {
			t.Errorf("late by %v: it kept what it knew: %v", late, kept)
		}
		r.air.close()
	}
}
