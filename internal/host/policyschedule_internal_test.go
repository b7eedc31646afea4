package host

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/internal/home"
	"russet/internal/schedule"
)

func p[T any](v T) *T { return &v }

// What was chosen for a device lies over what was chosen for all, field by
// field, and that over the default; what is wider shows through again when it
// is taken back.
func TestScheduleLayers(t *testing.T) {
	s := &settings{Policies: []PolicySettings{
		{Schedule: &schedule.Settings{Every: p(schedule.Span(7 * 24 * time.Hour)), Power: p(false)}},
		{Scope: Scope{Device: anna}, Schedule: &schedule.Settings{Power: p(true), Stores: p([]string{"nas"})}},
		{Scope: Scope{Device: bert, Store: "nas"}, Schedule: &schedule.Settings{Automatic: p(false)}}, // of a store: not asked for
	}}
	for _, test := range []struct {
		udid   russet.UDID
		power  bool
		stores int
		from   string
	}{
		{anna, true, 1, "set for this device"},
		{bert, false, 0, "set for all"},
		{"", false, 0, "set for all"},
	} {
		got, from := s.scheduleOf(test.udid)
		if got.Power != test.power || len(got.Stores) != test.stores || from != test.from || !got.Automatic ||
			got.Every != 7*24*time.Hour || got.Overdue != 14*24*time.Hour || got.Asks != schedule.Default().Asks {
			t.Errorf("%q: %+v, %s", test.udid, got, from)
		}
	}
	if got, from := (&settings{}).scheduleOf(anna); !reflect.DeepEqual(got, schedule.Default()) || from != "the default" {
		t.Errorf("without a choice: %+v, %s", got, from)
	}
}

func TestChangeSchedule(t *testing.T) {
	h := Open(Options{Home: home.Place{Dir: t.TempDir()}})
	ctx := context.Background()
	stores := func(names ...string) func(*schedule.Settings) {
		return func(s *schedule.Settings) { s.Stores = &names }
	}
	if err := h.changeSettings(ctx, func(s *settings) error {
		s.Stores = []StoreSettings{{Name: "nas"}, {Name: "s3"}}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*schedule.Settings){
		`no store called "attic"`: stores("nas", "attic"),
		"every hour":              func(s *schedule.Settings) { s.Every = p(schedule.Span(time.Minute)) },
		"0 to 100":                func(s *schedule.Settings) { s.Battery = p(101) },
		"1 to 24 times":           func(s *schedule.Settings) { s.Asks = p(0) },
		"nothing is overdue":      func(s *schedule.Settings) { s.Overdue = p(schedule.Span(24 * time.Hour)) },
		"once a year":             func(s *schedule.Settings) { s.Every = p(schedule.Span(400 * 24 * time.Hour)) },
	} {
		_, err := h.ChangeSchedule(ctx, anna, change)
		if russet.KindOf(err) != russet.Usage || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if got, err := h.Schedule(anna); err != nil || !reflect.DeepEqual(got, schedule.Default()) {
		t.Errorf("a change that was refused was made: %+v, %v", got, err)
	}
	if _, err := h.ChangeSchedule(ctx, anna, stores("nas", "s3")); err != nil {
		t.Fatal(err)
	}
	now, err := h.ChangeSchedule(ctx, "", func(s *schedule.Settings) { s.Power = p(false) })
	if err != nil || now.Schedule.Power || len(now.Schedule.Stores) != 0 || now.ScheduleFrom != "set for all" {
		t.Fatalf("%+v, %v", now, err)
	}
	if got, err := h.Schedule(anna); err != nil || got.Power || !slices.Equal(got.Stores, []string{"nas", "s3"}) {
		t.Errorf("%+v, %v", got, err)
	}

	// A store that is forgotten is no longer meant, and one that gets its name
	// later is not either.
	for _, gone := range []string{"s3", "nas"} {
		if err := h.changeSettings(ctx, func(s *settings) error { s.forgetPolicies(gone); return nil }); err != nil {
			t.Fatal(err)
		}
		if got, err := h.Schedule(anna); err != nil || slices.Contains(got.Stores, gone) {
			t.Errorf("without %s: %+v, %v", gone, got, err)
		}
	}

	// What is taken back leaves nothing behind.
	if _, err = h.ChangeSchedule(ctx, anna, func(s *schedule.Settings) { s.Stores = nil }); err != nil {
		t.Fatal(err)
	}
	if _, err = h.ResetPolicy(ctx, Scope{}); err != nil {
		t.Fatal(err)
	}
	s, err := h.readSettings()
	if err != nil || len(s.Policies) != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// A schedule keeps apart from how many are kept, in the same place.
func TestPolicyPartsKeepApart(t *testing.T) {
	s := &settings{}
	s.policyFor(Scope{Device: anna}).Schedule = &schedule.Settings{Asks: p(5)}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var read settings
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	if got := read.policyIn(Scope{anna, "nas"}, ""); got.Schedule.Asks != 5 || got.From != "the default" || got.ScheduleFrom != "set for this device" {
		t.Errorf("%s: %+v", data, got)
	}
}
