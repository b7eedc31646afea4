package vault

import (
	"fmt"

	"russet"
)

// Index lists what the vault knows of the files in a folder "00" to "ff" of the
// backup, sorted by name. Nothing else of the backup is read for it.
func (c *contents) Index(folder string) ([]russet.Indexed, error) {
	list, err := c.tree.lines(folder)
	if err != nil {
		return nil, fmt.Errorf("read the index of the backup %s: %w", c.backup.ID, err)
	}
	out := make([]russet.Indexed, len(list))
	for i := range list {
		e := &list[i]
		out[i] = russet.Indexed{
			Name: e.Name, Domain: e.Domain, Path: e.Path, Size: e.Size, Sum: e.content(), Sealed: e.sealed(),
		}
	}
	return out, nil
}

// sealed reports whether what is kept of a file is its ciphertext.
func (e *entry) sealed() bool {
	switch e.Why {
	case "", whyForeign, whyDataless:
		return false
	default:
		return true
	}
}

// lines reads the index of one folder of payloads.
func (t *tree) lines(folder string) ([]entry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.prepare(); err != nil {
		return nil, err
	}
	e, ok := t.index[folder]
	if !ok {
		return nil, nil
	}
	return readIndex(t.ctx, t.from, e.ID)
}
