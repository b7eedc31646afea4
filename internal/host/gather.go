package host

import (
	"cmp"
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"russet"
	"russet/mobilesync"
)

// gathering puts together what was found of each file in many backups.
type gathering map[fileOf]*FoundFile

// fileOf is one file of one device.
type fileOf struct {
	device russet.UDID
	path   string
}

// hit is a file that was found in one backup.
type hit struct {
	id         mobilesync.FileID
	path, kind string
	size       int64
	time       time.Time
	content    string // its SHA-256; "" where nobody knows
}

func hitOf(r *mobilesync.Record) hit {
	return hit{id: r.ID, path: pathOf(r), kind: kindOf(r), size: sizeOf(r), time: r.ModTime()}
}

func seenIn(b russet.Backup) Sighting { return Sighting{ID: b.ID, Time: b.Time, Store: b.Store} }

// add takes what was found in one backup. Backups come oldest first.
func (g gathering) add(ctx context.Context, v *view, hits []hit) error {
	if err := v.contentsOf(ctx, hits); err != nil {
		return err
	}
	b := v.about
	for i := range hits {
		key := fileOf{b.Device, hits[i].path}
		f := g[key]
		if f == nil {
			f = &FoundFile{Device: b.Device, Path: hits[i].path}
			g[key] = f
		}
		f.Name, f.Kind = b.Name, hits[i].kind
		f.see(&hits[i], seenIn(b))
	}
	return nil
}

// see adds one sighting to the version it is of.
func (f *FoundFile) see(x *hit, s Sighting) {
	for i := range f.Versions {
		v := &f.Versions[i]
		same := v.Size == x.size && v.Time.Equal(x.time)
		if v.Content != "" && x.content != "" {
			same = v.Content == x.content
		}
		if same {
			v.Content = cmp.Or(v.Content, x.content)
			v.Backups = append(v.Backups, s)
			return
		}
	}
	f.Versions = append(f.Versions, FileVersion{Size: x.size, Time: x.time, Content: x.content, Backups: []Sighting{s}})
}

// contentsOf asks the store what is in the files, where it knows.
func (v *view) contentsOf(ctx context.Context, hits []hit) error {
	from, ok := v.contents.(indexed)
	if !ok {
		return nil
	}
	// In the order of the index: each part of it is read once.
	slices.SortFunc(hits, func(a, b hit) int { return slices.Compare(a.id[:], b.id[:]) })
	var folder string
	var list []russet.Indexed
	for i := range hits {
		if hits[i].kind != "file" {
			continue
		}
		name := hits[i].id.Name()
		if top := name[:2]; top != folder {
			if err := ctx.Err(); err != nil {
				return err
			}
			var err error
			if list, err = from.Index(top); err != nil {
				return err
			}
			folder = top
		}
		at, ok := slices.BinarySearchFunc(list, name, func(e russet.Indexed, name string) int { return strings.Compare(e.Name, name) })
		if ok && !list[at].Sealed {
			hits[i].content = hex.EncodeToString(list[at].Sum[:])
		}
	}
	return nil
}

// sorted lists what was found, by device and path.
func (g gathering) sorted() []FoundFile {
	list := make([]FoundFile, 0, len(g))
	for _, f := range g {
		list = append(list, *f)
	}
	slices.SortFunc(list, func(a, b FoundFile) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(string(a.Device), string(b.Device)), strings.Compare(a.Path, b.Path))
	})
	return list
}
