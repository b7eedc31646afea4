package vault_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"russet"
	"russet/internal/storetest"
	"russet/internal/vault/backend"
	"russet/internal/vault/depot"
	"russet/internal/vault/servers"
)

// shared is a vault on a disk that several computers reach.
func shared(t *testing.T) *remote {
	r := &remote{T: t, state: t.TempDir()}
	r.where = backend.Options{Location: backend.Location{Kind: backend.File, Path: filepath.Join(t.TempDir(), "v")}, Create: true}
	r.reopen()
	t.Cleanup(func() { r.store.Close() })
	return r
}

// TestTwoComputers: two computers back up a phone each, at once, into one vault.
func TestTwoComputers(t *testing.T) {
	for name, first := range map[string]func(*testing.T) *remote{
		"disk": shared, "s3": func(t *testing.T) *remote { return newRemote(t, servers.StartS3(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := first(t)
			b := a.other()
			devices := []russet.UDID{storetest.Device, storetest.Other}
			var days [][2]storetest.Folder
			for day := 1; day < 4; day++ {
				days = append(days, [2]storetest.Folder{photos(t, devices[0], day, 3*day, 9000), photos(t, devices[1], day, 3*day+1, 9000)})
			}
			var ids [3][2]russet.BackupID
			for day, folders := range days {
				var both sync.WaitGroup
				for i, r := range []*remote{a, b} {
					both.Go(func() {
						made, err := storetest.Backup(t.Context(), r.store, devices[i], folders[i])
						if err != nil {
							t.Error(err)
						}
						ids[day][i] = made.ID
					})
				}
				both.Wait()
			}
			if t.Failed() {
				return
			}
			for _, r := range []*remote{a, b} {
				list, err := r.store.Backups(t.Context(), "")
				if r.must(err); len(list) != 6 {
					t.Errorf("%d backups are seen", len(list))
				}
				for day := range ids {
					for i := range devices {
						r.has(ids[day][i], days[day][i])
					}
				}
			}
		})
	}
}

// TestOneMaintains: one computer looks after the vault, until another takes over.
func TestOneMaintains(t *testing.T) {
	a := shared(t)
	b := a.other()
	one := storetest.Day(t, 1)
	made := a.backup(storetest.Device, one)
	_, err := a.store.Maintain(t.Context(), false)
	a.must(err)
	if _, err := b.store.Maintain(t.Context(), false); russet.KindOf(err) != russet.Busy {
		t.Errorf("the other maintains: %v", err)
	}
	if _, err := b.store.Upkeep(t.Context()); err != nil {
		t.Errorf("upkeep of the other: %v", err)
	}
	b.must(b.store.TakeOver(t.Context()))
	_, err = b.store.Maintain(t.Context(), true)
	b.must(err)
	if _, err := a.store.Maintain(t.Context(), false); russet.KindOf(err) != russet.Busy {
		t.Errorf("the first maintains still: %v", err)
	}
	a.has(made.ID, one)
}

// collect frees all that no version refers to, at once, whoever is at work.
func (r *remote) collect() {
	r.Helper()
	ctx := r.Context()
	st, err := backend.Open(ctx, r.where)
	r.must(err)
	d, err := depot.Open(ctx, st, password, depot.OpenOptions{State: r.TempDir(), Host: "tidy"})
	r.must(err)
	r.must(d.TakeOwner(ctx))
	_, err = d.Maintain(ctx, depot.MaintainOptions{Full: true, Now: true})
	r.must(errors.Join(err, d.Close(ctx), st.Close(ctx)))
}

// TestDraftOfAnother: while one computer makes a backup, or has half of one, the
// other deletes what that is based on and frees all there is to free.
func TestDraftOfAnother(t *testing.T) {
	a := shared(t)
	b := a.other()
	one, two := photos(t, storetest.Device, 1, 8, 30_000), photos(t, storetest.Device, 2, 12, 30_000)
	base := b.backup(storetest.Device, one)
	d := b.begin(storetest.Device)
	if _, err := a.store.Maintain(t.Context(), true); russet.KindOf(err) != russet.Busy {
		t.Errorf("freed at once beside a run of another computer: %v", err)
	}
	a.must(a.store.Delete(t.Context(), base.ID))
	_, err := a.store.Maintain(t.Context(), false)
	a.must(err)
	a.collect()
	sent, err := storetest.Play(d, storetest.Device, two)
	b.must(err)
	if sent > 6 {
		t.Errorf("%d files were sent although most were there", sent)
	}
	second, err := d.Commit(t.Context())
	b.must(err)
	b.has(second.ID, two)
	a.has(second.ID, two)

	// A run that is suspended.
	three := photos(t, storetest.Device, 3, 20, 30_000)
	d = b.begin(storetest.Device)
	_, err = storetest.Play(d, storetest.Device, three)
	b.must(errors.Join(err, d.Suspend(t.Context())))
	a.collect()
	b.reopen()
	d = b.begin(storetest.Device)
	if !d.Resumed() {
		t.Error("the draft is lost")
	}
	sent, err = storetest.Play(d, storetest.Device, three)
	if b.must(err); sent != 0 {
		t.Errorf("%d files were sent again", sent)
	}
	third, err := d.Commit(t.Context())
	b.must(err)
	a.collect()
	a.has(third.ID, three)
	a.has(second.ID, two)
}

// TestLostState: a computer that has lost its part of the vault begins anew, and
// what its draft kept is freed one day.
func TestLostState(t *testing.T) {
	a := shared(t)
	one, two := photos(t, storetest.Device, 1, 4, 30_000), photos(t, storetest.Device, 2, 9, 30_000)
	first := a.backup(storetest.Device, one)
	d := a.begin(storetest.Device)
	_, err := storetest.Play(d, storetest.Device, two)
	a.must(errors.Join(err, d.Suspend(t.Context()), a.store.Close(), os.RemoveAll(a.state)))
	a.store = nil
	a.reopen()
	if drafts, err := a.store.Drafts(t.Context(), ""); err != nil || len(drafts) != 0 {
		t.Errorf("drafts: %v, %v", drafts, err)
	}
	a.has(first.ID, one)
	d = a.begin(storetest.Device)
	if d.Resumed() || d.Base() == nil || d.Base().ID != first.ID {
		t.Errorf("resumed %v, base %v", d.Resumed(), d.Base())
	}
	_, err = storetest.Play(d, storetest.Device, two)
	a.must(err)
	second, err := d.Commit(t.Context())
	a.must(err)
	a.has(second.ID, two)
	if n := len(a.incomplete(0)); n != 1 {
		t.Errorf("%d unfinished versions are kept", n)
	}
	_, err = a.store.Maintain(t.Context(), false)
	a.must(err)
	if n := len(a.incomplete(90 * 24 * time.Hour)); n != 1 {
		t.Errorf("%d young unfinished versions are kept", n)
	}
	_, err = a.store.Maintain(t.Context(), true)
	a.must(err)
	if n := len(a.incomplete(0)); n != 0 {
		t.Errorf("%d old unfinished versions are kept", n)
	}
	for _, b := range []russet.BackupID{first.ID, second.ID} {
		a.must(a.store.Delete(t.Context(), b))
	}
}

// incomplete lists what drafts keep in the vault, and makes it older.
func (r *remote) incomplete(older time.Duration) []depot.Version {
	r.Helper()
	ctx := r.Context()
	st, err := backend.Open(ctx, r.where)
	r.must(err)
	d, err := depot.Open(ctx, st, password, depot.OpenOptions{State: r.TempDir()})
	r.must(err)
	all, _, err := d.Versions(ctx)
	r.must(err)
	all = slices.DeleteFunc(all, func(v depot.Version) bool { return v.Incomplete == "" })
	w, err := d.Begin(ctx, "make older")
	r.must(err)
	for _, v := range all {
		if older > 0 {
			v.End = v.End.Add(-older)
			r.must(w.UpdateVersion(ctx, &v))
		}
	}
	r.must(errors.Join(w.Flush(ctx), w.Close(ctx), d.Close(ctx), st.Close(ctx)))
	return all
}

// TestInTurns: one phone is backed up by two computers in turns; each goes on
// from what the other made, and a draft that was overtaken is not offered.
func TestInTurns(t *testing.T) {
	a := shared(t)
	b := a.other()
	var last russet.BackupID
	var folders []storetest.Folder
	var ids []russet.BackupID
	for day := 1; day < 6; day++ {
		r := []*remote{a, b}[day%2]
		to := photos(t, storetest.Device, day, 4+day, 20_000)
		d := r.begin(storetest.Device)
		if base := d.Base(); (base == nil) != (day == 1) || base != nil && base.ID != last {
			t.Fatalf("on day %d the base is %v, not %s", day, base, last)
		}
		sent, err := storetest.Play(d, storetest.Device, to)
		if r.must(err); day > 1 && sent > 3 {
			t.Errorf("on day %d %d files were sent", day, sent)
		}
		if day == 4 { // overtaken: the other one is quicker
			r.must(d.Suspend(t.Context()))
			continue
		}
		made, err := d.Commit(t.Context())
		r.must(err)
		last, folders, ids = made.ID, append(folders, to), append(ids, made.ID)
	}
	d := a.begin(storetest.Device)
	if d.Resumed() || d.Base() == nil || d.Base().ID != last {
		t.Errorf("an overtaken draft: resumed %v, base %v", d.Resumed(), d.Base())
	}
	a.must(d.Discard(t.Context()))
	for i, id := range ids {
		a.has(id, folders[i])
		b.has(id, folders[i])
	}
	list, err := b.store.Backups(t.Context(), storetest.Device)
	if b.must(err); !slices.IsSortedFunc(list, func(x, y russet.Backup) int { return x.Time.Compare(y.Time) }) || len(list) != len(ids) {
		t.Errorf("listed: %v", list)
	}
}
