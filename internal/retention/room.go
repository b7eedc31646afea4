package retention

import (
	"cmp"
	"slices"
	"time"
)

// Deletion is one backup that could go, with about how much that would free.
type Deletion struct {
	Item  Item
	Frees int64
}

// Room is how room could be made. The numbers are estimates: what two backups
// share is freed only when both go, and a store may free it later.
type Room struct {
	Delete []Deletion // oldest first
	Frees  int64
	Enough bool // it is as much as was asked for
}

// MakeRoom chooses what to delete so that about need bytes become free: the
// oldest first, and of equally old ones those that hold least. One that frees
// nothing is no help, and one without which there is enough is spared. What a
// policy may never remove is never chosen (see Plan).
func MakeRoom(need int64, items []Item, now time.Time) Room {
	room := Room{Enough: need <= 0}
	if room.Enough {
		return room
	}
	for _, it := range removable(items, now) {
		if room.Frees >= need {
			break
		}
		if it.Unique > 0 {
			room.Delete = append(room.Delete, Deletion{Item: it, Frees: it.Unique})
			room.Frees = add(room.Frees, it.Unique)
		}
	}
	room.Enough = room.Frees >= need
	if room.Enough {
		room.spare(need)
	}
	return room
}

// removable is what may be deleted, oldest and cheapest first.
func removable(items []Item, now time.Time) []Item {
	var free []Item
	devices, of := byDevice(items)
	for _, device := range devices {
		guard := guardOf(of[device], now)
		for _, it := range of[device] {
			if guard.protect(it) == "" {
				free = append(free, it)
			}
		}
	}
	slices.SortStableFunc(free, func(a, b Item) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Unique, b.Unique), cmp.Compare(a.ID, b.ID))
	})
	return free
}

// spare takes back what turned out not to be needed, the newest first.
func (r *Room) spare(need int64) {
	for i := len(r.Delete) - 1; i >= 0; i-- {
		if without := r.Frees - r.Delete[i].Frees; without >= need {
			r.Frees = without
			r.Delete = slices.Delete(r.Delete, i, i+1)
		}
	}
}

// add adds sizes; what a hostile store claims must not overflow.
func add(a, b int64) int64 {
	if a > 0 && b > 0 && a+b < 0 {
		return 1<<63 - 1
	}
	return a + b
}
