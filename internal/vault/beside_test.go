package vault_test

import (
	"errors"
	"sync"
	"testing"

	"russet"
	"russet/internal/storetest"
	"russet/internal/vault"
	"russet/internal/vault/backend"
	"russet/internal/vault/depot"
)

// TestCopyBesideAnother: while one computer copies a backup into a vault, another
// deletes what the copy takes its files from, and frees all there is to free.
func TestCopyBesideAnother(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from := store(t, dir, vault.Options{})
	var made []russet.Backup
	var folders []storetest.Folder
	for day := 1; day <= 2; day++ {
		f := photos(t, storetest.Device, day, 8+4*day, 30_000)
		b, err := storetest.Backup(t.Context(), from, storetest.Device, f)
		must(t, err)
		made, folders = append(made, b), append(folders, f)
	}
	a := shared(t)
	b := a.other()
	a.must(a.store.TakeOver(t.Context()))
	copied := func(n int, meanwhile func()) error {
		c, err := from.Open(t.Context(), made[n].ID)
		must(t, err)
		var once sync.Once
		_, err = b.store.Import(t.Context(), c.Folder(), russet.ImportOptions{ID: made[n].ID, Progress: func(files int, _ int64) {
			if files > 5 {
				once.Do(meanwhile)
			}
		}})
		return errors.Join(err, c.Close())
	}
	busy := func() {
		if _, err := a.store.Maintain(t.Context(), true); russet.KindOf(err) != russet.Busy {
			t.Errorf("freed at once beside a copy of another computer: %v", err)
		}
	}
	must(t, copied(0, busy))
	must(t, copied(1, func() {
		busy()
		a.must(a.store.Delete(t.Context(), made[0].ID))
		a.collect()
	}))
	b.has(made[1].ID, folders[1])
	a.has(made[1].ID, folders[1])
	if n := len(a.incomplete(0)); n != 0 {
		t.Errorf("%d unfinished versions are left", n)
	}
	a.must(a.store.TakeOver(t.Context()))
	if _, err := a.store.Maintain(t.Context(), true); err != nil {
		t.Errorf("nobody copies any more: %v", err)
	}

	// A copy that fails keeps nobody from it.
	must(t, a.store.Delete(t.Context(), made[1].ID))
	c, err := from.Open(t.Context(), made[0].ID)
	must(t, err)
	must(t, vault.SayOtherwise(c, "Info.plist"))
	if _, err := b.store.Import(t.Context(), c.Folder(), russet.ImportOptions{ID: made[0].ID}); russet.KindOf(err) != russet.Damaged {
		t.Errorf("a copy of what is damaged: %v", err)
	}
	must(t, errors.Join(c.Close(), from.Close()))
	if _, err := a.store.Maintain(t.Context(), true); err != nil {
		t.Errorf("after a copy that failed: %v", err)
	}
}

// TestCopyKilled: a copy whose process died keeps nobody from freeing space once
// its computer has opened the vault again.
func TestCopyKilled(t *testing.T) {
	t.Parallel()
	from := store(t, t.TempDir(), vault.Options{})
	made, err := storetest.Backup(t.Context(), from, storetest.Device, photos(t, storetest.Device, 1, 8, 30_000))
	must(t, err)
	b := shared(t)
	a := b.other()
	a.must(a.store.TakeOver(t.Context()))
	c, err := from.Open(t.Context(), made.ID)
	must(t, err)
	var left []depot.Version
	_, err = b.store.Import(t.Context(), c.Folder(), russet.ImportOptions{ID: made.ID, Progress: func(int, int64) {
		if left == nil {
			left = a.incomplete(0)
			other, _, err := openAt(b.where, b.state)
			a.must(err)
			a.must(other.Close())
			if n := len(a.incomplete(0)); n != 1 {
				t.Errorf("%d unfinished versions while another process of its computer copies", n)
			}
		}
	}})
	must(t, errors.Join(err, c.Close(), from.Close()))
	if len(left) != 1 {
		t.Fatalf("%d unfinished versions during a copy", len(left))
	}
	a.save(left[0])
	if _, err := a.store.Maintain(t.Context(), true); russet.KindOf(err) != russet.Busy {
		t.Errorf("freed at once: %v", err)
	}
	b.reopen()
	if _, err := a.store.Maintain(t.Context(), true); err != nil {
		t.Errorf("nobody copies any more: %v", err)
	}
}

// save puts a version into the vault.
func (r *remote) save(v depot.Version) {
	r.Helper()
	ctx := r.Context()
	st, err := backend.Open(ctx, r.where)
	r.must(err)
	d, err := depot.Open(ctx, st, password, depot.OpenOptions{State: r.TempDir()})
	r.must(err)
	w, err := d.Begin(ctx, "save")
	r.must(err)
	r.must(errors.Join(w.SaveVersion(ctx, &v), w.Flush(ctx), w.Close(ctx), d.Close(ctx), st.Close(ctx)))
}

// TestFirstBesideAnother: the same of the first backup of a phone, which is based
// on nothing.
func TestFirstBesideAnother(t *testing.T) {
	t.Parallel()
	a := shared(t)
	b := a.other()
	a.must(a.store.TakeOver(t.Context()))
	one := photos(t, storetest.Device, 1, 8, 30_000)
	d := b.begin(storetest.Device)
	if _, err := a.store.Maintain(t.Context(), true); russet.KindOf(err) != russet.Busy {
		t.Errorf("freed at once beside a first backup of another computer: %v", err)
	}
	_, err := storetest.Play(d, storetest.Device, one)
	b.must(err)
	made, err := d.Commit(t.Context())
	b.must(err)
	a.has(made.ID, one)
	if n := len(a.incomplete(0)); n != 0 {
		t.Errorf("%d unfinished versions are left", n)
	}
}
