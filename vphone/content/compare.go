package content

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"russet/vphone/disk"
)

// CompareOptions say what of two phones is expected to differ. The zero value
// expects nothing.
type CompareOptions struct {
	// Plain leaves out what only encrypted backups hold.
	Plain bool
	// LeftOut leaves out what it says true to, for instance the domains that
	// a restore does not bring back.
	LeftOut func(*disk.Entry) bool
	// Most is how many differences are enough; 0 is all of them.
	Most int
}

// Difference is one thing that is not the same on two phones.
type Difference struct {
	Domain, Path string
	What         string // in plain words, the first phone's value first
}

func (d Difference) String() string { return fmt.Sprintf("%s %q: %s", d.Domain, d.Path, d.What) }

var errEnough = errors.New("enough differences")

// Compare lists how phone b differs from phone a: entries missing or too
// many, and of the others kind, content, mode, owner, modification time to
// the second, protection class, flags, extended attributes and link target.
func Compare(a, b disk.Disk, o CompareOptions) ([]Difference, error) {
	c := comparison{a: a, b: b, o: o}
	err := a.Walk(c.first)
	if err == nil {
		err = b.Walk(c.second)
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return c.found, err
}

type comparison struct {
	a, b  disk.Disk
	o     CompareOptions
	found []Difference
	bufs  [2][]byte
}

func (c *comparison) skip(e *disk.Entry) bool {
	return c.o.Plain && e.EncryptedOnly || c.o.LeftOut != nil && c.o.LeftOut(e)
}

func (c *comparison) differ(e *disk.Entry, format string, args ...any) error {
	if c.o.Most > 0 && len(c.found) >= c.o.Most {
		return errEnough
	}
	c.found = append(c.found, Difference{Domain: e.Domain, Path: e.Path, What: fmt.Sprintf(format, args...)})
	return nil
}

func (c *comparison) first(e *disk.Entry) error {
	if c.skip(e) {
		return nil
	}
	other, err := c.b.Lookup(e.Domain, e.Path)
	if errors.Is(err, disk.ErrNotExist) {
		return c.differ(e, "missing")
	}
	if err != nil {
		return err
	}
	return c.entries(e, other)
}

func (c *comparison) second(e *disk.Entry) error {
	if c.skip(e) {
		return nil
	}
	if _, err := c.a.Lookup(e.Domain, e.Path); !errors.Is(err, disk.ErrNotExist) {
		return err
	}
	return c.differ(e, "should not be there")
}

func (c *comparison) entries(a, b *disk.Entry) error {
	if a.Kind != b.Kind {
		return c.differ(a, "%s became %s", kindWord(a.Kind), kindWord(b.Kind))
	}
	for _, f := range []struct {
		name string
		a, b any
	}{
		{"mode", fmt.Sprintf("%#o", a.Mode), fmt.Sprintf("%#o", b.Mode)},
		{"owner", fmt.Sprintf("%d:%d", a.UID, a.GID), fmt.Sprintf("%d:%d", b.UID, b.GID)},
		{"modified", a.ModTime.Unix(), b.ModTime.Unix()},
		{"protection class", a.Class, b.Class},
		{"flags", a.Flags, b.Flags},
		{"link target", a.Target, b.Target},
	} {
		if f.a == f.b {
			continue
		}
		if err := c.differ(a, "%s %v became %v", f.name, f.a, f.b); err != nil {
			return err
		}
	}
	if err := c.attributes(a, b); err != nil || a.Kind != disk.File {
		return err
	}
	return c.contents(a, b)
}

func kindWord(k disk.Kind) string {
	switch k {
	case disk.File:
		return "a file"
	case disk.Dir:
		return "a directory"
	case disk.Symlink:
		return "a link"
	}
	return fmt.Sprintf("something of kind %d", k)
}

func (c *comparison) attributes(a, b *disk.Entry) error {
	names := slices.Collect(maps.Keys(a.XAttrs))
	for name := range b.XAttrs {
		if _, ok := a.XAttrs[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		x, inA := a.XAttrs[name]
		y, inB := b.XAttrs[name]
		var err error
		switch {
		case !inB:
			err = c.differ(a, "attribute %q is missing", name)
		case !inA:
			err = c.differ(a, "attribute %q should not be there", name)
		case !bytes.Equal(x, y):
			err = c.differ(a, "attribute %q differs: %d bytes became %d", name, len(x), len(y))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) contents(a, b *disk.Entry) error {
	if a.Size != b.Size {
		return c.differ(a, "%d bytes became %d", a.Size, b.Size)
	}
	x, err := c.a.Open(a.Domain, a.Path)
	if err != nil {
		return err
	}
	defer x.Close()
	y, err := c.b.Open(b.Domain, b.Path)
	if err != nil {
		return err
	}
	defer y.Close()
	at, err := c.firstDifference(x, y)
	if err != nil {
		return fmt.Errorf("comparing %q in %s: %w", a.Path, a.Domain, err)
	}
	if at >= 0 {
		return c.differ(a, "content differs from byte %d of %d on", at, a.Size)
	}
	return nil
}

// firstDifference finds where two readers differ; -1 is nowhere.
func (c *comparison) firstDifference(x, y io.Reader) (int64, error) {
	for i := range c.bufs {
		if c.bufs[i] == nil {
			c.bufs[i] = make([]byte, 256<<10)
		}
	}
	for at := int64(0); ; {
		n, errX := io.ReadFull(x, c.bufs[0])
		k, errY := io.ReadFull(y, c.bufs[1])
		for _, err := range []error{errX, errY} {
			if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return 0, err
			}
		}
		if same := bytes.Equal(c.bufs[0][:n], c.bufs[1][:k]); !same {
			i := 0
			for i < min(n, k) && c.bufs[0][i] == c.bufs[1][i] {
				i++
			}
			return at + int64(i), nil
		}
		if at += int64(n); errX != nil {
			return -1, nil
		}
	}
}
