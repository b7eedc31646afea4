package service

import (
	"context"
	"slices"
	"sync"
)

// slots limit how many devices are backed up side by side. Persons come before
// the schedule.
type slots struct {
	mu      sync.Mutex
	limit   int
	taken   int
	persons []chan struct{} // who waits, in order
}

// try takes a slot for the schedule, which does not wait.
func (q *slots) try() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.taken >= q.limit || len(q.persons) > 0 {
		return false
	}
	q.taken++
	return true
}

// take takes a slot for a person, after those who came before. waits is called
// when there is none yet.
func (q *slots) take(ctx context.Context, waits func()) error {
	if q.try() {
		return nil
	}
	q.mu.Lock()
	turn := make(chan struct{})
	q.persons = append(q.persons, turn)
	q.mu.Unlock()
	q.hand(0)
	waits()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	i := slices.Index(q.persons, turn)
	if i >= 0 {
		q.persons = slices.Delete(q.persons, i, i+1)
	}
	q.mu.Unlock()
	if i < 0 { // it came in the same moment
		q.hand(1)
	}
	return context.Cause(ctx)
}

// give gives a slot back, to the person who waits longest.
func (q *slots) give() { q.hand(1) }

// hand gives n slots back and hands what is free to those who wait.
func (q *slots) hand(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken -= n
	for q.taken < q.limit && len(q.persons) > 0 {
		close(q.persons[0])
		q.persons = slices.Delete(q.persons, 0, 1)
		q.taken++
	}
}

// resize changes how many there are; those that are taken stay.
func (q *slots) resize(limit int) {
	q.mu.Lock()
	q.limit = limit
	q.mu.Unlock()
	q.hand(0)
}
