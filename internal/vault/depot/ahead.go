package depot

import "sync"

// ahead decides what to read before it is asked for.
type ahead struct {
	mu     sync.Mutex
	window int64 // how far; 0 = never
	next   int64 // where the next read begins if reading is sequential
	streak int   // reads that began there
	done   int64 // everything before it was asked for
	slots  chan struct{}
	closed bool
	work   sync.WaitGroup
}

func (a *ahead) init(low bool) {
	a.slots = make(chan struct{}, 2)
	if !low {
		a.window = 8 << 20
	}
}

// stop waits for what is running; nothing starts after it.
func (a *ahead) stop(cancel func()) {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	cancel()
	a.work.Wait()
}

// plan notes a read and returns the range to fetch now; empty when from == to,
// else work has one more to wait for.
func (a *ahead) plan(off, n, size int64) (from, to int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count(off, n)
	if a.streak < 2 || a.window == 0 || a.closed {
		return 0, 0
	}
	from = max(a.done, a.next)
	to = min(from+a.window/4, a.next+a.window, size)
	if to <= from {
		return 0, 0
	}
	a.done = to
	a.work.Add(1)
	return from, to
}

// readAhead fetches in the background what comes after a sequential read.
func (r *Reader) readAhead(off, n int64) {
	select {
	case r.ahead.slots <- struct{}{}:
	default:
		r.ahead.note(off, n)
		return
	}
	from, to := r.ahead.plan(off, n, r.size)
	if from == to {
		<-r.ahead.slots
		return
	}
	go func() {
		defer r.ahead.work.Done()
		defer func() { <-r.ahead.slots }()
		for from < to && r.f.ctx.Err() == nil {
			e, err := r.find(from)
			if err == nil {
				_, err = r.f.chunk(e)
			}
			if err != nil {
				return // whoever reads there gets the error
			}
			from = e.Start + e.Length
		}
	}()
}

// note keeps count of sequential reads while all slots are busy.
func (a *ahead) note(off, n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count(off, n)
}

func (a *ahead) count(off, n int64) {
	if off == a.next && off > 0 {
		a.streak++
	} else {
		a.streak, a.done = 0, 0
	}
	a.next = off + n
}
