package retention_test

import (
	"strings"
	"testing"

	"russet/internal/retention"
)

const gb = int64(1e9)

func TestGate(t *testing.T) {
	now := on(t, "2026-11-26 09:00 +0000")
	items := []retention.Item{
		{ID: "0123456789", Device: anna, Time: now.AddDate(0, -2, 0), Unique: 3 * gb},
		{ID: "abcdefabcd", Device: anna, Time: now.AddDate(0, -1, 0), Unique: 2 * gb},
		{ID: "ffffffffff", Device: anna, Time: now, Unique: 40 * gb},
	}
	store := func(limit, used int64) []retention.Allowance {
		return []retention.Allowance{{Limit: limit, Used: used, Items: items}}
	}
	for _, test := range []struct {
		name  string
		r     retention.Request
		allow int64 // -2: refused
		why   string
		hint  string
	}{
		{name: "no limit", r: retention.Request{Allowances: store(0, 900*gb), Whole: true, Upload: 50 * gb}, allow: -1},
		{name: "a first run of unknown size: the phone is told what is left", r: retention.Request{Allowances: store(50*gb, 0), Whole: true}, allow: 50 * gb},
		{name: "a full one that fits", r: retention.Request{Allowances: store(50*gb, 10*gb), Whole: true, Upload: 40 * gb}, allow: 40 * gb},
		{
			name: "a full one that does not", r: retention.Request{Allowances: store(50*gb, 11*gb), Whole: true, Upload: 40 * gb},
			allow: -2, why: "its allowance of 50.0 GB leaves 39.0 GB, and this backup needs about 40.0 GB",
			hint: `deleting the backup 01234567 would free about 3.0 GB`,
		},
		{name: "what changed fits: the phone is told nothing of the allowance", r: retention.Request{Allowances: store(50*gb, 48*gb), Growth: gb}, allow: -1},
		{name: "nothing is known of its growth", r: retention.Request{Allowances: store(50*gb, 50*gb-1)}, allow: -1},
		{
			name: "it usually adds more than is left", r: retention.Request{Allowances: store(50*gb, 46*gb), Growth: 8 * gb}, allow: -2,
			why: "leaves 4.0 GB, and a backup lately added about 8.0 GB", hint: "01234567, abcdefab would free about 5.0 GB",
		},
		{
			name: "used up", r: retention.Request{Allowances: store(50*gb, 50*gb), Freeing: gb}, allow: -2,
			why: "its allowance of 50.0 GB is used up", hint: "1.0 GB of deleted backups are not counted any more",
		},
		{
			name: "exceeded by the last run", r: retention.Request{Allowances: store(50*gb, 52*gb), Growth: gb}, allow: -2,
			why: "is used up, and exceeded by 2.0 GB", hint: "deleting the backup 01234567 would free about 3.0 GB",
		},
		{
			name: "exceeded by more than can be had", r: retention.Request{Allowances: store(50*gb, 60*gb)}, allow: -2,
			why: "exceeded by 10.0 GB", hint: "that is not enough",
		},
		{
			name: "the device's own limit is tighter", allow: 5 * gb,
			r: retention.Request{Whole: true, Allowances: append(store(50*gb, 10*gb), retention.Allowance{Whose: "Anna", Limit: 15 * gb, Used: 10 * gb})},
		},
		{
			name: "only the device's limit is used up", allow: -2, why: `its allowance of 10.0 GB for "Anna" is used up`, hint: "no backup may go",
			r: retention.Request{Allowances: append(store(50*gb, 10*gb), retention.Allowance{Whose: "Anna", Limit: 10 * gb, Used: 10 * gb, Items: items[2:]})},
		},
		{name: "a folder stores what is sent", r: retention.Request{Allowances: store(50*gb, 48*gb), SentIsStored: true}, allow: 2 * gb},
	} {
		test.r.Now = now
		got := retention.Gate(test.r)
		if got.Go != (test.allow != -2) || (got.Go && got.Allow != test.allow) {
			t.Errorf("%s: %+v, want %d", test.name, got, test.allow)
		}
		if !strings.Contains(got.Why, test.why) || got.Go != (got.Why == "") || !strings.Contains(got.Hint, test.hint) {
			t.Errorf("%s: says %q (%q)", test.name, got.Why, got.Hint)
		}
	}
}

func TestOverrun(t *testing.T) {
	limits := []retention.Allowance{{}, {Limit: 10, Used: 10}, {Whose: "Anna", Limit: gb, Used: 2 * gb}}
	if got := retention.Overrun("home", limits[:2]); got != "" {
		t.Errorf("got %q", got)
	}
	if got := retention.Overrun("home", limits); got != `the store "home" is 1.0 GB over its allowance of 1.0 GB for "Anna" now; this backup is kept, the next one waits until there is room` {
		t.Errorf("got %q", got)
	}
}

func TestTypical(t *testing.T) {
	if got := retention.Typical([]int64{100, 1, 2, 90000, 3}); got != 3 {
		t.Errorf("got %d", got)
	}
	if got := retention.Typical(nil); got != 0 {
		t.Errorf("got %d", got)
	}
}
