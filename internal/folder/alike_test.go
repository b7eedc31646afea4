package folder_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"russet"
	"russet/internal/folder"
	"russet/internal/storetest"
)

// alike makes two states of a phone whose lists say the same: dates have whole
// seconds, and some clocks stand.
func alike(t *testing.T) (one, two storetest.Folder) {
	t.Helper()
	one, two = storetest.Day(t, 1), maps.Clone(storetest.Day(t, 2))
	for _, name := range []string{"Status.plist", "Manifest.plist"} {
		two[name] = one[name]
	}
	return one, two
}

func contents(t *testing.T, s russet.Store, b russet.Backup) storetest.Folder {
	t.Helper()
	c, err := s.Open(t.Context(), b.ID)
	must(t, err)
	defer c.Close()
	return storetest.Read(t, c.Folder())
}

func TestTwoRunsInOneSecond(t *testing.T) {
	one, two := alike(t)
	for name, open := range systems {
		t.Run(name, func(t *testing.T) {
			s, err := open(t.TempDir(), nil)
			must(t, err)
			defer s.Close()
			first := backup(t, s, one)
			_, err = s.Archive(t.Context(), first.ID, "kept")
			must(t, err)
			for range 2 { // the second time nothing is new at all
				last := backup(t, s, two)
				all := list(t, s)
				if len(all) != 2 || all[0].ID == all[1].ID || last.ID == first.ID {
					t.Fatalf("there are %+v", all)
				}
				if !maps.Equal(contents(t, s, last), two) || !maps.Equal(contents(t, s, first), one) {
					t.Error("a backup is another")
				}
				sum, err := s.Verify(t.Context(), last.ID, russet.VerifyOptions{})
				if err != nil || len(sum.Problems) > 0 {
					t.Errorf("verify: %+v, %v", sum, err)
				}
			}
		})
	}
}

// A commit of such a backup that breaks off before any of its renamings leaves
// the one before or the new one, whole.
func TestTwoRunsInOneSecondCutShort(t *testing.T) {
	one, two := alike(t)
	errCut := errors.New("cut")
	for at := 1; ; at++ {
		dir, left := t.TempDir(), -1
		s, err := folder.Open(t.Context(), dir, folder.Options{Name: "home", Create: true, Before: func(op, _ string) error {
			if left > 0 && op == "rename" {
				left--
			}
			if left == 0 {
				return errCut // and everything after it
			}
			return nil
		}})
		must(t, err)
		backup(t, s, one)
		d, err := s.Begin(t.Context(), russet.BeginOptions{Device: device, Allow: -1})
		must(t, err)
		_, err = storetest.Play(d, device, two)
		must(t, err)
		left = at
		_, err = d.Commit(t.Context())
		cut := left == 0
		left = -1
		must(t, s.Close())
		again := store(t, dir)
		all := list(t, again)
		if len(all) != 1 {
			t.Fatalf("cut at %d: there are %+v", at, all)
		}
		if got := contents(t, again, all[0]); !maps.Equal(got, one) && !maps.Equal(got, two) {
			t.Errorf("cut at %d: neither one nor the other", at)
		}
		if last := backup(t, again, two); !maps.Equal(contents(t, again, last), two) {
			t.Errorf("cut at %d: the next run went wrong", at)
		}
		must(t, again.Close())
		if !cut {
			must(t, err)
			return
		}
	}
}

// Another program backs a phone up on which nothing has changed: Manifest.db
// comes out as it was, the property lists do not.
func TestAnotherProgramFindsNothingNew(t *testing.T) {
	one, two := storetest.Day(t, 1), storetest.Day(t, 2)
	dir := t.TempDir()
	s := store(t, dir)
	last := backup(t, s, one)
	for _, name := range []string{"Status.plist", "Manifest.plist"} {
		must(t, os.WriteFile(filepath.Join(dir, string(device), name), []byte(two[name]), 0o600))
	}
	all := list(t, s)
	if len(all) != 1 || all[0].Problem != "" || all[0].ID == last.ID {
		t.Errorf("there are %+v", all)
	}
	must(t, os.WriteFile(filepath.Join(dir, string(device), "Status.plist"), []byte("?"), 0o600))
	if all = list(t, s); len(all) != 1 || all[0].Problem == "" {
		t.Errorf("with a wound there are %+v", all)
	}
}
