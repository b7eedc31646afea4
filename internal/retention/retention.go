// Package retention decides which backups a policy keeps, which could go to
// make room, and whether an allowance lets another run begin.
//
// It is pure: it reads no clock, no disk and no store, and deletes nothing.
// What must never go stands in one place (see guard), and a slow model
// written from the promises alone checks it against random histories.
package retention

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"russet"
)

// Every, as a number of a policy, keeps one of every day, week, month or year.
const Every = -1

// Policy is how many backups of a device are kept. The policy that names
// nothing keeps all: what was lost on the way to us must not cost a backup.
type Policy struct {
	KeepLatest  int `json:"latest,omitempty"`  // the newest ones, whenever they were made
	KeepDaily   int `json:"daily,omitempty"`   // the last one of so many days that have one
	KeepWeekly  int `json:"weekly,omitempty"`  // weeks begin on Monday
	KeepMonthly int `json:"monthly,omitempty"` //
	KeepYearly  int `json:"yearly,omitempty"`  //
}

// Default is what holds where a person chose nothing: generous, because
// versions of one phone share most of their bytes.
func Default() Policy {
	return Policy{KeepLatest: 5, KeepDaily: 14, KeepWeekly: 8, KeepMonthly: 24, KeepYearly: 10}
}

// KeepAll is the policy that never removes anything.
func KeepAll() Policy { return Policy{} }

// All reports whether p keeps everything.
func (p Policy) All() bool { return p == KeepAll() }

// Item is what has to be known of a backup.
type Item struct {
	ID       russet.BackupID
	Device   russet.UDID
	Time     time.Time // by the device's clock, which may be wrong
	Archived bool
	// Held is why it has to stay now, whatever the policy says: it is being
	// read, or a draft begins from it; "" if nothing holds it.
	Held    string
	Damaged bool
	Size    int64 // as the device stored it
	Unique  int64 // bytes that no other backup needs: about what its deletion frees
}

// skew is how far the clocks of a phone and of this computer may be apart
// before a backup counts as one from the future.
const skew = 10 * time.Minute

// fromFuture reports whether the time of a backup cannot be true. Such a
// backup stays, and stands for nothing: it must not push out honest ones.
func fromFuture(it Item, now time.Time) bool { return it.Time.After(now.Add(skew)) }

// newestFirst orders by time; equal times by identifier, so that the same
// backups always give the same answer.
func newestFirst(a, b Item) int {
	return cmp.Or(b.Time.Compare(a.Time), strings.Compare(string(b.ID), string(a.ID)))
}

// guard knows what of one device must never be removed.
type guard struct {
	now     time.Time
	newest  Item // the newest good one whose time can be true
	hasGood bool
}

// guardOf looks for the newest good backup among those of one device.
func guardOf(items []Item, now time.Time) guard {
	g := guard{now: now}
	for _, it := range items {
		if it.Damaged || fromFuture(it, now) {
			continue
		}
		if !g.hasGood || newestFirst(it, g.newest) < 0 {
			g.newest, g.hasGood = it, true
		}
	}
	return g
}

// protect says why a backup must never be removed, however a policy or a lack
// of room would have it; "" when it may go.
func (g guard) protect(it Item) string {
	switch {
	case it.Archived:
		return "archived"
	case g.hasGood && it.ID == g.newest.ID:
		return "the newest"
	case it.Held != "":
		return it.Held
	case fromFuture(it, g.now):
		return "its time lies in the future"
	case !g.hasGood:
		return "there is no good one of this device"
	case newestFirst(it, g.newest) < 0:
		return "newer than the newest good one"
	default:
		return ""
	}
}

// byDevice sorts items into devices; the devices in a fixed order.
func byDevice(items []Item) (devices []russet.UDID, of map[russet.UDID][]Item) {
	of = map[russet.UDID][]Item{}
	for _, it := range items {
		if of[it.Device] == nil {
			devices = append(devices, it.Device)
		}
		of[it.Device] = append(of[it.Device], it)
	}
	slices.Sort(devices)
	return devices, of
}
