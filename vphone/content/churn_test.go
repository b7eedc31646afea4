package content_test

import (
	"testing"

	"russet/vphone/content"
	"russet/vphone/disk"
)

func TestDaysFollowFromTheSeed(t *testing.T) {
	a, b := own(t), own(t)
	for day := 1; day <= 2; day++ {
		var of [2]content.Report
		churn(t, a, content.ChurnOptions{Seed: 5, Day: day, Report: &of[0]})
		churn(t, b, content.ChurnOptions{Seed: 5, Day: day, Report: &of[1]})
		if found := compare(t, a, b, content.CompareOptions{}); len(found) > 0 {
			t.Fatalf("day %d: %v", day, found[0])
		}
		if of[0] != of[1] || of[0].Added == 0 || of[0].Changed == 0 || of[0].Removed == 0 || of[0].Renamed == 0 || of[0].Bytes == 0 {
			t.Errorf("day %d: %+v, %+v", day, of[0], of[1])
		}
	}
	churn(t, a, content.ChurnOptions{Seed: 5, Day: 3})
	churn(t, b, content.ChurnOptions{Seed: 6, Day: 3})
	if len(compare(t, a, b, content.CompareOptions{})) == 0 {
		t.Error("another seed gave the same day")
	}
}

func TestWhatChangesGetsANewTime(t *testing.T) {
	before, d := own(t), own(t)
	churn(t, before, content.ChurnOptions{Day: 1})
	churn(t, d, content.ChurnOptions{Day: 1})
	churn(t, d, content.ChurnOptions{Day: 2})
	changed := 0
	for _, e := range walk(t, d) {
		old, err := before.Lookup(e.Domain, e.Path)
		if err != nil || e.Kind != disk.File {
			continue
		}
		if same := string(read(t, before, e.Domain, e.Path)) == string(read(t, d, e.Domain, e.Path)); same {
			continue
		}
		changed++
		if !e.ModTime.After(old.ModTime) || e.ModTime.Unix() == old.ModTime.Unix() || e.ModTime.After(content.Day(2)) {
			t.Errorf("%q in %s changed, its time went from %v to %v", e.Path, e.Domain, old.ModTime, e.ModTime)
		}
		if e.Inode != old.Inode || e.Class != old.Class || e.Mode != old.Mode {
			t.Errorf("%q in %s is not the same file any more", e.Path, e.Domain)
		}
	}
	if changed < 10 {
		t.Errorf("only %d files changed", changed)
	}
}

func TestDaysDirtyTheMessageDatabase(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a database of 3 MB")
	}
	d := disk.NewMemory()
	if err := content.MakeOn(t.Context(), d, content.Options{MessageBytes: 3 << 20}); err != nil {
		t.Fatal(err)
	}
	if e := exists(t, d, "HomeDomain", "Library/SMS/sms.db"); e.Size < 5<<19 {
		t.Fatalf("the message database holds %d bytes", e.Size)
	}
	var light, heavy, kept content.Report
	churn(t, d, content.ChurnOptions{Day: 1, Activity: content.LightDay, Report: &light})
	churn(t, d, content.ChurnOptions{Day: 2, Activity: content.HeavyDay, Report: &heavy})
	if light.MessagesDirtied < 1 || light.MessagesDirtied > 30 || heavy.MessagesDirtied < 12 || heavy.MessagesDirtied < light.MessagesDirtied {
		t.Errorf("a light day dirtied %.1f %%, a heavy one %.1f %%", light.MessagesDirtied, heavy.MessagesDirtied)
	}
	churn(t, d, content.ChurnOptions{Day: 3, Activity: content.LightDay, KeepPages: true, Report: &kept})
	if kept.MessagesShifted != kept.MessagesDirtied || heavy.MessagesShifted <= heavy.MessagesDirtied {
		t.Errorf("pages kept: %+v; packed: %+v", kept, heavy)
	}
}

func TestBarePhonesLiveToo(t *testing.T) {
	d, err := content.Generated(t.Context(), content.Options{Profile: "big"})
	if err != nil {
		t.Fatal(err)
	}
	var r content.Report
	churn(t, d, content.ChurnOptions{Day: 1, Report: &r})
	if r.Changed == 0 || r.Added == 0 || r.Removed == 0 || r.Renamed == 0 {
		t.Errorf("%+v", r)
	}
	if err := content.Churn(t.Context(), d, content.ChurnOptions{Activity: "sleepy"}); err == nil {
		t.Error("an unknown kind of day was lived")
	}
}
