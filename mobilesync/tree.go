package mobilesync

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// tree is the index behind Files: of each row its path and kind, sorted, in
// eight bytes more than the path. What else there is to know is asked of
// Manifest.db.
type tree struct {
	names   []string // of the domains as fs knows them, sorted
	domains map[string]*domainTree
}

// domainTree holds the paths of one domain. Slashes are stored as sep, so
// that bytes.Compare puts a directory right before what is in it, and not
// "a-b" between "a" and "a/b".
type domainTree struct {
	domain  string // as Manifest.db has it
	arena   []byte
	entries []treeEntry
	// odd holds rows whose ID is not that of domain and path as stored here.
	odd map[string]FileID
}

type treeEntry struct {
	at   uint32
	n    uint16
	kind Kind
}

// sep stands for the slash. Names cannot hold it: it is escaped.
const sep = "\x00"

// escapeName makes a path fs.ValidPath accepts out of one it does not: bytes
// that are not UTF-8 and NUL become %XX, the elements "", "." and ".." become
// "%", "%2E" and "%2E%2E". Other paths stay as they are, also such with a
// percent sign: where that makes two paths equal, one row is shown.
func escapeName(name string) string {
	if fs.ValidPath(name) && name != "." && !strings.Contains(name, sep) {
		return name
	}
	elements := strings.Split(name, "/")
	for i, e := range elements {
		elements[i] = escapeElement(e)
	}
	return strings.Join(elements, "/")
}

func escapeElement(e string) string {
	switch e {
	case "":
		return "%"
	case ".", "..":
		return strings.ReplaceAll(e, ".", "%2E")
	}
	var out strings.Builder
	for len(e) > 0 {
		r, n := utf8.DecodeRuneInString(e)
		if r == 0 || (r == utf8.RuneError && n == 1) {
			fmt.Fprintf(&out, "%%%02X", e[0])
		} else {
			out.WriteString(e[:n])
		}
		e = e[n:]
	}
	return out.String()
}

// escapeDomain does the same for a domain, which must be a single element.
func escapeDomain(domain string) string {
	return escapeElement(strings.ReplaceAll(domain, "/", "%2F"))
}

// loadTree returns the index, built with the first call.
func (b *Backup) loadTree(ctx context.Context) (*tree, error) {
	b.treeMu.Lock()
	defer b.treeMu.Unlock()
	if b.tree != nil {
		return b.tree, nil
	}
	if b.source == nil {
		return nil, b.closed()
	}
	db, err := b.source.connect(ctx)
	if err != nil {
		return nil, err
	}
	t := &tree{domains: make(map[string]*domainTree)}
	byDomain := make(map[string]*domainTree)
	for row, err := range db.Rows(ctx, "SELECT fileID, domain, relativePath, flags FROM Files WHERE file IS NOT NULL") {
		if err != nil {
			_ = db.Close() // the first error counts
			return nil, damagedIf(err)
		}
		id, err := parseFileID(row.RawText(0))
		kind := Kind(row.Int(3) & kindMask)
		if err != nil || row.Null(1) || (kind != File && kind != Dir && kind != Symlink) {
			continue // Records tells of it
		}
		d := byDomain[string(row.RawText(1))]
		if d == nil {
			d = t.add(row.Text(1))
			byDomain[d.domain] = d
		}
		d.add(row.RawText(2), kind, id)
	}
	if err := db.Close(); err != nil {
		return nil, damagedIf(err)
	}
	for _, d := range t.domains {
		d.sort()
	}
	t.names = slices.Sorted(maps.Keys(t.domains))
	b.tree = t
	return t, nil
}

// add makes a new domain. Two whose names are equal once escaped are told
// apart by a number.
func (t *tree) add(domain string) *domainTree {
	name := escapeDomain(domain)
	for i := 2; t.domains[name] != nil; i++ {
		name = fmt.Sprintf("%s%%%d", escapeDomain(domain), i)
	}
	d := &domainTree{domain: domain, odd: make(map[string]FileID)}
	t.domains[name] = d
	return d
}

func (d *domainTree) add(path []byte, kind Kind, id FileID) {
	name := string(path)
	if len(path) > 0 {
		name = escapeName(name)
	}
	// A path longer than any system's longest, or more of them than any disk
	// holds, is nobody's file.
	if len(name) > math.MaxUint16 || len(d.arena) > math.MaxUint32-math.MaxUint16 {
		return
	}
	if name != string(path) || id != FileIDOf(d.domain, name) {
		d.odd[name] = id
	}
	d.entries = append(d.entries, treeEntry{uint32(len(d.arena)), uint16(len(name)), kind})
	at := len(d.arena)
	d.arena = append(d.arena, name...)
	for i, c := range d.arena[at:] {
		if c == '/' {
			d.arena[at+i] = sep[0]
		}
	}
}

func (d *domainTree) path(e treeEntry) []byte { return d.arena[e.at : int(e.at)+int(e.n)] }

func (d *domainTree) sort() {
	slices.SortStableFunc(d.entries, func(a, b treeEntry) int { return bytes.Compare(d.path(a), d.path(b)) })
	d.entries = slices.CompactFunc(d.entries, func(a, b treeEntry) bool { return bytes.Equal(d.path(a), d.path(b)) })
	// Without the room that appending has left.
	d.entries = slices.Clone(d.entries)
	d.arena = bytes.Clone(d.arena)
}

// search returns where key is or would be.
func (d *domainTree) search(key string) int {
	i, _ := slices.BinarySearchFunc(d.entries, key, func(e treeEntry, key string) int {
		return bytes.Compare(d.path(e), []byte(key))
	})
	return i
}

func (d *domainTree) hasPrefix(i int, prefix string) bool {
	return i < len(d.entries) && bytes.HasPrefix(d.path(d.entries[i]), []byte(prefix))
}

// node is one name of the tree: a row, or a directory that other rows imply.
type node struct {
	domain *domainTree // nil for the root of all
	path   string      // as stored in the tree; "" is the domain's root
	kind   Kind
	row    bool // there is a row
}

// find looks a path up, which is in the form of the tree.
func (d *domainTree) find(path string) (node, bool) {
	i := d.search(path)
	n := node{domain: d, path: path, kind: Dir}
	if i < len(d.entries) && string(d.path(d.entries[i])) == path {
		n.row, n.kind = true, d.entries[i].kind
		i++
	}
	// What contains something is a directory, whatever its row says.
	below := path + sep
	if path == "" || d.hasPrefix(i, below) || d.hasPrefix(d.search(below), below) {
		n.kind = Dir
		return n, true
	}
	return n, n.row
}

// children lists the names in a directory, in order.
func (d *domainTree) children(path string) []node {
	prefix := path + sep
	if path == "" {
		prefix = ""
	}
	var out []node
	i := d.search(prefix)
	if path == "" && i < len(d.entries) && d.entries[i].n == 0 {
		i++ // the domain's own row
	}
	for d.hasPrefix(i, prefix) {
		child := string(d.path(d.entries[i]))
		if end := strings.Index(child[len(prefix):], sep); end >= 0 {
			child = child[:len(prefix)+end]
		}
		n, _ := d.find(child)
		out = append(out, n)
		if i++; !d.hasPrefix(i, child+sep) && n.kind != Dir {
			continue // the common case: a file, and the next name
		}
		i = d.search(child + "\x01") // behind all that is in it
	}
	return out
}

// id is the file ID of a node that has a row.
func (n *node) id() FileID {
	path := strings.ReplaceAll(n.path, sep, "/")
	if id, ok := n.domain.odd[path]; ok {
		return id
	}
	return FileIDOf(n.domain.domain, path)
}
