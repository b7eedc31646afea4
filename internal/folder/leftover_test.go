package folder_test

import (
	"maps"
	"path"
	"testing"

	"russet"
	"russet/internal/storetest"
)

// A device that says it is finished may leave its Snapshot behind: without a
// manifest in it that is litter, with one the device was not done.
func TestSnapshotLeftBehind(t *testing.T) {
	for left, want := range map[string]russet.Kind{
		"Snapshot/00/0012": 0, "Snapshot/Manifest.db": russet.Damaged, "Snapshot/Manifest.plist": russet.Damaged,
	} {
		t.Run(left, func(t *testing.T) {
			s, err := systems[""](t.TempDir(), nil)
			must(t, err)
			defer s.Close()
			one, two := storetest.Day(t, 1), storetest.Day(t, 2)
			first := backup(t, s, one)
			d, err := s.Begin(t.Context(), russet.BeginOptions{Device: device, Allow: -1})
			must(t, err)
			_, err = storetest.Play(d, device, two)
			must(t, err)
			u, err := d.Create(path.Join(string(device), left))
			must(t, err)
			_, err = u.Write([]byte("left"))
			must(t, err)
			must(t, u.Commit())
			last, err := d.Commit(t.Context())
			if russet.KindOf(err) != want {
				t.Fatalf("commit: %v", err)
			}
			if want != 0 {
				if !maps.Equal(contents(t, s, first), one) {
					t.Error("the last backup has changed")
				}
			} else if !maps.Equal(contents(t, s, last), two) {
				t.Error("the new backup is not what the phone has")
			}
		})
	}
}
