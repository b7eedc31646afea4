package folder_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/internal/folder"
	"russet/internal/storetest"
)

const device = storetest.Device

func store(t *testing.T, dir string) *folder.Store {
	t.Helper()
	s, err := folder.Open(t.Context(), dir, folder.Options{Name: "home", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func backup(t *testing.T, s russet.Store, to storetest.Folder) russet.Backup {
	t.Helper()
	b, err := storetest.Backup(t.Context(), s, device, to)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, s russet.Store) []russet.Backup {
	t.Helper()
	all, err := s.Backups(t.Context(), "")
	must(t, err)
	return all
}

// flip turns one bit of a file.
func flip(t *testing.T, file string, bit int) {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err)
	data[bit/8] ^= 1 << (bit % 8)
	must(t, os.WriteFile(file, data, 0o600))
}

// payload finds a payload of a folder that is not empty.
func payload(f storetest.Folder) string {
	for name, data := range f {
		if strings.Contains(name, "/") && data != "" {
			return name
		}
	}
	return ""
}

// TestEveryFlippedBitIsFound flips bits all over a backup; each is found, and
// the backup keeps its identity.
func TestEveryFlippedBitIsFound(t *testing.T) {
	dir := t.TempDir()
	s := store(t, dir)
	one := storetest.Day(t, 1)
	b := backup(t, s, one)
	for name, data := range one {
		for _, bit := range []int{0, 8*len(data)/2 + 3, 8*len(data) - 1} {
			if data == "" {
				continue
			}
			file := filepath.Join(dir, string(device), name)
			flip(t, file, bit)
			report, err := s.Verify(t.Context(), b.ID, russet.VerifyOptions{Full: true})
			if err != nil || len(report.Problems) == 0 {
				t.Errorf("bit %d of %s: %+v, %v", bit, name, report, err)
			}
			flip(t, file, bit)
		}
	}
	report, err := s.Verify(t.Context(), b.ID, russet.VerifyOptions{Full: true})
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("with all bits as they were: %+v, %v", report, err)
	}
}

func TestWoundsAreFoundWithoutReading(t *testing.T) {
	dir := t.TempDir()
	s := store(t, dir)
	one := storetest.Day(t, 1)
	b := backup(t, s, one)
	name := payload(one)
	file := filepath.Join(dir, string(device), name)
	for what, wound := range map[string]func() error{
		"truncated":  func() error { return os.Truncate(file, int64(len(one[name])-1)) },
		"grown":      func() error { return os.WriteFile(file, []byte(one[name]+"x"), 0o600) },
		"missing":    func() error { return os.Remove(file) },
		"a folder":   func() error { return errors.Join(os.Remove(file), os.Mkdir(file, 0o700)) },
		"a link":     func() error { return errors.Join(os.Remove(file), os.Symlink("/etc/passwd", file)) },
		"unreadable": func() error { return errors.Join(os.Remove(file), os.Symlink("nowhere", file)) },
	} {
		must(t, wound())
		report, err := s.Verify(t.Context(), b.ID, russet.VerifyOptions{})
		if err != nil || len(report.Problems) == 0 {
			t.Errorf("%s: %+v, %v", what, report, err)
		}
		must(t, errors.Join(os.RemoveAll(file), os.WriteFile(file, []byte(one[name]), 0o600)))
	}
}

// TestRepairFromAnArchivedCopy: what an archived backup has whole is taken
// from there; what nobody has is hidden from the device until it is sent again.
func TestRepairFromAnArchivedCopy(t *testing.T) {
	dir := t.TempDir()
	s := store(t, dir)
	one, two := storetest.Day(t, 1), storetest.Day(t, 2)
	a := backup(t, s, one)
	_, err := s.Archive(t.Context(), a.ID, "")
	must(t, err)
	b := backup(t, s, two)
	var shared, own string
	for name, data := range two {
		switch {
		case !strings.Contains(name, "/") || data == "":
		case one[name] == data:
			shared = name
		default:
			own = name
		}
	}
	flip(t, filepath.Join(dir, string(device), shared), 3)
	must(t, os.Remove(filepath.Join(dir, string(device), own)))
	did, err := s.Repair(t.Context())
	must(t, err)
	mended := slices.ContainsFunc(did, func(r russet.Repair) bool { return r.Mended && strings.Contains(r.What, shared) })
	named := slices.ContainsFunc(did, func(r russet.Repair) bool { return !r.Mended && strings.Contains(r.What, own) })
	if !mended || !named || len(did) != 2 {
		t.Errorf("repaired %+v", did)
	}
	c, err := s.Open(t.Context(), b.ID)
	must(t, err)
	got := storetest.Read(t, c.Folder())
	must(t, c.Close())
	if got[shared] != two[shared] {
		t.Errorf("%s is not what it was", shared)
	}
	d, err := s.Begin(t.Context(), russet.BeginOptions{Device: device, Allow: -1})
	must(t, err)
	if _, err := d.Open(string(device) + "/" + own); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the damaged file is shown to the device: %v", err)
	}
	three := storetest.Day(t, 3)
	_, err = storetest.Play(d, device, three)
	must(t, err)
	_, err = d.Commit(t.Context())
	must(t, err)
	if did, err := s.Repair(t.Context()); err != nil || len(did) > 0 {
		t.Errorf("after the next run there is something to repair: %v, %v", did, err)
	}
}

// TestOtherPrograms looks at a folder that others use too.
func TestOtherPrograms(t *testing.T) {
	dir := t.TempDir()
	write := func(folder string, f storetest.Folder) {
		for name, data := range f {
			file := filepath.Join(dir, folder, name)
			must(t, os.MkdirAll(filepath.Dir(file), 0o755))
			must(t, os.WriteFile(file, []byte(data), 0o644))
		}
	}
	one, two, three := storetest.Day(t, 1), storetest.Day(t, 2), storetest.Day(t, 3)
	half, old, busy := storetest.Day(t, 3), storetest.Folder{"Manifest.mbdb": "mbdb", "Info.plist": "x"}, storetest.Day(t, 4)
	half["Status.plist"] = strings.Replace(half["Status.plist"], "finished", "removing", 1)
	busy["Info.plist"] = ""
	u := string(device)
	write(u, two)
	write(u+"-20250101-120000", one)
	write(u+"-20250102-120000", half)
	write(u+"-20240102-120000", old)
	write(string(storetest.Other), busy)
	write("unrelated", one)
	must(t, os.WriteFile(filepath.Join(dir, ".DS_Store"), nil, 0o600))
	must(t, os.Symlink("unrelated", filepath.Join(dir, u+"-20230101-120000")))
	s := store(t, dir)
	problems := map[string]string{}
	for _, b := range list(t, s) {
		problems[b.Time.Format(time.DateOnly)] = b.Problem
		if b.Problem == "" && (b.Files != 5 || b.Size == 0 || b.Archived != (b.Time.Day() == 1)) {
			t.Errorf("listed as %+v", b)
		}
	}
	for day, what := range map[string]string{
		"2026-01-01": "", "2026-01-02": "", "2026-01-03": "did not finish", "2024-01-02": "iOS 9", "2026-01-04": "still writing",
		"2023-01-01": "a link",
	} {
		if p, ok := problems[day]; !ok || !strings.Contains(p, what) || (p == "") != (what == "") {
			t.Errorf("the backup of %s has the problem %q, not %q", day, p, what)
		}
	}
	if len(problems) != 6 {
		t.Errorf("listed %v", problems)
	}
	_, err := s.Begin(t.Context(), russet.BeginOptions{Device: storetest.Other})
	if russet.KindOf(err) != russet.Busy {
		t.Errorf("while Finder writes, a run begins with %v", err)
	}
	// The phone goes on from what Finder left, and what other programs keep
	// in the folder stays.
	write(u, storetest.Folder{"iMazing.Versions/x/y": "theirs"})
	three["iMazing.Versions/x/y"] = "theirs"
	d, err := s.Begin(t.Context(), russet.BeginOptions{Device: device, Allow: -1})
	must(t, err)
	if d.Base() == nil {
		t.Error("Finder's backup is not offered to the device")
	}
	must(t, d.Discard(t.Context()))
	d, err = s.Begin(t.Context(), russet.BeginOptions{Device: device, Allow: -1, Full: true})
	must(t, err)
	delete(three, "iMazing.Versions/x/y")
	_, err = storetest.Play(d, device, three)
	must(t, err)
	_, err = d.Commit(t.Context())
	must(t, err)
	data, err := os.ReadFile(filepath.Join(dir, u, "iMazing.Versions/x/y"))
	if err != nil || string(data) != "theirs" {
		t.Errorf("what another program kept: %q, %v", data, err)
	}
}

// TestAnotherProgramDuringARun: what it wrote is not replaced.
func TestAnotherProgramDuringARun(t *testing.T) {
	dir := t.TempDir()
	s := store(t, dir)
	backup(t, s, storetest.Day(t, 1))
	d, err := s.Begin(t.Context(), russet.BeginOptions{Device: device, Allow: -1})
	must(t, err)
	_, err = storetest.Play(d, device, storetest.Day(t, 2))
	must(t, err)
	must(t, os.RemoveAll(filepath.Join(dir, string(device))))
	theirs := storetest.Day(t, 3)
	must(t, os.CopyFS(filepath.Join(dir, string(device)), mapFS(theirs)))
	if _, err := d.Commit(t.Context()); err == nil {
		t.Error("the run replaced what another program wrote meanwhile")
	}
	b := list(t, s)[0]
	c, err := s.Open(t.Context(), b.ID)
	must(t, err)
	defer c.Close()
	if got := storetest.Read(t, c.Folder()); got["Status.plist"] != theirs["Status.plist"] || b.Time.Day() != 3 {
		t.Errorf("the store has %+v", b)
	}
}

func TestReadOnlyStore(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, string(device)), mapFS(storetest.Day(t, 1))); err != nil {
		t.Fatal(err)
	}
	readOnly := errors.New("read-only file system")
	s, err := folder.Open(t.Context(), dir, folder.Options{Before: func(_, _ string) error { return readOnly }})
	must(t, err)
	defer s.Close()
	b := list(t, s)[0]
	if b.Problem != "" || b.Files != 5 {
		t.Errorf("listed as %+v", b)
	}
	c, err := s.Open(t.Context(), b.ID)
	must(t, err)
	must(t, c.Close())
	if report, err := s.Verify(t.Context(), b.ID, russet.VerifyOptions{Full: true}); err != nil || len(report.Problems) > 0 {
		t.Errorf("verified: %+v, %v", report, err)
	}
	_, begin := s.Begin(t.Context(), russet.BeginOptions{Device: device})
	_, archive := s.Archive(t.Context(), b.ID, "")
	_, imported := s.Import(t.Context(), mapFS(storetest.Day(t, 1)), russet.ImportOptions{})
	_, repair := s.Repair(t.Context())
	for what, err := range map[string]error{
		"begin": begin, "archive": archive, "import": imported, "repair": repair, "delete": s.Delete(t.Context(), b.ID),
	} {
		if !errors.Is(err, readOnly) || !strings.Contains(err.Error(), "cannot be written") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestOpening(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there")
	if _, err := folder.Open(t.Context(), dir, folder.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a store that is not there opens: %v", err)
	}
	s, err := folder.Open(t.Context(), dir, folder.Options{Create: true})
	must(t, err)
	must(t, s.Close())
	must(t, os.WriteFile(filepath.Join(dir, ".russet", "format"), []byte("russet folder store 9\n"), 0o600))
	if _, err := folder.Open(t.Context(), dir, folder.Options{}); russet.KindOf(err) != russet.Unsupported {
		t.Errorf("a store of the future opens: %v", err)
	}
}

// TestPlantedLinks: links in the way lead nowhere.
func TestPlantedLinks(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600))
	s := store(t, dir)
	backup(t, s, storetest.Day(t, 1))
	u := string(device)
	must(t, os.Symlink(outside, filepath.Join(dir, u, "out")))
	must(t, os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, u, "secret")))
	d, err := s.Begin(t.Context(), russet.BeginOptions{Device: device, Allow: -1})
	must(t, err)
	for _, name := range []string{u + "/secret", u + "/out/secret", u + "/out"} {
		if f, err := d.Open(name); err == nil {
			t.Errorf("%s opens as %v", name, f)
		}
	}
	if entries, err := d.ReadDir(u + "/out"); err == nil {
		t.Errorf("the device sees %v", entries)
	}
	_, err = storetest.Play(d, device, storetest.Day(t, 2))
	must(t, err)
	_, err = d.Commit(context.WithoutCancel(t.Context()))
	must(t, err)
	must(t, s.Delete(t.Context(), list(t, s)[0].ID))
	if data, err := os.ReadFile(filepath.Join(outside, "secret")); err != nil || string(data) != "secret" {
		t.Errorf("what lies outside: %q, %v", data, err)
	}
	must(t, os.Symlink(outside, filepath.Join(dir, u)))
	if _, err := s.Begin(t.Context(), russet.BeginOptions{Device: device}); russet.KindOf(err) != russet.Unsupported {
		t.Errorf("a run into a link begins with %v", err)
	}
}
