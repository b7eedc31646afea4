package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"russet"
	"russet/mobilesync"
)

// FoundFile is a file that was found, with all its states.
type FoundFile struct {
	Device   russet.UDID   `json:"device"`
	Name     string        `json:"name"` // of the device, in the newest backup that has the file
	Path     string        `json:"path"`
	Kind     string        `json:"kind"`
	Versions []FileVersion `json:"versions"` // those seen first come first
	// Absent are backups that do not have the file; only a history lists them.
	Absent []Sighting `json:"absent,omitempty"`
}

// FileVersion is one state of a file. Two are the same when their content is,
// where the store knows it; else when size and time are.
type FileVersion struct {
	Size    int64      `json:"size"`
	Time    time.Time  `json:"time"`             // when it was modified
	Content string     `json:"sha256,omitempty"` // of the content, in hexadecimal; "" where the store does not know it
	Backups []Sighting `json:"backups"`          // oldest first
}

// Sighting is a backup that has a file.
type Sighting struct {
	ID    russet.BackupID `json:"id"`
	Time  time.Time       `json:"time"` // of the backup
	Store string          `json:"store"`
}

// Search finds files whose path holds all the words, in any case, in one
// backup or, when none is named, in all. Backups that cannot be searched come
// back as problems, unless it was the only one.
func (h *Host) Search(ctx context.Context, words []string, which Which) ([]FoundFile, []russet.Problem, error) {
	for i := range words {
		words[i] = strings.ToLower(words[i])
	}
	g := gathering{}
	unread, err := h.eachBackup(ctx, which, func(b russet.Backup) error { return h.searchOne(ctx, b, words, g) })
	if err != nil {
		return nil, nil, err
	}
	return g.sorted(), unread, nil
}

// History finds one file, by its whole path, in all backups or in those of one
// device.
func (h *Host) History(ctx context.Context, name string, which Which) ([]FoundFile, []russet.Problem, error) {
	name, err := inside(name)
	if err != nil {
		return nil, nil, err
	}
	g, absent := gathering{}, map[russet.UDID][]Sighting{}
	unread, err := h.eachBackup(ctx, which, func(b russet.Backup) error {
		seen, err := h.lookOne(ctx, b, name, g)
		if err == nil && !seen {
			absent[b.Device] = append(absent[b.Device], seenIn(b))
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if len(g) == 0 && len(unread) == 0 {
		return nil, nil, &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("no backup has a file %q", name),
			Hint: `the whole path is needed, with its domain; "russet search" finds files by parts of it`,
		}
	}
	list := g.sorted()
	for i := range list {
		list[i].Absent = absent[list[i].Device]
	}
	return list, unread, nil
}

// eachBackup visits the backups a person means, oldest first. What goes wrong
// with one of several is a problem, and the others are visited all the same.
func (h *Host) eachBackup(ctx context.Context, which Which, visit func(russet.Backup) error) ([]russet.Problem, error) {
	unread := []russet.Problem{}
	backups, err := h.toSearch(ctx, which)
	if err != nil && len(backups) == 0 {
		return nil, err
	}
	if err != nil {
		unread = append(unread, russet.Problem{Path: "of some store", What: err.Error()})
	}
	for _, b := range backups {
		err := visit(b)
		if err != nil && (len(backups) == 1 || ctx.Err() != nil) {
			return nil, err
		}
		if err != nil {
			unread = append(unread, russet.Problem{Path: string(b.ID), What: err.Error()})
		}
	}
	return unread, nil
}

func (h *Host) toSearch(ctx context.Context, which Which) ([]russet.Backup, error) {
	if which.Backup != "" {
		b, err := h.FindBackup(ctx, which)
		if err != nil {
			return nil, err
		}
		return []russet.Backup{b}, nil
	}
	device, err := h.KnownDevice(ctx, which.Device)
	if err != nil {
		return nil, err
	}
	all, err := h.Backups(ctx, which.Store, device, false)
	return slices.DeleteFunc(all, func(b russet.Backup) bool { return b.Problem != "" }), err
}

func (h *Host) searchOne(ctx context.Context, b russet.Backup, words []string, g gathering) (err error) {
	view, err := h.openView(ctx, b)
	if err != nil {
		return err
	}
	defer closeInto(&err, view)
	var hits []hit
	err = view.each(ctx, func(r *mobilesync.Record) {
		path := pathOf(r)
		lower := strings.ToLower(path)
		if slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(lower, w) }) {
			return
		}
		hits = append(hits, hitOf(r))
	})
	if err == nil {
		err = g.add(ctx, view, hits)
	}
	return err
}

// lookOne looks one file up in one backup.
func (h *Host) lookOne(ctx context.Context, b russet.Backup, name string, g gathering) (seen bool, err error) {
	view, err := h.openView(ctx, b)
	if err != nil {
		return false, err
	}
	defer closeInto(&err, view)
	domain, path, _ := strings.Cut(name, "/")
	r, err := view.Lookup(ctx, domain, path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, backupError(err, b)
	}
	return true, g.add(ctx, view, []hit{hitOf(&r)})
}

// each calls f for every row of the manifest that can be used. Others are what
// verify is for.
func (v *view) each(ctx context.Context, f func(*mobilesync.Record)) error {
	for r, err := range v.Records(ctx) {
		if _, unusable := errors.AsType[*mobilesync.RowError](err); unusable {
			continue
		}
		if err != nil {
			return backupError(err, v.about)
		}
		f(&r)
	}
	return nil
}

// pathOf is the name of a record in the view of its owner.
func pathOf(r *mobilesync.Record) string {
	if r.Path == "" {
		return r.Domain
	}
	return r.Domain + "/" + r.Path
}

func kindOf(r *mobilesync.Record) string {
	switch r.Kind {
	case mobilesync.Dir:
		return "folder"
	case mobilesync.Symlink:
		return "link"
	default:
		return "file"
	}
}

// sizeOf is the size a file had on the phone.
func sizeOf(r *mobilesync.Record) int64 {
	if r.Kind != mobilesync.File {
		return 0
	}
	return max(r.Size, 0)
}
