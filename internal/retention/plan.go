package retention

import (
	"fmt"
	"slices"
	"time"

	"russet"
)

// Verdict is what becomes of one backup, and why.
type Verdict struct {
	Item Item
	Keep bool
	Why  []string // every reason, in words that end the sentence "it stays (goes) because it is …"
}

// Plan says for each backup whether it stays, in the order of items. now says
// what lies in the future, and its location when a day begins.
//
// The last good backup of a period stands for it. A damaged one stands only
// where there is no good one, and takes no good one's place.
func Plan(items []Item, policy func(russet.UDID) Policy, now time.Time) []Verdict {
	verdicts := map[russet.UDID][]Verdict{}
	devices, of := byDevice(items)
	for _, device := range devices {
		verdicts[device] = planDevice(of[device], policy(device), now)
	}
	plan := make([]Verdict, 0, len(items))
	for _, it := range items {
		plan = append(plan, verdicts[it.Device][0])
		verdicts[it.Device] = verdicts[it.Device][1:]
	}
	return plan
}

// planDevice plans for the backups of one device.
func planDevice(items []Item, policy Policy, now time.Time) []Verdict {
	guard := guardOf(items, now)
	verdicts := make([]Verdict, len(items))
	for i, it := range items {
		verdicts[i].Item = it
		if why := guard.protect(it); why != "" {
			verdicts[i].keep(why)
		}
		if policy.All() {
			verdicts[i].keep("the policy keeps all")
		}
	}
	if policy.All() {
		return verdicts
	}
	honest := honestOrder(items, now)
	keepLatest(verdicts, honest, policy.KeepLatest)
	late := map[int]string{} // what a later backup stands for
	for _, p := range periods() {
		keepPeriods(verdicts, honest, p, p.keep(policy), now.Location(), late)
	}
	for i := range verdicts {
		if !verdicts[i].Keep {
			verdicts[i].Why = []string{whyGone(verdicts[i].Item, late[i])}
		}
	}
	return verdicts
}

func (v *Verdict) keep(why string) {
	v.Keep = true
	v.Why = append(v.Why, why)
}

func whyGone(it Item, later string) string {
	why := "older than what the policy keeps"
	if later != "" {
		why = "a later one stands for " + later
	}
	if it.Damaged {
		why = "damaged, and " + why
	}
	return why
}

// honestOrder gives the places in items of those whose time can be true,
// newest first.
func honestOrder(items []Item, now time.Time) []int {
	var order []int
	for i, it := range items {
		if !fromFuture(it, now) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return newestFirst(items[a], items[b]) })
	return order
}

// keepLatest keeps the n newest good ones, and the damaged ones among them.
func keepLatest(verdicts []Verdict, order []int, n int) {
	good := 0
	for _, i := range order {
		if n != Every && good >= n {
			return
		}
		why := "one of the latest"
		if n != Every {
			why = fmt.Sprintf("one of the %d latest", n)
		}
		if n == 1 {
			why = "the latest"
		}
		if verdicts[i].Item.Damaged {
			why = "damaged, but " + why
		} else {
			good++
		}
		verdicts[i].keep(why)
	}
}

// standing is what is known of one day, week, month or year.
type standing struct {
	bucket int64
	by     int // the place of the backup that stands for it
	good   bool
}

// keepPeriods keeps what stands for the n last periods that have a good
// backup, and for those between them that have only damaged ones.
func keepPeriods(verdicts []Verdict, order []int, p period, n int, where *time.Location, late map[int]string) {
	if n == 0 {
		return
	}
	at := func(i int) time.Time { return verdicts[i].Item.Time.In(where) }
	bucketOf := func(i int) int64 { return p.bucket(dayOf(at(i)), at(i)) }
	found := map[int64]*standing{}
	for _, i := range order {
		good := !verdicts[i].Item.Damaged
		s := found[bucketOf(i)]
		switch {
		case s == nil:
			found[bucketOf(i)] = &standing{bucket: bucketOf(i), by: i, good: good}
		case good && !s.good:
			s.by, s.good = i, true
		}
	}
	kept := map[int64]bool{}
	goods := 0
	for _, s := range latestPeriods(found) {
		if n != Every && goods >= n {
			break
		}
		kept[s.bucket] = true
		why := "the last of " + p.name(at(s.by))
		if s.good {
			goods++
		} else {
			why = "damaged, but the only one of " + p.name(at(s.by))
		}
		verdicts[s.by].keep(why)
	}
	for _, i := range order {
		if _, has := late[i]; !has && kept[bucketOf(i)] {
			late[i] = p.name(at(i))
		}
	}
}

// latestPeriods sorts periods by the calendar. The order in which they were
// met is not the same: a clock set back at midnight repeats a piece of the day
// before.
func latestPeriods(found map[int64]*standing) []*standing {
	all := make([]*standing, 0, len(found))
	for _, s := range found {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *standing) int {
		switch {
		case a.bucket > b.bucket:
			return -1
		case a.bucket < b.bucket:
			return 1
		default:
			return 0
		}
	})
	return all
}
