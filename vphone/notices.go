package vphone

import "sync"

// A noticeBoard passes notifications to who observes them.
type noticeBoard struct {
	mu        sync.Mutex
	observers map[*observer]struct{}
}

// An observer is one connection of a notification proxy.
type observer struct {
	names map[string]bool
	queue chan string
}

// maxNames is how many names a connection may observe; hosts have about ten.
const maxNames = 1000

// waiting is how many notifications an observer may leave unread; later ones
// are lost, as nobody can wait for a host that does not read.
const waiting = 128

func (b *noticeBoard) join() *observer {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := &observer{names: map[string]bool{}, queue: make(chan string, waiting)}
	if b.observers == nil {
		b.observers = map[*observer]struct{}{}
	}
	b.observers[o] = struct{}{}
	return o
}

func (b *noticeBoard) leave(o *observer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.observers, o)
	close(o.queue)
}

func (b *noticeBoard) observe(o *observer, name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(o.names) < maxNames {
		o.names[name] = true
	}
}

func (b *noticeBoard) post(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for o := range b.observers {
		if !o.names[name] {
			continue
		}
		select {
		case o.queue <- name:
		default:
		}
	}
}

// PostNotification tells every host that observes the name.
func (p *Phone) PostNotification(name string) {
	p.log.Debug("notification", "name", name)
	p.notices.post(name)
}
