package disk

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
)

// Capacity is what every virtual iPhone can hold, in bytes: 256 GB as Apple
// counts them.
const Capacity = 256_000_000_000

// ErrFull is returned by Put when the phone cannot hold the content.
var ErrFull = errors.New("no space left on the phone")

var errClosed = errors.New("the phone's disk is closed")

// source is what a phone was born with and never stores: its entries come in
// the order of Walk, which is by domain and then by path, byte by byte.
type source interface {
	walk(fn func(*Entry) error) error
	lookup(domain, path string) *Entry
	open(domain, path string) io.ReadCloser
	size() int64
}

// journal writes down changes of the tree so that they outlive the process.
type journal interface {
	put(*node) error
	remove(domain, path string) error
	close(t *tree, cuts []place) error
}

// layers is the one implementation of Disk: a tree of entries, a store of
// their bytes, perhaps a source below, perhaps a journal.
type layers struct {
	tree  tree
	store store
	base  source  // nil for none
	log   journal // nil for none

	mu     sync.RWMutex
	cut    map[place]struct{} // removed from base, with everything below
	closed bool
}

// NewMemory returns an empty disk that lives as long as the process.
func NewMemory() Disk { return &layers{store: memory{}} }

func (l *layers) Walk(fn func(*Entry) error) error {
	if err := l.usable(); err != nil {
		return err
	}
	order := l.tree.sorted()
	emit := func(n *node) error {
		e := n.Entry
		return fn(&e)
	}
	if l.base != nil {
		err := l.base.walk(func(e *Entry) error {
			at := place{e.Domain, e.Path}
			for len(order) > 0 && order[0].place().compare(at) < 0 {
				if err := emit(order[0]); err != nil {
					return err
				}
				order = order[1:]
			}
			if len(order) > 0 && order[0].place() == at {
				return nil // emitted by the next turn, in the base entry's stead
			}
			if l.isCut(e.Domain, e.Path) {
				return nil
			}
			return fn(e)
		})
		if err != nil {
			return err
		}
	}
	for _, n := range order {
		if err := emit(n); err != nil {
			return err
		}
	}
	return nil
}

func (l *layers) Lookup(domain, path string) (*Entry, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	if n := l.tree.lookup(domain, path); n != nil {
		e := n.Entry
		return &e, nil
	}
	if l.base != nil && !l.isCut(domain, path) {
		if e := l.base.lookup(domain, path); e != nil {
			return e, nil
		}
	}
	return nil, fmt.Errorf("%q in %s: %w", path, domain, ErrNotExist)
}

func (l *layers) Open(domain, path string) (io.ReadCloser, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	n := l.tree.lookup(domain, path)
	switch {
	case n != nil && n.Kind == File:
		return openContent(l.store, n.blob)
	case n == nil && l.base != nil && !l.isCut(domain, path):
		if e := l.base.lookup(domain, path); e != nil && e.Kind == File {
			return l.base.open(domain, path), nil
		}
	case n != nil:
		return nil, fmt.Errorf("%q in %s is not a file", path, domain)
	}
	return nil, fmt.Errorf("%q in %s: %w", path, domain, ErrNotExist)
}

func (l *layers) Put(e *Entry, content io.Reader) error {
	if err := l.usable(); err != nil {
		return err
	}
	if err := check(e); err != nil {
		return err
	}
	n := &node{Entry: *e}
	n.Domain, n.Path, n.Target = strings.Clone(e.Domain), strings.Clone(e.Path), strings.Clone(e.Target)
	n.XAttrs = maps.Clone(e.XAttrs)
	if e.Kind == File {
		b, err := keepContent(l.store, content)
		if err != nil {
			return fmt.Errorf("storing %q in %s: %w", e.Path, e.Domain, err)
		}
		n.blob = b
	}
	n.Size = n.blob.size
	if err := l.enter(n); err != nil {
		l.release(n)
		return fmt.Errorf("storing %q in %s: %w", e.Path, e.Domain, err)
	}
	return nil
}

func (l *layers) enter(n *node) error {
	if n.Size > l.free() {
		return ErrFull
	}
	if l.log != nil {
		if err := l.log.put(n); err != nil {
			return err
		}
	}
	if l.base != nil && n.Kind != Dir {
		l.hide(n.Domain, n.Path)
	}
	l.release(l.tree.put(n)...)
	return nil
}

func (l *layers) Remove(domain, path string) error {
	if err := l.usable(); err != nil {
		return err
	}
	if _, err := l.Lookup(domain, path); err != nil {
		return err
	}
	if l.log != nil {
		if err := l.log.remove(domain, path); err != nil {
			return fmt.Errorf("removing %q in %s: %w", path, domain, err)
		}
	}
	if l.base != nil {
		l.hide(domain, path)
	}
	l.release(l.tree.remove(domain, path)...)
	return nil
}

func (l *layers) release(nodes ...*node) {
	for _, n := range nodes {
		b := n.blob
		if b.head != nil {
			b = *b.head
		}
		l.store.drop(b)
	}
}

// Free counts what was put on the phone and what it was born with; removing
// the latter frees nothing.
func (l *layers) Free() (int64, error) {
	if err := l.usable(); err != nil {
		return 0, err
	}
	return l.free(), nil
}

func (l *layers) free() int64 {
	used := l.tree.size()
	if l.base != nil {
		used += l.base.size()
	}
	return max(Capacity-used, 0)
}

func (l *layers) Close() error {
	l.mu.Lock()
	closed := l.closed
	l.closed = true
	l.mu.Unlock()
	if closed || l.log == nil {
		return nil
	}
	cuts := make([]place, 0, len(l.cut))
	for p := range l.cut {
		cuts = append(cuts, p)
	}
	return l.log.close(&l.tree, cuts)
}

func (l *layers) usable() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return errClosed
	}
	return nil
}

// hide makes the source's entry at path, and everything below it, go away.
func (l *layers) hide(domain, path string) {
	if l.base.lookup(domain, path) == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut == nil {
		l.cut = make(map[place]struct{})
	}
	l.cut[place{domain, path}] = struct{}{}
}

// isCut says whether the source's entry was removed, by itself or with a
// directory above it.
func (l *layers) isCut(domain, path string) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if len(l.cut) == 0 {
		return false
	}
	for {
		if _, ok := l.cut[place{domain, path}]; ok {
			return true
		}
		if path == "" {
			return false
		}
		path = path[:max(strings.LastIndexByte(path, '/'), 0)]
	}
}
