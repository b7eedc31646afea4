package host

import (
	"encoding/json"
	"testing"

	"russet"
	"russet/internal/retention"
)

const (
	anna = russet.UDID("00008140-000650DDEC43D17F")
	bert = russet.UDID("00008140-001EB3E7B90CCDCF")
)

func TestPolicyScopes(t *testing.T) {
	days := func(n int) *retention.Policy { return &retention.Policy{KeepDaily: n} }
	s := &settings{Policies: []PolicySettings{
		{Scope: Scope{}, Keep: days(1)},
		{Scope: Scope{Store: "home"}, Keep: days(2)},
		{Scope: Scope{Device: anna}, Keep: days(3)},
		{Scope: Scope{Device: anna, Store: "cloud"}, Keep: days(4)},
		{Scope: Scope{Device: bert, Store: "home"}, Keep: nil}, // has other parts only
		{Scope: Scope{Device: anna, Store: "attic"}, Keep: &retention.Policy{}},
	}}
	for _, test := range []struct {
		scope Scope
		days  int
		from  string
	}{
		{Scope{Device: anna, Store: "cloud"}, 4, "set for this device in this store"},
		{Scope{Device: anna, Store: "home"}, 3, "set for this device"},
		{Scope{Device: bert, Store: "home"}, 2, "set for this store"},
		{Scope{Device: bert, Store: "cloud"}, 1, "set for all"},
		{Scope{Device: anna, Store: "attic"}, 0, "set for this device in this store"},
	} {
		keep, from := s.keepIn(test.scope)
		if keep.KeepDaily != test.days || from != test.from {
			t.Errorf("%+v: %+v, %s", test.scope, keep, from)
		}
	}
	if keep, from := (&settings{}).keepIn(Scope{Device: anna}); keep != retention.Default() || from != "the default" {
		t.Errorf("without a choice: %+v, %s", keep, from)
	}
	s.forgetPolicies("home")
	if keep, _ := s.keepIn(Scope{Device: bert, Store: "home"}); keep.KeepDaily != 1 {
		t.Errorf("a store that is gone still has a policy: %+v", keep)
	}
}

// What was written is read again; a policy that keeps all is not mistaken for
// one that was never set.
func TestPolicySettingsLast(t *testing.T) {
	s := &settings{Policies: []PolicySettings{{Scope: Scope{Device: anna}, Keep: &retention.Policy{}}, {Scope: Scope{}, Keep: &retention.Policy{KeepMonthly: retention.Every}}}}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var got settings
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if keep, _ := got.keepIn(Scope{Device: anna, Store: "home"}); !keep.All() {
		t.Errorf("%s: %+v", data, keep)
	}
	if keep, _ := got.keepIn(Scope{Device: bert}); keep.KeepMonthly != retention.Every || keep.All() {
		t.Errorf("%s: %+v", data, keep)
	}
}

func TestKeepText(t *testing.T) {
	for want, p := range map[string]retention.Policy{
		"every backup": {},
		"the 5 latest, and the last of each of 14 days, 8 weeks, 24 months, 10 years": retention.Default(),
		"the latest, and the last of each of 1 week, all months":                      {KeepLatest: 1, KeepWeekly: 1, KeepMonthly: retention.Every},
	} {
		if got := KeepText(p); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// What a deletion frees where backups share bytes is estimated from what came
// with it and what came after it, of the same device.
func TestUnique(t *testing.T) {
	acc := account{backups: []russet.Backup{
		{ID: "1", Device: anna, Size: 1000, Added: 900},
		{ID: "2", Device: bert, Size: 500, Added: 400},
		{ID: "3", Device: anna, Size: 1000, Added: 30},
		{ID: "4", Device: anna, Size: 1000, Added: 50},
		{ID: "5", Device: anna, Size: 1000, Added: -5},
	}}
	acc.shares = true
	for i, want := range []int64{30, 400, 30, 0, 0} {
		if got := acc.unique(i); got != want {
			t.Errorf("backup %d: %d, want %d", i+1, got, want)
		}
	}
	if got := acc.growth(anna); got != 30 {
		t.Errorf("it usually grows by %d", got)
	}
	if got := acc.growth(bert); got != 0 {
		t.Errorf("one backup tells a growth of %d", got)
	}
	acc.shares = false
	if got := acc.unique(0); got != 1000 {
		t.Errorf("in a folder it frees %d", got)
	}
}

// The share of a device does not shrink to nothing when its first backup goes.
func TestShares(t *testing.T) {
	acc := account{shares: true, usage: russet.StoreUsage{Stored: 1100, Freeing: 100}}
	acc.backups = []russet.Backup{
		{Device: anna, Size: 1200, Added: 10},
		{Device: bert, Size: 600, Added: 500},
		{Device: anna, Size: 1300, Added: 180},
		{Device: anna, Size: 1300, Added: 20},
	}
	got := acc.shared()
	if got[anna] != 700 || got[bert] != 300 {
		t.Errorf("the shares are %v", got)
	}
	if got := (account{shares: true}).shared(); len(got) != 0 {
		t.Errorf("an empty vault is shared: %v", got)
	}
}
