package host

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"russet/mobilesync"
)

// Sizes says what takes the room in a backup.
type Sizes struct {
	Total   Amount      `json:"total"`
	Domains []Domain    `json:"domains"` // the largest first
	Largest []SizedFile `json:"largest"` // files, the largest first
}

// Domain is one app or one part of the system.
type Domain struct {
	Name string `json:"name"`
	Amount
}

// SizedFile is a file by its whole path.
type SizedFile struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
}

// Size adds up a backup by domain and finds its largest files.
func (h *Host) Size(ctx context.Context, which Which, top int) (sizes Sizes, err error) {
	view, err := h.openWhich(ctx, which)
	if err != nil {
		return Sizes{}, err
	}
	defer closeInto(&err, view)
	byDomain := map[string]*Amount{}
	sizes = Sizes{Domains: []Domain{}, Largest: []SizedFile{}}
	err = view.each(ctx, func(r *mobilesync.Record) {
		if r.Kind != mobilesync.File {
			return
		}
		n := sizeOf(r)
		sizes.Total.add(n)
		domain := byDomain[r.Domain]
		if domain == nil {
			domain = &Amount{}
			byDomain[r.Domain] = domain
		}
		domain.add(n)
		sizes.Largest = keepLargest(sizes.Largest, SizedFile{Path: pathOf(r), Size: n}, top)
	})
	for name, a := range byDomain {
		sizes.Domains = append(sizes.Domains, Domain{name, *a})
	}
	slices.SortFunc(sizes.Domains, func(a, b Domain) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Name, b.Name))
	})
	return sizes, err
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
