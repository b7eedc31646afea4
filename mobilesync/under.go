package mobilesync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// RecordsUnder lists the rows whose stored file is in the folder of a byte
// ("ab" for 0xab), in the order of their IDs, as Records does. Asked for the
// folders in their order, it reads Manifest.db from front to back, several
// folders at a time: looking rows up one by one would read it at random.
func (b *Backup) RecordsUnder(ctx context.Context, first byte) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		b.mu.Lock()
		err := b.loadUnder(ctx, int(first))
		var rows []underRow
		if err == nil {
			rows = b.under.rows[int(first)-b.under.from]
		}
		b.mu.Unlock()
		if err != nil {
			yield(Record{}, err)
			return
		}
		for _, x := range rows {
			if !yield(x.r, x.err) {
				return
			}
		}
	}
}

// under holds the rows of some folders of stored files.
type under struct {
	from int // the first folder
	rows [][]underRow
}

type underRow struct {
	r   Record
	err error
}

const (
	// heldRows are in memory at once, about 20 MB.
	heldRows = 48 << 10
	// rowBytes is what a row takes of Manifest.db, on real phones.
	rowBytes = 1 << 10
)

// loadUnder reads the rows of a folder and of as many behind it as may be held.
func (b *Backup) loadUnder(ctx context.Context, first int) error {
	if b.db == nil {
		return b.closed()
	}
	if first >= b.under.from && first < b.under.from+len(b.under.rows) {
		return nil
	}
	wide := int(min(256, max(1, 256*heldRows/max(1, b.source.size/rowBytes))))
	to := min(256, first+wide)
	b.under = under{}
	rows := make([][]underRow, to-first)
	var failed error
	add := func(r Record, err error) bool {
		at := int(r.ID[0])
		if bad, ok := errors.AsType[*RowError](err); ok {
			if _, e := fmt.Sscanf(bad.FileID, "%02x", &at); e != nil {
				return true
			}
		} else if err != nil {
			failed = err
			return false
		}
		if at >= first && at < to {
			rows[at-first] = append(rows[at-first], underRow{r, err})
		}
		return true
	}
	// The plus keeps SQLite from using the index of the column.
	query := selectRecords + " WHERE +fileID >= ? AND +fileID < ?"
	scanRecords(ctx, b.db, add, query, fmt.Sprintf("%02x", first), fmt.Sprintf("%02xg", to-1))
	if err := errors.Join(failed, ctx.Err()); err != nil {
		return err
	}
	for _, list := range rows {
		slices.SortStableFunc(list, func(a, b underRow) int { return bytes.Compare(a.r.ID[:], b.r.ID[:]) })
	}
	b.under = under{from: first, rows: rows}
	return nil
}
