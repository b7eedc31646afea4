package depot

import (
	"container/list"
	"context"
	"errors"
	"sync"

	"github.com/kopia/kopia/repo/object"
)

// itemCost is what an item takes beside its data.
const itemCost = 256

// cache keeps the chunks and seek tables that were read last, within a budget
// of bytes. Names are those of contents, so what it holds is never stale, and
// equal chunks of several objects are held once.
type cache struct {
	mu    sync.Mutex
	max   int64
	used  int64
	order *list.List // of *item, last used first
	items map[object.ID]*item
}

// item is one chunk or seek table. Its data never changes once it is ready.
type item struct {
	data    []byte
	entries []object.IndirectObjectEntry
	cost    int64

	id    object.ID
	place *list.Element // nil while it is being read
	ready chan struct{} // closed when data and err are set
	err   error
}

func newCache(limit int64) *cache {
	return &cache{max: limit, order: list.New(), items: make(map[object.ID]*item)}
}

// get returns the item called id, read by read if nobody else has read it or
// is at it.
func (c *cache) get(ctx context.Context, id object.ID, read func() (*item, error)) (*item, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c.mu.Lock()
		it, ok := c.items[id]
		if !ok {
			it = &item{id: id, ready: make(chan struct{})}
			c.items[id] = it
			c.mu.Unlock()
			c.fill(it, read)
			return it, it.err
		}
		if it.place != nil {
			c.order.MoveToFront(it.place)
			c.mu.Unlock()
			return it, nil
		}
		c.mu.Unlock()
		select {
		case <-it.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		// Who read it may have been cancelled; we were not.
		if !errors.Is(it.err, context.Canceled) && !errors.Is(it.err, context.DeadlineExceeded) {
			return it, it.err
		}
	}
}

// fill reads an item and lets everybody see it; a failed one is forgotten.
func (c *cache) fill(it *item, read func() (*item, error)) {
	it.err = errors.New("reading did not end") // a panic must not leave others waiting
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		defer close(it.ready)
		if it.err != nil {
			delete(c.items, it.id)
			return
		}
		it.place = c.order.PushFront(it)
		c.used += it.cost
		for c.used > c.max && c.order.Len() > 1 {
			last := c.order.Remove(c.order.Back()).(*item)
			delete(c.items, last.id)
			c.used -= last.cost
		}
	}()
	got, err := read()
	if err == nil {
		it.data, it.entries, it.cost = got.data, got.entries, got.cost
	}
	it.err = err
}
