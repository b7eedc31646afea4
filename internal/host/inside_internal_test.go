package host

import (
	"errors"
	"testing"
	"time"

	"russet"
)

func TestAppsOf(t *testing.T) {
	one := Amount{Files: 1, Bytes: 10}
	apps := appsOf([]Domain{
		{Name: "AppDomain-com.example.chat", Amount: one, New: one},
		{Name: "AppDomainPlugin-com.example.chat.share", Amount: one},
		{Name: "AppDomainGroup-group.com.example.chat.shared", Amount: one, New: one},
		{Name: "AppDomainPlugin-com.example.chatter.share", Amount: one},
		{Name: "AppDomainGroup-243LU875E5.groups.com.example", Amount: one},
		{Name: "HomeDomain", Amount: one},
	}, map[string]string{"com.example.chat": "Chat", "com.example.sold": "not there any more"})
	want := []App{
		{Name: "Chat", Bundle: "com.example.chat", Amount: Amount{3, 30}, New: Amount{2, 20}},
		{Name: "AppDomainGroup-243LU875E5.groups.com.example", Amount: one},
		{Name: "AppDomainPlugin-com.example.chatter.share", Amount: one},
		{Name: "HomeDomain", Amount: one},
	}
	if len(apps) != len(want) {
		t.Fatalf("%+v", apps)
	}
	for i := range want {
		if apps[i] != want[i] {
			t.Errorf("%+v instead of %+v", apps[i], want[i])
		}
	}
}

// TestVersionsOfAFile: content decides where it is known; a file that is what
// it was before is the same version again.
func TestVersionsOfAFile(t *testing.T) {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f := FoundFile{}
	for i, x := range []hit{
		{size: 5, time: day, content: "a"},
		{size: 5, time: day, content: "b"}, // same size and time, another content
		{size: 5, time: day.Add(time.Hour), content: "a"},
		{size: 5, time: day},                     // from a folder: the first that fits
		{size: 6, time: day},                     // from a folder: new
		{size: 6, time: day, content: "c"},       // its content becomes known
		{size: 6, time: day, content: "another"}, // and this is another
	} {
		f.see(&x, Sighting{ID: russet.BackupID(rune('0' + i))})
	}
	want := []string{"023", "1", "45", "6"}
	if len(f.Versions) != len(want) {
		t.Fatalf("%+v", f.Versions)
	}
	for i, v := range f.Versions {
		var got string
		for _, s := range v.Backups {
			got += string(s.ID)
		}
		if got != want[i] {
			t.Errorf("version %d is in %s, not in %s", i, got, want[i])
		}
	}
}

func TestIndexComparison(t *testing.T) {
	line := func(name string, sum byte, sealed bool) russet.Indexed {
		return russet.Indexed{Name: name, Domain: "D", Path: name, Size: int64(sum), Sum: [32]byte{sum}, Sealed: sealed}
	}
	orphan := russet.Indexed{Name: "c", Sum: [32]byte{9}}
	c := &indexComparison{}
	err := c.folder(
		[]russet.Indexed{line("a", 1, false), line("b", 2, false), orphan, line("d", 3, true), line("e", 4, true)},
		[]russet.Indexed{line("b", 5, false), line("d", 6, false), line("e", 4, true), line("f", 7, false)},
	)
	if err != nil {
		t.Fatal(err)
	}
	want := []change{{"removed", "D", "a", 1, 0}, {"changed", "D", "b", 2, 5}, {"added", "D", "f", 0, 7}}
	if len(c.changes) != len(want) || len(c.doubts) != 1 || c.doubts[0].path != "d" {
		t.Fatalf("%+v, in doubt %+v", c.changes, c.doubts)
	}
	for i := range want {
		if c.changes[i] != want[i] {
			t.Errorf("%+v instead of %+v", c.changes[i], want[i])
		}
	}
	locked := line("a", 1, true)
	locked.Domain = ""
	if err := c.folder([]russet.Indexed{locked}, nil); !errors.Is(err, errLocked) {
		t.Errorf("an index without paths: %v", err)
	}
}
