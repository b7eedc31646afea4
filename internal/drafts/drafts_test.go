package drafts_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"russet"
	"russet/internal/drafts"
	"russet/internal/durable"
	"russet/internal/facts"
)

const (
	anna = russet.UDID("00008140-000650DDEC43D17F")
	ben  = russet.UDID("00008140-0006500000000001")
)

// books are new ones in a folder of the store.
func books(t *testing.T) drafts.Books {
	t.Helper()
	dir, err := durable.Open(t.TempDir(), nil)
	must(t, err)
	t.Cleanup(func() { must(t, dir.Close()) })
	b := drafts.Books{Folder: dir, In: ".russet"}
	for _, name := range b.Folders() {
		must(t, dir.MkdirAll(name, 0o700))
	}
	return b
}

// note leaves a draft with that note in a folder.
func note(t *testing.T, b drafts.Books, folder string, n drafts.Note) drafts.Note {
	t.Helper()
	n.ID = facts.NewID()
	if folder == "" {
		folder = b.Aside(n.ID)
	}
	must(t, b.Folder.MkdirAll(folder, 0o700))
	must(t, b.Folder.ReplaceJSON(filepath.ToSlash(filepath.Join(folder, drafts.NoteFile)), n, 0o600))
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestBooks: drafts are listed, set aside, dropped and deleted; what is not a
// draft is passed over.
func TestBooks(t *testing.T) {
	b := books(t)
	offered := note(t, b, b.Draft(anna), drafts.Note{Device: anna, Started: time.Unix(1, 0).UTC(), Added: 7})
	old := note(t, b, "", drafts.Note{Device: anna, Aside: "why"})
	done := note(t, b, b.Draft(ben), drafts.Note{Device: ben, Step: drafts.Finished})
	must(t, b.Folder.MkdirAll(b.Aside("rubbish"), 0o700))
	must(t, b.Folder.Replace(b.Aside("rubbish")+"/"+drafts.NoteFile, []byte(`{"id":"../..","device":"x"}`), 0o600))

	list, err := b.List(anna, "main", func(folder string, into *russet.Backup) error {
		into.Files = len(folder)
		if folder != b.Draft(anna) && folder != b.Aside(old.ID) {
			return errors.New(folder)
		}
		return nil
	})
	must(t, err)
	if len(list) != 2 || list[0].ID != russet.BackupID(offered.ID) || list[0].Added != 7 || !list[0].Draft || list[1].Problem != "why" || list[1].Store != "main" {
		t.Errorf("drafts of one device: %+v", list)
	}
	if offered, err := b.Offered(); err != nil || len(offered) != 2 {
		t.Errorf("offered: %+v, %v", offered, err)
	}

	var dropped []string
	drop := func(folder, id string) error {
		dropped = append(dropped, id)
		return b.Folder.RemoveAll(folder)
	}
	if gone, err := b.Delete(russet.BackupID(done.ID), "delete", drop); !gone || russet.KindOf(err) != russet.Busy || len(dropped) > 0 {
		t.Errorf("one that is finished: %v, %v", gone, err)
	}
	if gone, err := b.Delete("nobody", "delete", drop); gone || err != nil {
		t.Errorf("one that is not there: %v, %v", gone, err)
	}
	lock, err := b.LockDevice(anna, "back up")
	must(t, err)
	if _, err := b.Delete(russet.BackupID(offered.ID), "delete", drop); russet.KindOf(err) != russet.Busy || len(dropped) > 0 {
		t.Errorf("one that is at work: %v", err)
	}
	var visited []russet.UDID
	must(t, b.Each("look", func(u russet.UDID) error { visited = append(visited, u); return nil }))
	if len(visited) != 1 || visited[0] != ben {
		t.Errorf("drafts nobody works on: %v", visited)
	}
	must(t, lock.Unlock())
	if gone, err := b.Delete(russet.BackupID(offered.ID), "delete", drop); !gone || err != nil {
		t.Errorf("one that is there: %v, %v", gone, err)
	}
	must(t, b.DropAside(ben, drop))
	must(t, b.DropAside(anna, drop))
	if all, err := b.All(); err != nil || len(all) != 1 || all[0].ID != done.ID || len(dropped) != 2 || dropped[1] != old.ID {
		t.Errorf("left: %+v, dropped %q, %v", all, dropped, err)
	}
}

// TestStrikes counts to the most and forgets.
func TestStrikes(t *testing.T) {
	b := books(t)
	for _, want := range []int{0, 1, drafts.MaxStrikes, drafts.MaxStrikes} {
		if n := b.Strikes(anna); n != want || b.Strikes(ben) != 0 {
			t.Errorf("%d strikes, not %d", n, want)
		}
		must(t, b.Strike(anna))
	}
	must(t, b.Absolve(anna))
	must(t, b.Absolve(anna))
	if n := b.Strikes(anna); n != 0 {
		t.Errorf("%d strikes after all", n)
	}
}
