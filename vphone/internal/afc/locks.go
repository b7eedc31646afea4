package afc

import "sync"

// Lock operations, as flock numbers them with "do not block" added.
const (
	lockShared    = 5
	lockExclusive = 6
	lockNone      = 12
)

// Locks are the locks on files of a phone, over all its connections. The zero
// value has none.
type Locks struct {
	mu    sync.Mutex
	files map[string]map[*file]bool // by name; true for exclusive
}

// apply takes, changes or gives up the lock of an open file.
func (l *Locks) apply(f *file, op uint64) error {
	if op == lockNone {
		l.release(f)
		return nil
	}
	if op != lockShared && op != lockExclusive {
		return StatusArgument
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for other, exclusive := range l.files[f.name] {
		if other != f && (exclusive || op == lockExclusive) {
			return StatusWouldBlock
		}
	}
	if l.files == nil {
		l.files = map[string]map[*file]bool{}
	}
	if l.files[f.name] == nil {
		l.files[f.name] = map[*file]bool{}
	}
	l.files[f.name][f] = op == lockExclusive
	return nil
}

func (l *Locks) release(f *file) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.files[f.name], f)
	if len(l.files[f.name]) == 0 {
		delete(l.files, f.name)
	}
}
