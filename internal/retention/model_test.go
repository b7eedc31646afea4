package retention_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones that misbehave must be there everywhere

	"russet"
	"russet/internal/retention"
)

// The model is written from the promises alone, slowly: for every backup it
// asks every question about every other one, and knows nothing of the order in
// which Plan goes.

func modelKeeps(it retention.Item, all []retention.Item, p retention.Policy, now time.Time) bool {
	var mates []retention.Item // honest ones of the same device
	for _, o := range all {
		if o.Device == it.Device && !o.Time.After(now.Add(10*time.Minute)) {
			mates = append(mates, o)
		}
	}
	future := it.Time.After(now.Add(10 * time.Minute))
	if future || it.Archived || it.Held != "" || p == (retention.Policy{}) {
		return true
	}
	goodAfter := 0 // good ones that are newer
	for _, o := range mates {
		if !o.Damaged && later(o, it) {
			goodAfter++
		}
	}
	if goodAfter == 0 {
		return true // the newest good one, or newer than it, or there is none
	}
	if p.KeepLatest < 0 || goodAfter < p.KeepLatest {
		return true
	}
	where := now.Location()
	for _, c := range []struct {
		n     int
		label func(time.Time) string
	}{
		{p.KeepDaily, func(t time.Time) string { return t.Format("2006-01-02") }},
		{p.KeepWeekly, func(t time.Time) string { y, w := t.ISOWeek(); return fmt.Sprintf("%04d-%02d", y, w) }},
		{p.KeepMonthly, func(t time.Time) string { return t.Format("2006-01") }},
		{p.KeepYearly, func(t time.Time) string { return t.Format("2006") }},
	} {
		mine := c.label(it.Time.In(where))
		stands := true
		newer := map[string]bool{} // later periods that have a good one
		for _, o := range mates {
			label := c.label(o.Time.In(where))
			switch {
			case label > mine && !o.Damaged:
				newer[label] = true
			case label != mine || o.ID == it.ID:
			case !o.Damaged && (it.Damaged || later(o, it)), o.Damaged && it.Damaged && later(o, it):
				stands = false
			}
		}
		if stands && (c.n < 0 || len(newer) < c.n) {
			return true
		}
	}
	return false
}

func later(a, b retention.Item) bool {
	if !a.Time.Equal(b.Time) {
		return a.Time.After(b.Time)
	}
	return a.ID > b.ID
}

// zones have days of 23 and 25 hours, a midnight that comes twice (St John's
// turned its clocks at 00:01), and a Friday that never was (Apia, 2011).
func zones(t testing.TB) []*time.Location {
	t.Helper()
	all := []*time.Location{time.UTC}
	for _, name := range []string{"Europe/Berlin", "America/St_Johns", "Pacific/Apia", "America/Sao_Paulo", "Asia/Kathmandu"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, zone)
	}
	return all
}

const (
	anna = russet.UDID("00008140-000650DDEC43D17F")
	bert = russet.UDID("00008140-001EB3E7B90CCDCF")
)

// history makes backups of two phones: some days several, some none, at times
// with a clock that is wrong or stands still.
func history(rnd *rand.Rand, from time.Time, n int) []retention.Item {
	at := from
	items := make([]retention.Item, 0, n)
	for i := range n {
		switch rnd.IntN(12) {
		case 0: // the same moment again
		case 1:
			at = at.Add(-time.Duration(rnd.IntN(40*24)) * time.Hour)
		case 2:
			at = at.Add(time.Duration(rnd.IntN(300*24)) * time.Hour)
		case 3, 4, 5:
			at = at.Add(time.Duration(rnd.IntN(180)) * time.Minute)
		default:
			at = at.Add(time.Duration(20+rnd.IntN(9)) * time.Hour)
		}
		it := retention.Item{
			ID: russet.BackupID(fmt.Sprintf("%08x%024d", rnd.Uint32(), i)), Device: []russet.UDID{anna, anna, bert}[rnd.IntN(3)],
			Time: at, Archived: rnd.IntN(15) == 0, Damaged: rnd.IntN(8) == 0, Unique: rnd.Int64N(100), Size: 1000,
		}
		if rnd.IntN(20) == 0 {
			it.Held = "being read"
		}
		items = append(items, it)
	}
	rnd.Shuffle(n, func(i, j int) { items[i], items[j] = items[j], items[i] })
	return items
}

func policyOf(rnd *rand.Rand) retention.Policy {
	number := func() int { return []int{0, 0, 1, 2, 3, 7, 30, retention.Every}[rnd.IntN(8)] }
	return retention.Policy{
		KeepLatest: number(), KeepDaily: number(), KeepWeekly: number(), KeepMonthly: number(), KeepYearly: number(),
	}
}

// TestPlanAgainstModel is promise 12.
func TestPlanAgainstModel(t *testing.T) {
	zones := zones(t)
	rounds := 2000
	if testing.Short() {
		rounds = 300
	}
	for seed := range rounds {
		rnd := rand.New(rand.NewPCG(uint64(seed), 12))
		from := time.Date([]int{1968, 2005}[rnd.IntN(2)]+rnd.IntN(20), time.Month(1+rnd.IntN(12)), 1+rnd.IntN(28), rnd.IntN(24), rnd.IntN(60), 0, 0, time.UTC)
		items := history(rnd, from, rnd.IntN(60))
		now := from.AddDate(0, 0, rnd.IntN(900)).In(zones[rnd.IntN(len(zones))])
		policies := map[russet.UDID]retention.Policy{anna: policyOf(rnd), bert: policyOf(rnd)}
		plan := retention.Plan(items, func(d russet.UDID) retention.Policy { return policies[d] }, now)
		for i, v := range plan {
			if v.Item.ID != items[i].ID {
				t.Fatalf("seed %d: the plan has another order", seed)
			}
			if want := modelKeeps(v.Item, items, policies[v.Item.Device], now); v.Keep != want {
				t.Fatalf("seed %d: %+v with %+v at %s: kept %t (%s), want %t",
					seed, v.Item, policies[v.Item.Device], now, v.Keep, strings.Join(v.Why, ", "), want)
			}
		}
		checkPlan(t, items, plan)
		checkAgain(t, plan, policies, now)
		checkRoom(t, rnd.Int64N(800), items, plan, now)
	}
}

// checkPlan looks for the promises that need no model.
func checkPlan(t *testing.T, items []retention.Item, plan []retention.Verdict) {
	t.Helper()
	had, has := map[russet.UDID]bool{}, map[russet.UDID]bool{}
	for _, it := range items {
		had[it.Device] = had[it.Device] || !it.Damaged
	}
	for _, v := range plan {
		if len(v.Why) == 0 {
			t.Fatalf("no reason is given for %+v", v)
		}
		if !v.Keep && (v.Item.Archived || v.Item.Held != "") {
			t.Fatalf("would remove %+v", v.Item)
		}
		has[v.Item.Device] = has[v.Item.Device] || (v.Keep && !v.Item.Damaged)
	}
	for device := range had {
		if had[device] && !has[device] {
			t.Fatalf("%s loses its last good backup", device)
		}
	}
}

// checkAgain: what stays when a policy was applied stays when it is applied
// once more.
func checkAgain(t *testing.T, plan []retention.Verdict, policies map[russet.UDID]retention.Policy, now time.Time) {
	t.Helper()
	var left []retention.Item
	for _, v := range plan {
		if v.Keep {
			left = append(left, v.Item)
		}
	}
	for _, v := range retention.Plan(left, func(d russet.UDID) retention.Policy { return policies[d] }, now) {
		if !v.Keep {
			t.Fatalf("the second time it would remove %+v as well: %s", v.Item, v.Why)
		}
	}
}

// checkRoom compares MakeRoom with what the strictest policy would let go.
func checkRoom(t *testing.T, need int64, items []retention.Item, _ []retention.Verdict, now time.Time) {
	t.Helper()
	strictest := retention.Plan(items, func(russet.UDID) retention.Policy { return retention.Policy{KeepLatest: 1} }, now)
	may := map[russet.BackupID]bool{}
	var most int64
	for _, v := range strictest {
		if !v.Keep {
			may[v.Item.ID] = true
			most += v.Item.Unique
		}
	}
	room := retention.MakeRoom(need, items, now)
	var frees int64
	for _, d := range room.Delete {
		if !may[d.Item.ID] || d.Frees != d.Item.Unique || d.Frees <= 0 {
			t.Fatalf("would delete %+v", d)
		}
		frees += d.Frees
	}
	if frees != room.Frees || room.Enough != (frees >= need) || room.Enough != (most >= need) {
		t.Fatalf("%d needed, %d to be had: %+v", need, most, room)
	}
	for _, d := range room.Delete {
		if room.Enough && frees-d.Frees >= need {
			t.Fatalf("%d needed: %s need not go: %+v", need, d.Item.ID, room)
		}
	}
	if !slices.IsSortedFunc(room.Delete, func(a, b retention.Deletion) int { return a.Item.Time.Compare(b.Item.Time) }) {
		t.Fatal("the oldest does not come first")
	}
}
