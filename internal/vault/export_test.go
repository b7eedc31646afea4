package vault

import (
	"context"
	"fmt"

	"russet"
)

// Line is what the index says of one file.
type Line struct {
	Rebuild, Why string
	Size, Stored int64
	Key          bool
}

// Lines reads the index of a backup whole, by the files' names.
func Lines(c russet.Contents) (map[string]Line, error) {
	t := c.(*contents).tree
	lines := map[string]Line{}
	add := func(list []entry) {
		for i := range list {
			e := &list[i]
			lines[e.Name] = Line{Rebuild: e.Rebuild, Why: e.Why, Size: e.Size, Stored: e.Stored, Key: e.Key.key != nil}
		}
	}
	for i := range 256 {
		list, err := t.lines(fmt.Sprintf("%02x", i))
		if err != nil {
			return nil, err
		}
		add(list)
	}
	add(t.other)
	return lines, nil
}

// SayOtherwise makes the index of an open backup say of a file that it is
// another.
func SayOtherwise(c russet.Contents, name string) error {
	it, err := c.(*contents).tree.lookup(name)
	if err == nil {
		it.entry.Sum[0] ^= 1
	}
	return err
}

// WaitNormalised waits for the work beside the device.
func WaitNormalised(d russet.Draft) { d.(*draft).waitWork() }

// SpoolBytes is what a draft's spool holds.
func SpoolBytes(d russet.Draft) int64 {
	if s := d.(*draft).spool; s != nil {
		return s.used
	}
	return 0
}

// BadChunks reads everything that the vault's index knows.
func BadChunks(ctx context.Context, s *Store) ([]string, error) {
	bad, err := s.depot.VerifyContents(ctx, 100, nil)
	var names []string
	for _, b := range bad {
		names = append(names, b.ID)
	}
	return names, err
}
