package depot

import (
	"encoding/json"

	"github.com/kopia/kopia/repo/content"
	"github.com/kopia/kopia/repo/object"
)

const (
	// tableFlat is how many chunks one seek table may list. A longer object
	// gets tables of tableStep chunks below it: the stock tool reads the range
	// of such a table as a whole, and a page that changes rewrites one small
	// table instead of one that is as long as the object.
	tableFlat = 8192
	tableStep = 1024

	streamID = "kopia:indirect"
)

// table collects the chunks of an object and stores its seek table. How it
// nests depends on nothing but the number of chunks.
type table struct {
	put     func([]object.IndirectObjectEntry) (object.ID, error)
	entries []object.IndirectObjectEntry
	above   *table // once nested: the tables that are full
	end     int64  // where the next entry starts
}

func (t *table) empty() bool { return t.above == nil && len(t.entries) == 0 }

// add appends an entry, whose Start is set here.
func (t *table) add(e object.IndirectObjectEntry) error {
	e.Start = t.end
	t.entries = append(t.entries, e)
	t.end += e.Length
	switch {
	case t.above == nil && len(t.entries) > tableFlat:
		t.above = &table{put: t.put}
		rest := t.entries
		for len(rest) > tableStep {
			if err := t.push(rest[:tableStep]); err != nil {
				return err
			}
			rest = rest[tableStep:]
		}
		t.restart(rest)
		return nil
	case t.above != nil && len(t.entries) > tableStep:
		if err := t.push(t.entries[:tableStep]); err != nil {
			return err
		}
		t.restart(t.entries[tableStep:])
	}
	return nil
}

// restart makes rest the beginning of the next table.
func (t *table) restart(rest []object.IndirectObjectEntry) {
	t.entries = append(make([]object.IndirectObjectEntry, 0, tableStep+1), rest...)
}

// push stores entries as a table of their own and lists it above.
func (t *table) push(entries []object.IndirectObjectEntry) error {
	first, last := entries[0].Start, entries[len(entries)-1]
	own := make([]object.IndirectObjectEntry, len(entries))
	for i, e := range entries {
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
	if err := t.push(t.entries); err != nil {
		return object.EmptyID, err
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
