package depot

import (
	"encoding/json"

	"github.com/kopia/kopia/repo/content"
	"github.com/kopia/kopia/repo/object"
	"github.com/zeebo/xxh3"
)

const streamID = "kopia:indirect"

// nesting is when an object gets tables below its seek table, and how long
// these are.
type nesting struct {
	flat        int    // chunks that one table may list when there is no other
	least, most int    // entries of a table below
	odds        uint64 // … which ends at one in so many of its entries; 0 means when it is full
}

// nesting is so coarse for files that hardly change because the stock tool
// reads the range of a table below as a whole. Of a database that changes all
// of its tables would be written again, were they long, or did they not end at
// the same chunks when a few are added before them: positions in them count
// from where each begins.
func (c *cut) nesting() nesting {
	if c.pages {
		return nesting{flat: 256, least: 16, most: 256, odds: 48}
	}
	return nesting{flat: 8192, most: 1024}
}

// table collects the chunks of an object and stores its seek table. How it
// nests depends on nothing but the chunks.
type table struct {
	put     func([]object.IndirectObjectEntry) (object.ID, error)
	nest    nesting
	entries []object.IndirectObjectEntry
	above   *table // once nested: the tables that are full
	end     int64  // where the next entry starts
}

func (t *table) empty() bool { return t.above == nil && len(t.entries) == 0 }

// add appends an entry, whose Start is set here.
func (t *table) add(e object.IndirectObjectEntry) error {
	e.Start = t.end
	t.end += e.Length
	if t.above != nil {
		return t.below(e)
	}
	if t.entries = append(t.entries, e); len(t.entries) <= t.nest.flat {
		return nil
	}
	t.above = &table{put: t.put, nest: t.nest}
	all := t.entries
	t.entries = make([]object.IndirectObjectEntry, 0, t.nest.most)
	for _, e := range all {
		if err := t.below(e); err != nil {
			return err
		}
	}
	return nil
}

// below appends an entry to a table that has one above it.
func (t *table) below(e object.IndirectObjectEntry) error {
	t.entries = append(t.entries, e)
	n := len(t.entries)
	ends := t.nest.odds > 0 && n >= t.nest.least && xxh3.HashString(e.Object.String())%t.nest.odds == 0
	if !ends && n < t.nest.most {
		return nil
	}
	err := t.push()
	t.entries = t.entries[:0]
	return err
}

// push stores the entries as a table of their own and lists it above.
func (t *table) push() error {
	first, last := t.entries[0].Start, t.entries[len(t.entries)-1]
	own := make([]object.IndirectObjectEntry, len(t.entries))
	for i, e := range t.entries {
		e.Start -= first
		own[i] = e
	}
	id, err := t.put(own)
	if err != nil {
		return err
	}
	return t.above.add(object.IndirectObjectEntry{Length: last.Start + last.Length - first, Object: id})
}

// finish stores what is left and returns the ID of the object.
func (t *table) finish() (object.ID, error) {
	if t.above == nil {
		if len(t.entries) == 1 {
			return t.entries[0].Object, nil
		}
		return t.put(t.entries)
	}
	if len(t.entries) > 0 {
		if err := t.push(); err != nil {
			return object.EmptyID, err
		}
	}
	return t.above.finish()
}

// putTable stores one seek table, in the form of the stock tool. prefix sends it
// to the packs of metadata.
func (s *Session) putTable(entries []object.IndirectObjectEntry, prefix content.IDPrefix) (object.ID, error) {
	data, err := json.Marshal(indirect{Stream: streamID, Entries: entries})
	if err != nil {
		return object.EmptyID, err
	}
	if err := s.acquire(); err != nil {
		return object.EmptyID, err
	}
	defer s.release()
	id, err := s.put(append(data, '\n'), prefix, compressor)
	if err != nil {
		return object.EmptyID, err
	}
	return object.ParseID("I" + id.String())
}

// indirect is a seek table as it is stored.
type indirect struct {
	Stream  string                       `json:"stream"`
	Entries []object.IndirectObjectEntry `json:"entries"`
}
