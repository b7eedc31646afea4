package reach

import (
	"maps"
	"sync"
	"time"
)

// After a failure an address is left alone for a while by those who only look;
// a command that means the device tries it again. Strangers rest for everybody,
// and only so many of them are told who asks: a network may be full of them, or
// of one that plays them.
const (
	announcedRest = 20 * time.Second
	guessRest     = 2 * time.Minute
	strangerRest  = 30 * time.Minute
	maxMisses     = 4096
	maxStrangers  = 64 // within strangerRest
)

// misses remembers which leads led nowhere, and why.
type misses struct {
	mu        sync.Mutex
	until     map[string]miss // by the keys of leads
	strangers map[string]miss // by their addresses
}

type miss struct {
	until time.Time
	err   error // nil of strangers
}

func (m *misses) add(l lead, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.until == nil {
		m.until, m.strangers = map[string]miss{}, map[string]miss{}
	}
	switch l.clue {
	case byNothing:
		note(m.strangers, l.host, strangerRest, nil, maxStrangers)
	case byFixed, byLast:
		note(m.until, l.key(), guessRest, err, maxMisses)
	default:
		note(m.until, l.key(), announcedRest, err, maxMisses)
	}
}

// note keeps a map from growing.
func note(m map[string]miss, key string, rest time.Duration, err error, most int) {
	now := time.Now()
	if len(m) >= most {
		forget(m, now)
	}
	if len(m) < most {
		m[key] = miss{now.Add(rest), err}
	}
}

func forget(m map[string]miss, now time.Time) {
	maps.DeleteFunc(m, func(_ string, x miss) bool { return now.After(x.until) })
}

// resting reports whether a lead failed just now, and why.
func (m *misses) resting(key string) (why error, resting bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.until[key]
	return x.err, time.Now().Before(x.until)
}

// mayTry reports whether a stranger may be asked.
func (m *misses) mayTry(host string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if now.Before(m.strangers[host].until) {
		return false
	}
	if len(m.strangers) >= maxStrangers {
		forget(m.strangers, now)
	}
	return len(m.strangers) < maxStrangers
}
