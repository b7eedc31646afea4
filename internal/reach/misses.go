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
	tagged    map[string]miss // those that were only asked who they are
}

type miss struct {
	until time.Time
	err   error // nil of strangers
}

func (m *misses) add(l lead, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.until == nil {
		m.until, m.strangers, m.tagged = map[string]miss{}, map[string]miss{}, map[string]miss{}
	}
	switch l.clue {
	case byNothing:
		note(m.strangers, l.host, strangerRest, nil, maxStrangers)
		if l.tagged {
			note(m.tagged, l.host, strangerRest, nil, maxStrangers)
		}
	case byTags:
		note(m.tagged, l.host, strangerRest, nil, maxStrangers)
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
func (m *misses) mayTry(host string, c clue) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	asked, now := m.strangers, time.Now()
	if c == byTags {
		asked = m.tagged
	}
	if now.Before(asked[host].until) {
		return false
	}
	if len(asked) >= maxStrangers {
		forget(asked, now)
	}
	return len(asked) < maxStrangers
}
