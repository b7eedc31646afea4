package host_test

import (
	"slices"
	"strings"
	"testing"

	"russet/internal/host"
)

// TestLowBattery: a phone that may go out in the middle of a restore is put on
// its charger first.
func TestLowBattery(t *testing.T) {
	t.Parallel()
	l := newNetlab(t)
	p := l.phone(1, "Anna")
	h := l.computer(l.Addr())
	l.pair(h, p)
	l.Join(p)
	p.Unplug()
	r, err := h.Backup(t.Context(), host.BackupOptions{Device: l.only(h), Store: l.store(h)})
	must(t, err)
	for level, low := range map[int]bool{5: true, 60: false} {
		p.SetPower(level, false)
		plan, err := h.PlanRestore(t.Context(), host.RestoreOptions{Backup: *r.Backup, Device: p.UDID()})
		must(t, err)
		if got := slices.ContainsFunc(plan.Notes, func(n string) bool { return strings.Contains(n, "its battery is at 5 %") }); got != low {
			t.Errorf("at %d %%: %q", level, plan.Notes)
		}
	}
}
