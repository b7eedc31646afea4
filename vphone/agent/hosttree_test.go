package agent_test

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// node is a file or a folder of a host; a folder has children.
type node struct {
	data     []byte
	children map[string]*node
}

func (n *node) copy() *node {
	c := &node{data: n.data}
	if n.children != nil {
		c.children = make(map[string]*node, len(n.children))
		for name, child := range n.children {
			c.children[name] = child.copy()
		}
	}
	return c
}

func (n *node) find(name string) *node {
	for part := range strings.SplitSeq(name, "/") {
		if n = n.children[part]; n == nil {
			return nil
		}
	}
	return n
}

// parent finds the folder of a name, which must be there.
func (n *node) parent(name string) (*node, string, error) {
	dir, base := path.Split(name)
	if dir != "" {
		n = n.find(strings.TrimSuffix(dir, "/"))
	}
	if n == nil || n.children == nil {
		return nil, "", fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return n, base, nil
}

func (n *node) put(name string, data []byte) error {
	dir, base, err := n.parent(name)
	if err == nil {
		dir.children[base] = &node{data: data}
	}
	return err
}

func (n *node) mkdir(name string) error {
	dir, base, err := n.parent(name)
	if err == nil && dir.children[base] == nil {
		dir.children[base] = &node{children: map[string]*node{}}
	}
	return err
}

func (n *node) remove(name string) {
	if dir, base, err := n.parent(name); err == nil {
		delete(dir.children, base)
	}
}

// move moves or copies.
func (n *node) move(from, to string, gone bool) error {
	item := n.find(from)
	if item == nil {
		return fmt.Errorf("%s: %w", from, fs.ErrNotExist)
	}
	dir, base, err := n.parent(to)
	if err != nil {
		return err
	}
	dir.children[base] = item
	if gone {
		n.remove(from)
	} else {
		dir.children[base] = item.copy()
	}
	return nil
}

// files lists the files below a folder, relative to it, with their sizes.
func (h *host) files(root string) map[string]int64 {
	out := map[string]int64{}
	if n := h.root.find(root); n != nil {
		n.list("", out)
	}
	return out
}

func (n *node) list(prefix string, out map[string]int64) {
	for name, child := range n.children {
		if child.children == nil {
			out[prefix+name] = int64(len(child.data))
		}
		child.list(prefix+name+"/", out)
	}
}

func texts(v any) []string {
	items, _ := v.([]any)
	out := make([]string, len(items))
	for i, item := range items {
		out[i], _ = item.(string)
	}
	return out
}
