package service

import (
	"cmp"
	"slices"
	"time"

	"russet"
)

// skew is by how much clocks may differ without one of them being wrong.
const skew = 5 * time.Minute

// newest is the newest backup of a device, as far as is known; nil if there is
// none. st is nil for a device that is not known.
func (sh *shelf) newest(device russet.UDID, st *state) *russet.Backup {
	list := sh.backups[device]
	if st != nil {
		id := st.Kept[sh.name].ID
		if i := slices.IndexFunc(list, func(b russet.Backup) bool { return b.ID == id }); i >= 0 {
			return &list[i]
		}
	}
	if len(list) == 0 {
		return nil
	}
	return &list[len(list)-1]
}

// keeps notes what the stores were seen to hold of a device, and reports whether
// that is new: it is known also while a store is away. When a backup was made is
// best known by our own clock, if we made it; the device's may be wrong.
func (st *state) keeps(stores []*shelf, now time.Time) (changed bool) {
	for _, sh := range stores {
		if sh.problem != "" || sh.at.IsZero() {
			continue
		}
		list := sh.backups[st.Device.UDID]
		old, had := st.Kept[sh.name]
		if len(list) == 0 {
			delete(st.Kept, sh.name)
			changed = changed || had
			continue
		}
		b := slices.MaxFunc(list, func(a, b russet.Backup) int {
			x, y := st.made(a), st.made(b)
			return cmp.Or(-compareBool(x.Sub(now) >= skew, y.Sub(now) >= skew), x.Compare(y))
		})
		if old.ID != b.ID {
			st.keep(sh.name, kept{b.ID, st.made(b)})
			changed = true
		}
	}
	return changed
}

// compareBool puts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// made is when a backup was made: by our clock if it came from another store
// where we made it.
func (st *state) made(b russet.Backup) time.Time {
	for _, k := range st.Kept {
		if k.ID == b.ID {
			return k.At
		}
	}
	return b.Time
}

func (st *state) keep(store string, k kept) {
	if st.Kept == nil {
		st.Kept = map[string]kept{}
	}
	st.Kept[store] = k
}
