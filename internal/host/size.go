package host

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"russet"
	"russet/mobilesync"
)

// Sizes says what takes the room in a backup, and what of it is new.
type Sizes struct {
	Backup russet.BackupID `json:"backup"`
	Total  Amount          `json:"total"`
	// Since is the backup of the same device before, in the same store; nil if
	// there is none, or it cannot be compared, and then nothing is called new.
	Since *Sighting `json:"since"`
	// Unknown says why what is new is not known; "" if it is, or there is no
	// backup before.
	Unknown    string      `json:"unknown,omitempty"`
	New        Amount      `json:"new"`         // added or changed
	Apps       []App       `json:"apps"`        // the largest first
	Domains    []Domain    `json:"domains"`     // the largest first
	Largest    []SizedFile `json:"largest"`     // files, the largest first
	LargestNew []SizedFile `json:"largest_new"` // of those that are new
}

// Domain is one container of an app, or one part of the system.
type Domain struct {
	Name string `json:"name"`
	Amount
	New Amount `json:"new"`
}

// SizedFile is a file by its whole path.
type SizedFile struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
}

// Size adds up a backup by app and domain, finds its largest files, and says
// what is new since the backup before.
func (h *Host) Size(ctx context.Context, which Which, top int) (Sizes, error) {
	b, err := h.FindBackup(ctx, which)
	if err != nil {
		return Sizes{}, err
	}
	s := &sizing{byDomain: map[string]*Domain{}, top: top}
	s.Backup, s.Largest, s.LargestNew = b.ID, []SizedFile{}, []SizedFile{}
	names, err := h.addUp(ctx, b, s)
	if err != nil {
		return Sizes{}, err
	}
	if err := h.whatIsNew(ctx, b, s); err != nil {
		return Sizes{}, err
	}
	s.Domains = make([]Domain, 0, len(s.byDomain))
	for _, d := range s.byDomain {
		s.Domains = append(s.Domains, *d)
	}
	slices.SortFunc(s.Domains, func(a, b Domain) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Name, b.Name))
	})
	s.Apps = appsOf(s.Domains, names)
	return s.Sizes, nil
}

// sizing adds up.
type sizing struct {
	Sizes
	byDomain map[string]*Domain
	top      int
}

func (s *sizing) domain(name string) *Domain {
	d := s.byDomain[name]
	if d == nil {
		d = &Domain{Name: name}
		s.byDomain[name] = d
	}
	return d
}

// addUp adds up the files of a backup, and reads what its apps are called.
func (h *Host) addUp(ctx context.Context, b russet.Backup, s *sizing) (names map[string]string, err error) {
	view, err := h.openView(ctx, b)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, view)
	err = view.each(ctx, func(r *mobilesync.Record) {
		if r.Kind != mobilesync.File {
			return
		}
		n := sizeOf(r)
		s.Total.add(n)
		s.domain(r.Domain).add(n)
		s.Largest = keepLargest(s.Largest, SizedFile{Path: pathOf(r), Size: n}, s.top)
	})
	return appNames(view.contents.Folder()), err
}

// whatIsNew compares a backup with the one before. That it cannot be done is
// no reason not to say the rest.
func (h *Host) whatIsNew(ctx context.Context, b russet.Backup, s *sizing) error {
	all, err := h.Backups(ctx, b.Store, b.Device, false)
	if err != nil {
		return err
	}
	var before *russet.Backup
	for i := range all {
		if all[i].ID == b.ID {
			break
		}
		if all[i].Problem == "" && !all[i].Time.After(b.Time) {
			before = &all[i]
		}
	}
	if before == nil {
		return nil
	}
	var changes []change
	err = h.compare(ctx, *before, b, func(c change) { changes = append(changes, c) })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		s.Unknown = err.Error()
		return nil
	}
	since := seenIn(*before)
	s.Since = &since
	for i := range changes {
		c := &changes[i]
		if c.kind == "removed" {
			continue
		}
		s.New.add(c.size)
		s.domain(c.domain).New.add(c.size)
		s.LargestNew = keepLargest(s.LargestNew, SizedFile{Path: c.name(), Size: c.size}, s.top)
	}
	return nil
}

// keepLargest puts a file into a short list that is sorted by size.
func keepLargest(list []SizedFile, e SizedFile, top int) []SizedFile {
	i, _ := slices.BinarySearchFunc(list, e, func(a, b SizedFile) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), strings.Compare(a.Path, b.Path))
	})
	if i == top {
		return list
	}
	list = slices.Insert(list, i, e)
	return list[:min(len(list), top)]
}

// Growth is one backup among those of its device.
type Growth struct {
	ID     russet.BackupID `json:"id"`
	Device russet.UDID     `json:"device"`
	Name   string          `json:"name"` // of the device
	Store  string          `json:"store"`
	Time   time.Time       `json:"time"`
	Size   int64           `json:"size"`  // bytes as the device stored them
	Grown  int64           `json:"grown"` // more than the backup before, in the same store
	Files  int             `json:"files"`
	Added  int64           `json:"added"` // bytes this backup added to the store
}

// Growth lists the backups of one device, or of all, device by device and
// oldest first, with what each added. It reads nothing but the list.
func (h *Host) Growth(ctx context.Context, which Which) ([]Growth, error) {
	device, err := h.KnownDevice(ctx, which.Device)
	if err != nil {
		return nil, err
	}
	all, err := h.Backups(ctx, which.Store, device, false)
	if err != nil && len(all) == 0 {
		return nil, err
	}
	list := make([]Growth, 0, len(all))
	for _, b := range all {
		if b.Problem == "" {
			list = append(list, Growth{
				ID: b.ID, Device: b.Device, Name: b.Name, Store: b.Store, Time: b.Time, Size: b.Size, Files: b.Files, Added: b.Added,
			})
		}
	}
	slices.SortStableFunc(list, func(a, b Growth) int {
		return cmp.Or(strings.Compare(string(a.Device), string(b.Device)), strings.Compare(a.Store, b.Store))
	})
	for i := range list {
		if i > 0 && list[i].Device == list[i-1].Device && list[i].Store == list[i-1].Store {
			list[i].Grown = list[i].Size - list[i-1].Size
		}
	}
	return list, err
}
