package vault

import (
	"errors"
	"fmt"
	"path"

	"russet/internal/facts"
	"russet/internal/overlay"
	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

// draftArrivals are the files of a draft.
type draftArrivals struct {
	d      *draft
	copied int
}

func (a *draftArrivals) list(name string) ([]overlay.Item, error) {
	return a.d.over.List(path.Join(string(a.d.note.Device), name))
}

func (a *draftArrivals) ready(*builder, string, []overlay.Item, []mobilesync.Record) error {
	return nil
}

func (a *draftArrivals) file(c *builder, name string, it overlay.Item, row *mobilesync.Record) (entry, error) {
	if it.ID == 0 && it.Base != name || it.ID != 0 && a.d.over.Shared(it.ID) {
		if a.copied++; a.copied > maxCopies {
			return entry{}, facts.Damaged("it holds too many copies of its own files, %q among them", name)
		}
	}
	if it.ID == 0 {
		return a.stayed(c, name, it, row)
	}
	return a.received(c, name, it, row)
}

// stayed carries a file over from the last backup, unread.
func (a *draftArrivals) stayed(c *builder, name string, it overlay.Item, row *mobilesync.Record) (entry, error) {
	old, err := a.d.base.lookup(it.Base)
	if err != nil || old.entry == nil {
		return entry{}, errors.Join(err, fmt.Errorf("carry %q over from the last backup", it.Base))
	}
	e := *old.entry
	e.Name = name
	if row == nil || c.keys == nil {
		return e, nil
	}
	key, why := keyOf(row, c.keys)
	switch {
	case e.Why == whyPassword: // which has become known
		if e.Key.key, e.Why = key, why; key != nil {
			e.Why = whyPending
		}
	case e.Key.key == nil || len(row.EncryptionKey) == 0:
	case key == nil || string(key.Bytes()) != string(e.Key.key.Bytes()):
		c.rekey++ // what the device sent stays what it was
	}
	return e, nil
}

// received is a file of this run.
func (a *draftArrivals) received(c *builder, name string, it overlay.Item, row *mobilesync.Record) (entry, error) {
	p, ok, err := a.d.places.get(it.ID)
	if err != nil {
		return entry{}, err
	}
	if !ok {
		return entry{}, facts.Damaged("%s was received and is lost", name)
	}
	e := entry{Name: name, Stored: p.size, Sum: p.sum}
	var key *keybag.Key
	if row != nil {
		e.Domain, e.Path = row.Domain, row.Path
		key, _ = keyOf(row, c.keys)
	} else if name == facts.ManifestDB || name == facts.ManifestPlist {
		src, err := a.d.source(it.ID)
		if err != nil {
			return e, err
		}
		e, err = c.manifest(e, nil, src, &p.sum)
		return e, errors.Join(err, src.Close())
	}
	// Whoever finishes a run that broke off may not know the password any more:
	// what the device sent is kept then, if it is still there.
	if p.cbc && key == nil && p.seg != 0 {
		p.id = ""
	}
	if p.cbc && key != nil && markOf(key) != p.key {
		if p, err = a.again(c, it.ID, p, key, row); err != nil {
			return e, err
		}
	}
	if p.id == "" {
		if p, err = a.asIs(c, it.ID, p, c.whyLocked(row)); err != nil {
			return e, err
		}
	}
	e.id, e.Size = p.id, p.length
	switch {
	case p.cbc && key == nil:
		return e, facts.Damaged("%s was decrypted, and the backup's password is not known any more", name)
	case p.cbc:
		e.Rebuild, e.Content, e.Key.key = rebuildCBC, &p.content, key
	case key != nil:
		e.Key.key, e.Why = key, p.why
		if p.why == "" {
			e.Why = whyPending
		}
		if p.why == whyNoKey {
			e.Key.key = nil
		}
	default:
		if e.Why = p.why; e.Why == whyPending || e.Why == "" {
			e.Why = c.whyLocked(row)
		}
	}
	return e, nil
}

// again keeps a file that was decrypted before the device sent a manifest with
// another key for it.
func (a *draftArrivals) again(c *builder, id overlay.ID, p place, key *keybag.Key, row *mobilesync.Record) (place, error) {
	if p.seg == 0 {
		return p, facts.Damaged("%s of %q has another key than when it came", row.Path, row.Domain)
	}
	src, err := a.d.source(id)
	if err != nil {
		return p, err
	}
	defer src.Close()
	s, err := c.w.stow(c.ctx, src, key, &p.sum, row.Path)
	if err != nil {
		return p, err
	}
	s.settle(row)
	p.id, p.length, p.content, p.cbc, p.why, p.key = s.id, s.length, s.content, s.cbc, s.why, markOf(key)
	return p, a.d.places.put(id, p)
}

// whyLocked is why a file without a key is kept as it came; "" if that is what
// it is.
func (c *builder) whyLocked(row *mobilesync.Record) string {
	switch {
	case row != nil:
		_, why := keyOf(row, c.keys)
		return why
	case c.v.rec.Locked:
		return whyPassword
	default:
		return ""
	}
}

// asIs puts a file into the vault as it came.
func (a *draftArrivals) asIs(c *builder, id overlay.ID, p place, why string) (place, error) {
	src, err := a.d.source(id)
	if err != nil {
		return p, err
	}
	defer src.Close()
	s, err := c.w.stow(c.ctx, src, nil, &p.sum, "")
	if err != nil {
		return p, err
	}
	p.id, p.length, p.content, p.cbc, p.why = s.id, s.length, s.content, false, why
	return p, a.d.places.put(id, p)
}
