package host_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"russet"
	"russet/internal/folder"
	"russet/internal/host"
	"russet/internal/retention"
	"russet/internal/storetest"
)

// pruneLab is a host with a folder store that holds the backups of some days,
// none of them archived, oldest first.
func pruneLab(t *testing.T, days ...int) (*host.Host, host.StoreSettings, []russet.Backup) {
	t.Helper()
	dir := t.TempDir()
	h := hostIn(t, filepath.Join(dir, "home"), host.VaultAnswers{})
	_, err := h.AddStore(t.Context(), "main", "folder:"+filepath.Join(dir, "store"))
	must(t, err)
	st, err := h.Store("main")
	must(t, err)
	for _, day := range days {
		f := storetest.Make(t, storetest.Device, day, storetest.Contents{"HomeDomain/day": strconv.Itoa(day)})
		from := filepath.Join(dir, "from", strconv.Itoa(day), string(storetest.Device))
		for name, data := range f {
			must(t, os.MkdirAll(filepath.Dir(filepath.Join(from, name)), 0o755))
			must(t, os.WriteFile(filepath.Join(from, name), []byte(data), 0o644))
		}
		_, err := h.Import(t.Context(), from, st, nil)
		must(t, err)
	}
	backups, err := h.Backups(t.Context(), "", "", false)
	must(t, err)
	for i, b := range backups {
		backups[i], err = h.Unarchive(t.Context(), host.Which{Backup: string(b.ID)})
		must(t, err)
	}
	if len(backups) != len(days) {
		t.Fatalf("%d backups, want %d", len(backups), len(days))
	}
	return h, st, backups
}

func keep(t *testing.T, h *host.Host, scope host.Scope, p retention.Policy) {
	t.Helper()
	_, err := h.ChangePolicy(t.Context(), scope, func(retention.Policy) (retention.Policy, error) { return p, nil })
	must(t, err)
}

// left lists the days whose backups are there, by their place in all.
func left(t *testing.T, h *host.Host, all []russet.Backup) string {
	t.Helper()
	now, err := h.Backups(t.Context(), "", "", false)
	must(t, err)
	var days []byte
	for i, b := range all {
		for _, o := range now {
			if o.ID == b.ID {
				days = append(days, byte('0'+i))
			}
		}
	}
	return string(days)
}

// What is being read stays, and goes the next time.
func TestPruneSparesWhatIsRead(t *testing.T) {
	h, st, all := pruneLab(t, 1, 2, 3, 4, 5)
	keep(t, h, host.Scope{}, retention.Policy{KeepLatest: 2})
	plans, err := h.PlanRetention(t.Context(), "", "")
	must(t, err)
	if len(plans) != 1 || plans[0].Remove != 3 || plans[0].Frees != all[0].Size+all[1].Size+all[2].Size {
		t.Fatalf("the plan is %+v", plans)
	}
	other, err := folder.Open(t.Context(), st.URL[len("folder:"):], folder.Options{Name: st.Name})
	must(t, err)
	defer other.Close()
	reading, err := other.Open(t.Context(), all[1].ID)
	must(t, err)
	done, err := h.Prune(t.Context(), plans, "", nil)
	must(t, err)
	if got := left(t, h, all); got != "134" || done[0].Remove != 2 || !done[0].Backups[1].InUse || done[0].Backups[1].Deleted {
		t.Errorf("left are %s: %+v", got, done)
	}
	must(t, reading.Close())
	_, err = h.Prune(t.Context(), plans, "", nil) // an old plan is no harm
	must(t, err)
	if got := left(t, h, all); got != "34" {
		t.Errorf("left are %s", got)
	}
}

// Between the question and the answer a person archived one and changed the
// policy: only what goes by the plan that was shown and by the one of now goes.
func TestPruneAsksAgain(t *testing.T) {
	h, _, all := pruneLab(t, 1, 2, 3, 4, 5)
	keep(t, h, host.Scope{}, retention.Policy{KeepLatest: 3})
	plans, err := h.PlanRetention(t.Context(), "", "")
	must(t, err)
	_, err = h.Archive(t.Context(), host.Which{Backup: string(all[0].ID)}, "")
	must(t, err)
	keep(t, h, host.Scope{}, retention.Policy{KeepLatest: 1})
	_, err = h.Prune(t.Context(), plans, "", nil)
	must(t, err)
	if got := left(t, h, all); got != "0234" {
		t.Errorf("left are %s", got)
	}
}

// The backup that was just made stays, however wrong the phone's clock is.
func TestRetentionSparesWhatWasJustMade(t *testing.T) {
	h, st, all := pruneLab(t, 1, 2, 3, 4)
	keep(t, h, host.Scope{Device: storetest.Device}, retention.Policy{KeepLatest: 1})
	done, err := h.ApplyRetention(t.Context(), st, russet.Device{UDID: storetest.Device, Name: "A phone"}, all[0].ID)
	must(t, err)
	if got := left(t, h, all); got != "03" || len(done.Deleted) != 2 || len(done.Notes) != 1 {
		t.Errorf("left are %s: %+v", got, done)
	}
}

// A damaged backup is no reason to let the last good one go.
func TestRetentionKeepsTheLastGoodOne(t *testing.T) {
	h, st, all := pruneLab(t, 1, 2, 3)
	keep(t, h, host.Scope{}, retention.Policy{KeepLatest: 1})
	names, err := filepath.Glob(filepath.Join(st.URL[len("folder:"):], string(storetest.Device)+"*", "Manifest.db"))
	must(t, err)
	damaged := 0
	for _, name := range names {
		if filepath.Base(filepath.Dir(name)) != string(storetest.Device)+"-20260101-120000" {
			must(t, os.Remove(name))
			damaged++
		}
	}
	if damaged != 2 {
		t.Fatalf("%d of %q were damaged", damaged, names)
	}
	done, err := h.ApplyRetention(t.Context(), st, russet.Device{UDID: storetest.Device}, "")
	must(t, err)
	if got := left(t, h, all); got != "012" {
		t.Errorf("left are %s: %+v", got, done)
	}
}
