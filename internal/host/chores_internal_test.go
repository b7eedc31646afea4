package host

import (
	"testing"
	"time"

	"russet"
	"russet/internal/home"
)

func TestChores(t *testing.T) {
	h := Open(Options{Home: home.Place{Dir: t.TempDir()}})
	defer h.Close()
	ctx := t.Context()
	err := h.changeSettings(ctx, func(s *settings) error {
		s.Stores = []StoreSettings{{Name: "main", URL: "folder:/a"}, {Name: "home", URL: "vault:/b"}}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	kinds := func() (list []string) {
		t.Helper()
		chores, err := h.Chores()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range chores {
			usual := ""
			if c.Usual {
				usual = " usual"
			}
			list = append(list, string(c.Kind)+" "+c.Store+c.To+" "+c.Every.String()+usual)
		}
		return list
	}
	same := func(want ...string) {
		t.Helper()
		got := kinds()
		if len(got) != len(want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("got %q, want %q", got[i], want[i])
			}
		}
	}
	same("drill main 720h0m0s usual", "drill home 720h0m0s usual", "verify home 720h0m0s usual", "maintain home 24h0m0s usual")

	set := func(c Chore, want russet.Kind) {
		t.Helper()
		if _, err := h.SetChore(ctx, c); russet.KindOf(err) != want {
			t.Errorf("%+v: %v", c, err)
		}
	}
	set(Chore{Kind: DrillChore, Store: "main"}, 0) // never
	set(Chore{Kind: CopyChore, Store: "main", To: "home", Every: 7 * day}, 0)
	set(Chore{Kind: CopyChore, Store: "main", To: "home", Every: 8 * day}, 0)
	set(Chore{Kind: CopyChore, Store: "main"}, russet.Usage)
	set(Chore{Kind: CopyChore, Store: "main", To: "main"}, russet.Usage)
	set(Chore{Kind: CopyChore, Store: "main", To: "nowhere"}, russet.Usage)
	set(Chore{Kind: VerifyChore, Store: "main", To: "home"}, russet.Usage)
	set(Chore{Kind: VerifyChore, Store: "nowhere"}, russet.Usage)
	set(Chore{Kind: VerifyChore, Store: "main", Every: time.Minute}, russet.Usage)
	set(Chore{Kind: MaintainChore, Store: "main"}, russet.Usage)
	set(Chore{Kind: "dance", Store: "main"}, russet.Usage)
	same("drill main 0s", "copy mainhome 192h0m0s", "drill home 720h0m0s usual", "verify home 720h0m0s usual", "maintain home 24h0m0s usual")

	now, err := h.ResetChore(ctx, Chore{Kind: DrillChore, Store: "main"})
	if err != nil || !now.Usual || now.Every != 30*day {
		t.Errorf("got %+v, %v", now, err)
	}
	// A store that is forgotten takes its chores with it.
	if _, err := h.RemoveStore(ctx, "main"); err != nil {
		t.Fatal(err)
	}
	same("drill home 720h0m0s usual", "verify home 720h0m0s usual", "maintain home 24h0m0s usual")

	l, err := h.ChangeLimits(ctx, func(l *Limits) { l.AtOnce = 3 })
	if err != nil || l.AtOnce != 3 {
		t.Errorf("got %+v, %v", l, err)
	}
	if _, err := h.ChangeLimits(ctx, func(l *Limits) { l.Rate = -1 }); russet.KindOf(err) != russet.Usage {
		t.Errorf("got %v", err)
	}
	if l, err = h.Limits(); err != nil || l != (Limits{AtOnce: 3}) {
		t.Errorf("got %+v, %v", l, err)
	}
}
