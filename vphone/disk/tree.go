package disk

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// The longest names iOS can store (APFS and PATH_MAX).
const (
	maxName = 255
	maxPath = 1023
)

// node is an entry and where its content lies.
type node struct {
	Entry
	blob blob
}

// place names an entry: a domain and a path in it.
type place struct{ domain, path string }

func (a place) compare(b place) int {
	if c := strings.Compare(a.domain, b.domain); c != 0 {
		return c
	}
	return strings.Compare(a.path, b.path)
}

func (n *node) place() place { return place{n.Domain, n.Path} }

// tree is the directory of a phone, in memory. Nodes never change once they
// are in it, so that a walk needs no lock while it runs.
type tree struct {
	mu      sync.RWMutex
	domains map[string]map[string]*node
	order   []*node // every node in Walk's order; nil after a change
	used    int64   // content in bytes
	count   int
}

func (t *tree) lookup(domain, path string) *node {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.domains[domain][path]
}

// put enters n and returns the nodes it takes the place of: the one of the
// same name and, when a directory stops being one, everything below.
func (t *tree) put(n *node) []*node {
	t.mu.Lock()
	defer t.mu.Unlock()
	var old []*node
	if before := t.domains[n.Domain][n.Path]; before != nil {
		if before.Kind == Dir && n.Kind != Dir {
			old = t.take(n.Domain, n.Path)
		} else {
			old = []*node{before}
			t.forget(before)
		}
	}
	if t.domains == nil {
		t.domains = make(map[string]map[string]*node)
	}
	files := t.domains[n.Domain]
	if files == nil {
		files = make(map[string]*node)
		t.domains[n.Domain] = files
	}
	files[n.Path] = n
	t.used += n.Size
	t.count++
	t.order = nil
	return old
}

// remove takes out an entry and everything below it.
func (t *tree) remove(domain, path string) []*node {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.order = nil
	return t.take(domain, path)
}

func (t *tree) take(domain, path string) []*node {
	var out []*node
	if n := t.domains[domain][path]; n != nil {
		out = append(out, n)
	}
	if len(out) == 0 || out[0].Kind == Dir {
		for p, n := range t.domains[domain] {
			if p != path && below(p, path) {
				out = append(out, n)
			}
		}
	}
	slices.SortFunc(out, func(a, b *node) int { return cmp.Compare(a.Path, b.Path) })
	for _, n := range out {
		t.forget(n)
	}
	return out
}

func (t *tree) forget(n *node) {
	delete(t.domains[n.Domain], n.Path)
	if len(t.domains[n.Domain]) == 0 {
		delete(t.domains, n.Domain)
	}
	t.used -= n.Size
	t.count--
}

// sorted returns every node in Walk's order. The slice is never changed again.
func (t *tree) sorted() []*node {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.order == nil {
		t.order = make([]*node, 0, t.count)
		for _, files := range t.domains {
			for _, n := range files {
				t.order = append(t.order, n)
			}
		}
		slices.SortFunc(t.order, func(a, b *node) int { return a.place().compare(b.place()) })
	}
	return t.order
}

func (t *tree) size() int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.used
}

// below says whether path is dir or inside it; "" is the domain's root.
func below(path, dir string) bool {
	if dir == "" || path == dir {
		return true
	}
	return len(path) > len(dir) && path[len(dir)] == '/' && path[:len(dir)] == dir
}

// check refuses what iOS's file system could not hold.
func check(e *Entry) error {
	if e.Domain == "" || strings.ContainsAny(e.Domain, "/\x00") || len(e.Domain) > maxPath {
		return fmt.Errorf("%q is not a domain's name", e.Domain)
	}
	switch {
	case e.Kind != File && e.Kind != Dir && e.Kind != Symlink:
		return fmt.Errorf("%q in %s: unknown kind %d", e.Path, e.Domain, e.Kind)
	case e.Path == "" && e.Kind != Dir:
		return fmt.Errorf("the root of %s must be a directory", e.Domain)
	case e.Path == "":
		return nil
	case len(e.Path) > maxPath || strings.Contains(e.Path, "\x00"):
		return fmt.Errorf("%q in %s is not a name a phone can store", e.Path, e.Domain)
	}
	for name := range strings.SplitSeq(e.Path, "/") {
		if name == "" || name == "." || name == ".." || len(name) > maxName {
			return fmt.Errorf("%q in %s is not a name a phone can store", e.Path, e.Domain)
		}
	}
	return nil
}
