package host

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

// misses remembers which leads led nowhere.
type misses struct {
	mu        sync.Mutex
	until     map[string]time.Time // by the keys of leads
	strangers map[string]time.Time // by their addresses
}

func (m *misses) add(l lead) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.until == nil {
		m.until, m.strangers = map[string]time.Time{}, map[string]time.Time{}
	}
	switch l.clue {
	case byNothing:
		note(m.strangers, l.host, strangerRest, maxStrangers)
	case byFixed, byLast:
		note(m.until, l.key(), guessRest, maxMisses)
	default:
		note(m.until, l.key(), announcedRest, maxMisses)
	}
}

// note keeps a map of times from growing.
func note(m map[string]time.Time, key string, rest time.Duration, most int) {
	now := time.Now()
	if len(m) >= most {
		maps.DeleteFunc(m, func(_ string, t time.Time) bool { return now.After(t) })
	}
	if len(m) < most {
		m[key] = now.Add(rest)
	}
}

// resting reports whether a lead failed just now.
func (m *misses) resting(key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Now().Before(m.until[key])
}

// mayTry reports whether a stranger may be asked.
func (m *misses) mayTry(host string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if now.Before(m.strangers[host]) {
		return false
	}
	if len(m.strangers) >= maxStrangers {
		maps.DeleteFunc(m.strangers, func(_ string, t time.Time) bool { return now.After(t) })
	}
	return len(m.strangers) < maxStrangers
}
