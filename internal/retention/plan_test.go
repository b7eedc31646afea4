package retention_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/internal/retention"
)

func on(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04 -0700", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func always(p retention.Policy) func(russet.UDID) retention.Policy {
	return func(russet.UDID) retention.Policy { return p }
}

func TestPlanInWords(t *testing.T) {
	berlin := zones(t)[1]
	now := on(t, "2026-11-26 09:00 +0000").In(berlin)
	items := []retention.Item{
		{ID: "a", Time: on(t, "2026-10-30 20:00 +0000")},
		{ID: "b", Time: on(t, "2026-11-23 20:00 +0000")},
		{ID: "c", Time: on(t, "2026-11-24 22:30 +0000")}, // 23:30 in Berlin, still Tuesday
		{ID: "d", Time: on(t, "2026-11-24 23:30 +0000")}, // Wednesday there
		{ID: "e", Time: on(t, "2026-11-25 20:00 +0000")}, //
		{ID: "f", Time: on(t, "2026-11-25 21:00 +0000"), Damaged: true},
		{ID: "g", Time: on(t, "2026-09-01 20:00 +0000"), Archived: true},
		{ID: "h", Time: on(t, "2026-08-01 20:00 +0000"), Damaged: true},
		{ID: "i", Time: on(t, "2031-08-01 20:00 +0000")},
	}
	want := []string{
		"keep: the last of October 2026",
		"remove: a later one stands for the week of 23 November 2026",
		"keep: the last of Tuesday, 24 November 2026",
		"remove: a later one stands for Wednesday, 25 November 2026",
		"keep: the newest; the latest; the last of Wednesday, 25 November 2026; the last of the week of 23 November 2026; the last of November 2026",
		"keep: newer than the newest good one; damaged, but the latest",
		"keep: archived; the last of September 2026",
		"remove: damaged, and older than what the policy keeps",
		"keep: its time lies in the future",
	}
	plan := retention.Plan(items, always(retention.Policy{KeepLatest: 1, KeepDaily: 2, KeepWeekly: 1, KeepMonthly: 3}), now)
	for i, v := range plan {
		got := "remove: "
		if v.Keep {
			got = "keep: "
		}
		if got += strings.Join(v.Why, "; "); got != want[i] {
			t.Errorf("%s: got  %q\n   want %q", v.Item.ID, got, want[i])
		}
	}
}

func TestKeepAll(t *testing.T) {
	now := on(t, "2026-11-26 09:00 +0000")
	items := []retention.Item{{ID: "a", Time: now.AddDate(-30, 0, 0), Damaged: true}, {ID: "b", Time: now}}
	for _, v := range retention.Plan(items, always(retention.KeepAll()), now) {
		if !v.Keep {
			t.Errorf("%s would go: %s", v.Item.ID, v.Why)
		}
	}
	if retention.Default().All() {
		t.Error("the default keeps all")
	}
}

// A year of a night's backup each, over both changes of the clock: fourteen
// days are fourteen backups.
func TestYearOfNights(t *testing.T) {
	berlin := zones(t)[1]
	for day := range 365 {
		now := time.Date(2026, 1, 20+day, 9, 0, 0, 0, berlin)
		var items []retention.Item
		for back := range 40 {
			at := time.Date(2026, 1, 20+day-back, 2, 30, 0, 0, berlin)
			items = append(items, retention.Item{ID: russet.BackupID(fmt.Sprint(back)), Time: at})
		}
		kept := 0
		for _, v := range retention.Plan(items, always(retention.Policy{KeepDaily: 14}), now) {
			if v.Keep {
				kept++
			}
		}
		if kept != 14 {
			t.Fatalf("%s: %d are kept", now, kept)
		}
	}
}

func TestMakeRoom(t *testing.T) {
	now := on(t, "2026-11-26 09:00 +0000")
	item := func(id string, days int, unique int64) retention.Item {
		return retention.Item{ID: russet.BackupID(id), Device: anna, Time: now.AddDate(0, 0, -days), Unique: unique}
	}
	items := []retention.Item{item("new", 0, 500), item("d", 10, 400), item("c", 20, 0), item("b", 30, 100), item("a", 40, 50)}
	items[4].Archived = true
	for _, test := range []struct {
		need   int64
		want   string
		frees  int64
		enough bool
	}{
		{0, "", 0, true},
		{100, "b", 100, true},
		{101, "d", 400, true}, // with d, b need not go
		{450, "b d", 500, true},
		{501, "b d", 500, false},
		{math.MaxInt64, "b d", 500, false},
	} {
		room := retention.MakeRoom(test.need, items, now)
		var ids []string
		for _, d := range room.Delete {
			ids = append(ids, string(d.Item.ID))
		}
		if got := strings.Join(ids, " "); got != test.want || room.Frees != test.frees || room.Enough != test.enough {
			t.Errorf("for %d: %q, %d, %t; want %+v", test.need, got, room.Frees, room.Enough, test)
		}
	}
}

// FuzzPlan gives times and numbers that no history has.
func FuzzPlan(f *testing.F) {
	f.Add(int64(0), int64(1), int64(-1), uint8(0), int8(1), int8(1), int64(5))
	f.Add(int64(math.MinInt64), int64(math.MaxInt64), int64(1<<40), uint8(0b10101), int8(-1), int8(-128), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, a, b, c int64, flags uint8, n, m int8, unique int64) {
		times := []int64{a, b, c}
		var items []retention.Item
		for i, seconds := range times {
			items = append(items, retention.Item{
				ID: russet.BackupID(fmt.Sprint(i)), Device: anna, Time: time.Unix(seconds, 0).UTC(),
				Damaged: flags>>i&1 == 1, Archived: flags>>(i+4)&1 == 1, Unique: unique,
			})
		}
		now := time.Unix(b, 0).In(zones(t)[int(flags)%6])
		policy := retention.Policy{KeepLatest: int(n), KeepDaily: int(m), KeepWeekly: int(n), KeepMonthly: int(m), KeepYearly: int(n)}
		plan := retention.Plan(items, always(policy), now)
		checkPlan(t, items, plan)
		room := retention.MakeRoom(unique, items, now)
		if len(room.Delete) == len(items) {
			t.Fatalf("everything would go: %+v", room)
		}
	})
}
