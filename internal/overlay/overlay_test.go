package overlay_test

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"russet/internal/durable"
	"russet/internal/overlay"
)

const (
	idA = "aa00000000000000000000000000000000000001"
	idB = "aa00000000000000000000000000000000000002"
	idC = "ab00000000000000000000000000000000000003"
)

var base = fstest.MapFS{
	"Status.plist": {Data: []byte("old status")},
	"aa/" + idA:    {Data: []byte("a")},
	"aa/" + idB:    {Data: []byte("bb")},
	"ab":           {Mode: fs.ModeDir | 0o755},
}

func open(t *testing.T, dir *durable.Dir, opts overlay.Options) *overlay.Overlay {
	t.Helper()
	o, err := overlay.Open(dir, "journal", opts)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func onBase() overlay.Options { return overlay.Options{Base: base, Root: "U"} }

func folder(t *testing.T) *durable.Dir {
	t.Helper()
	d, err := durable.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func do(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// tree lists an overlay: "name" for a file of the base, "name=size" for a
// received one, "name/" for a folder.
func tree(t *testing.T, o *overlay.Overlay) []string {
	t.Helper()
	var all []string
	var walk func(dir string)
	walk = func(dir string) {
		items, err := o.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range items {
			name := path.Join(dir, it.Name)
			switch {
			case it.Folder:
				all = append(all, name+"/")
				walk(name)
			case it.ID != 0:
				all = append(all, name+"="+string(rune('0'+it.Object.Size)))
			default:
				all = append(all, name)
			}
		}
	}
	walk(".")
	return all
}

func want(t *testing.T, o *overlay.Overlay, names ...string) {
	t.Helper()
	if got := tree(t, o); !slices.Equal(got, names) {
		t.Errorf("the overlay shows\n\t%s\nnot\n\t%s", strings.Join(got, "\n\t"), strings.Join(names, "\n\t"))
	}
}

func size(n int64) overlay.Object { return overlay.Object{Size: n, Sum: [16]byte{byte(n)}} }

// backup plays what a phone does in an incremental run.
func backup(t *testing.T, o *overlay.Overlay) {
	t.Helper()
	do(t,
		o.Mkdir("U/Snapshot/aa"), o.Mkdir("U/Snapshot/ab"),
		o.Put("U/Status.plist", size(1)),
		o.Put("U/Snapshot/aa/"+idA, size(2)),
		o.Put("U/Snapshot/ab/"+idC, size(3)),
		o.Put("U/Snapshot/Manifest.db", size(4)),
		o.Rename("U/Snapshot/aa/"+idA, "U/aa/"+idA),
		o.Rename("U/Snapshot/ab/"+idC, "U/ab/"+idC),
		o.Rename("U/Snapshot/Manifest.db", "U/Manifest.db"),
		o.Remove("U/aa/"+idB), o.Remove("U/Snapshot"), o.Remove("U/Manifest.mbdx"),
		o.Put("U/Status.plist", size(5)),
	)
}

var afterBackup = []string{
	"U/", "U/Manifest.db=4", "U/Status.plist=5", "U/aa/", "U/aa/" + idA + "=2", "U/ab/", "U/ab/" + idC + "=3",
}

func TestBackup(t *testing.T) {
	o := open(t, folder(t), onBase())
	want(t, o, "U/", "U/Status.plist", "U/aa/", "U/aa/"+idA, "U/aa/"+idB, "U/ab/")
	backup(t, o)
	want(t, o, afterBackup...)
	if dead := o.Dead(); !slices.Equal(dead, []overlay.ID{1}) {
		t.Errorf("dead objects are %v, not the first Status.plist", dead)
	}
	if _, live := o.Object(1); live {
		t.Error("the first Status.plist is still there")
	}
	if obj, live := o.Object(2); !live || obj != size(2) {
		t.Errorf("object 2 is %v, %v", obj, live)
	}
	do(t, o.Close())
}

func TestNames(t *testing.T) {
	o := open(t, folder(t), onBase())
	for _, name := range []string{"", "/U/x", "../x", "U/../x", "U//x", "U/."} {
		if err := o.Put(name, size(1)); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("put %q: %v", name, err)
		}
		if err := o.Rename("U/Status.plist", name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("rename to %q: %v", name, err)
		}
		if _, err := o.List(name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("list %q: %v", name, err)
		}
	}
	for what, err := range map[string]error{
		"put under a file":       o.Put("U/Status.plist/x", size(1)),
		"put under a base file":  o.Put("U/aa/"+idA+"/x", size(1)),
		"mkdir over a file":      o.Mkdir("U/Status.plist"),
		"mkdir through a file":   o.Mkdir("U/Status.plist/x"),
		"rename through a file":  o.Rename("U/ab", "U/Status.plist/x"),
		"lookup through a file":  lookup(o, "U/Status.plist/x"),
		"list of something else": list(o, "U/Status.plist"),
	} {
		if !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"rename of nothing": o.Rename("U/none", "U/x"),
		"copy of nothing":   o.Copy("U/none", "U/x"),
		"list of nothing":   list(o, "U/none"),
		"lookup of nothing": lookup(o, "U/none"),
	} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := o.Put("U/aa", size(1)); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("put over a folder: %v", err)
	}
	do(t, o.Rename("U", "V"))
	for what, err := range map[string]error{
		"put of a file":    o.Put("U", size(1)),
		"rename of a file": o.Rename("V/Status.plist", "U"),
		"copy of a file":   o.Copy("V/aa/"+idA, "U"),
	} {
		if !errors.Is(err, syscall.EISDIR) {
			t.Errorf("%s in the place of a backup: %v", what, err)
		}
	}
	do(t, o.Rename("V", "U"))
	for _, err := range []error{o.Rename("U", "U/x"), o.Copy("U", "U/x/y"), o.Rename(".", "x"), o.Remove(".")} {
		if !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("a folder into itself: %v", err)
		}
	}
	want(t, o, "U/", "U/Status.plist", "U/aa/", "U/aa/"+idA, "U/aa/"+idB, "U/ab/")
}

func lookup(o *overlay.Overlay, name string) error { _, err := o.Lookup(name); return err }
func list(o *overlay.Overlay, name string) error   { _, err := o.List(name); return err }

func TestMoves(t *testing.T) {
	o := open(t, folder(t), onBase())
	do(t, o.Rename("U", "U-20260101-000000"), o.Put("U/Status.plist", size(1)))
	do(t, o.Copy("U-20260101-000000/aa", "U/aa"), o.Remove("U-20260101-000000/Status.plist"))
	do(t, o.Rename("U/aa/"+idA, "U/aa/"+idB), o.Rename("U/aa/"+idB, "U/aa/"+idB))
	want(t, o, "U/", "U/Status.plist=1", "U/aa/", "U/aa/"+idB,
		"U-20260101-000000/", "U-20260101-000000/aa/", "U-20260101-000000/aa/"+idA, "U-20260101-000000/aa/"+idB, "U-20260101-000000/ab/")
	it, err := o.Lookup("U/aa/" + idB)
	if err != nil || it.Base != "aa/"+idA {
		t.Errorf("the moved file is %+v, %v", it, err)
	}
	do(t, o.Rename("U-20260101-000000/aa", "U-20260101-000000")) // over its own parent
	want(t, o, "U/", "U/Status.plist=1", "U/aa/", "U/aa/"+idB, "U-20260101-000000/",
		"U-20260101-000000/"+idA, "U-20260101-000000/"+idB)
	do(t, o.Remove("U-20260101-000000"), o.Rename("U/aa/"+idB, "U/aa"))
	want(t, o, "U/", "U/Status.plist=1", "U/aa")
}

func TestCopiesShareObjects(t *testing.T) {
	o := open(t, folder(t), overlay.Options{})
	do(t, o.Put("U/a/"+idA, size(1)), o.Put("U/a/x", size(2)), o.Copy("U/a", "U/b"), o.Remove("U/a"))
	want(t, o, "U/", "U/b/", "U/b/"+idA+"=1", "U/b/x=2")
	if dead := o.Dead(); len(dead) != 0 {
		t.Errorf("objects %v are dead, but copies refer to them", dead)
	}
	do(t, o.Copy("U/b/x", "U/b/x"), o.Remove("U"))
	if dead := o.Dead(); len(dead) != 2 {
		t.Errorf("objects %v are dead, not both", dead)
	}
}

func TestReadDirTellsSizes(t *testing.T) {
	o := open(t, folder(t), onBase())
	now := time.Unix(1e9, 0)
	do(t, o.Put("U/aa/"+idC, size(7)), o.Rename("U/Status.plist", "U/aa/s"))
	entries, err := o.ReadDir("U/aa", now)
	do(t, err)
	got := map[string]int64{}
	for _, e := range entries {
		info, err := e.Info()
		do(t, err)
		if info.Name() != e.Name() || e.IsDir() {
			t.Errorf("entry %v says %v", e, info)
		}
		got[e.Name()] = info.Size()
	}
	want := map[string]int64{idA: 1, idB: 2, idC: 7, "s": 10}
	if len(got) != len(want) {
		t.Errorf("listing %v, not %v", got, want)
	}
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s has %d bytes, not %d", name, got[name], n)
		}
	}
}

func TestReplay(t *testing.T) {
	dir := folder(t)
	o := open(t, dir, onBase())
	backup(t, o)
	do(t, o.Close())
	o = open(t, dir, onBase())
	want(t, o, afterBackup...)
	if o.Next() != 6 {
		t.Errorf("the next object is %d, not 6", o.Next())
	}
	do(t, o.Put("U/x", size(6)), o.Close())
	want(t, open(t, dir, onBase()), append(slices.Clone(afterBackup), "U/x=6")...)
}

// TestTornJournal cuts the journal at every byte: what is read back is always
// a state the overlay was in.
func TestTornJournal(t *testing.T) {
	dir := folder(t)
	o := open(t, dir, onBase())
	steps := []func() error{
		func() error { return o.Mkdir("U/Snapshot/aa") },
		func() error { return o.Put("U/Snapshot/aa/"+idA, size(2)) },
		func() error { return o.Rename("U/Snapshot/aa/"+idA, "U/aa/"+idA) },
		func() error { return o.Copy("U/aa", "U/ac") },
		func() error { return o.Remove("U/Snapshot") },
	}
	states := [][]string{tree(t, o)}
	for _, step := range steps {
		do(t, step())
		states = append(states, tree(t, o))
	}
	do(t, o.Close())
	name := filepath.Join(dir.Path(), "journal")
	whole, err := os.ReadFile(name)
	do(t, err)
	at := 0
	for n := range len(whole) + 1 {
		do(t, os.WriteFile(name, whole[:n], 0o600))
		o := open(t, dir, onBase())
		got := tree(t, o)
		if !slices.Equal(got, states[at]) {
			at++
		}
		if at == len(states) || !slices.Equal(got, states[at]) {
			t.Fatalf("cut at byte %d it shows %q", n, got)
		}
		do(t, o.Put("U/new", size(1)), o.Close())
		o = open(t, dir, onBase())
		if _, err := o.Lookup("U/new"); err != nil {
			t.Fatalf("cut at byte %d, what came after is lost: %v", n, err)
		}
		do(t, o.Close())
	}
	if at != len(states)-1 {
		t.Errorf("only %d of %d states were read back", at+1, len(states))
	}
}

// TestTrust plays a power cut: objects after the last barrier are not as they
// were recorded.
func TestTrust(t *testing.T) {
	dir := folder(t)
	o := open(t, dir, onBase())
	do(t, o.Put("U/Status.plist", size(1)), o.Put("U/Snapshot/aa/"+idA, size(2)), o.Barrier())
	do(t, o.Put("U/Status.plist", size(3)), o.Put("U/Snapshot/ab/"+idC, size(4)),
		o.Rename("U/Snapshot/aa/"+idA, "U/aa/"+idA), o.Rename("U/Snapshot/ab/"+idC, "U/ab/"+idC), o.Close())
	asked := map[overlay.ID]bool{}
	opts := onBase()
	opts.Trust = func(id overlay.ID, _ overlay.Object, durable bool) bool {
		asked[id] = durable
		return durable
	}
	o = open(t, dir, opts)
	want(t, o, "U/", "U/Snapshot/", "U/Snapshot/aa/", "U/Status.plist=1", "U/aa/", "U/aa/"+idA+"=2", "U/aa/"+idB, "U/ab/")
	if len(asked) != 4 || !asked[1] || !asked[2] || asked[3] || asked[4] {
		t.Errorf("asked about %v", asked)
	}
}
