package host

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"russet"
	"russet/mobilesync"
)

// Hit is a file that a search found.
type Hit struct {
	Backup russet.BackupID `json:"backup"`
	Device russet.UDID     `json:"device"`
	Name   string          `json:"name"` // of the device
	Path   string          `json:"path"`
	Kind   string          `json:"kind"`
	Size   int64           `json:"size"`
	Time   time.Time       `json:"time"`
}

// Search finds files whose path holds all the words, in any case, in one
// backup or, when none is named, in all. Backups that cannot be searched come
// back as problems, unless it was the only one.
func (h *Host) Search(ctx context.Context, words []string, which Which) ([]Hit, []russet.Problem, error) {
	for i := range words {
		words[i] = strings.ToLower(words[i])
	}
	hits, unread := []Hit{}, []russet.Problem{}
	backups, err := h.toSearch(ctx, which)
	if err != nil && len(backups) == 0 {
		return nil, nil, err
	}
	if err != nil {
		unread = append(unread, russet.Problem{Path: "of some store", What: err.Error()})
	}
	for _, b := range backups {
		found, err := h.searchOne(ctx, b, words)
		if err != nil && (len(backups) == 1 || ctx.Err() != nil) {
			return nil, nil, err
		}
		if err != nil {
			unread = append(unread, russet.Problem{Path: string(b.ID), What: err.Error()})
			continue
		}
		hits = append(hits, found...)
	}
	return hits, unread, nil
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

func (h *Host) searchOne(ctx context.Context, b russet.Backup, words []string) (hits []Hit, err error) {
	view, err := h.openView(ctx, b)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, view)
	err = view.each(ctx, func(r *mobilesync.Record) {
		path := pathOf(r)
		lower := strings.ToLower(path)
		if slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(lower, w) }) {
			return
		}
		hits = append(hits, Hit{
			Backup: b.ID, Device: b.Device, Name: b.Name, Path: path, Kind: kindOf(r), Size: sizeOf(r), Time: r.ModTime(),
		})
	})
	slices.SortFunc(hits, func(a, b Hit) int { return strings.Compare(a.Path, b.Path) })
	return hits, err
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
