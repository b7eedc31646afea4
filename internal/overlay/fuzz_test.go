package overlay_test

import (
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"russet/internal/durable"
	"russet/internal/overlay"
)

func openB(b *testing.B) *overlay.Overlay {
	b.Helper()
	d, err := durable.Open(b.TempDir(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { d.Close() })
	o, err := overlay.Open(d, "journal", overlay.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return o
}

// FuzzJournal reads journals from strangers: a store may lie on a share.
func FuzzJournal(f *testing.F) {
	dir, err := durable.Open(f.TempDir(), nil)
	if err != nil {
		f.Fatal(err)
	}
	defer dir.Close()
	o, err := overlay.Open(dir, "journal", onBase())
	if err != nil {
		f.Fatal(err)
	}
	for _, err := range []error{
		o.Put("U/a", size(1)), o.Mkdir("U/b"), o.Copy("U", "V"), o.Rename("U/a", "U/b/a"), o.Barrier(), o.Remove("U/aa"), o.Close(),
	} {
		if err != nil {
			f.Fatal(err)
		}
	}
	whole, err := os.ReadFile(filepath.Join(dir.Path(), "journal"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := folder(t)
		if err := os.WriteFile(filepath.Join(dir.Path(), "journal"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		o := open(t, dir, onBase())
		before := tree(t, o)
		if o.Length() > int64(len(data)) {
			t.Errorf("%d of %d bytes are good", o.Length(), len(data))
		}
		do(t, o.Close())
		o = open(t, dir, onBase())
		if got := tree(t, o); !slices.Equal(got, before) {
			t.Errorf("read twice it shows %q, then %q", before, got)
		}
		do(t, o.Close())
	})
}

// TestAgainstAModel does random things to an overlay and to a plain map of
// names, and reads the journal back now and then.
func TestAgainstAModel(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		dir := folder(t)
		o := open(t, dir, onBase())
		m := model{"U": "", "U/Status.plist": "base", "U/aa": "", "U/aa/" + idA: "base", "U/aa/" + idB: "base", "U/ab": ""}
		for range 200 {
			m.step(t, rnd, o)
			if rnd.IntN(40) == 0 {
				do(t, o.Close())
				o = open(t, dir, onBase())
			}
		}
		if got, want := strings.Join(tree(t, o), "\n"), m.String(); got != want {
			t.Fatalf("seed %d: the overlay shows\n%s\nthe model\n%s", seed, got, want)
		}
		do(t, o.Close())
	}
}

// model is names with "" for a folder, "base" for a file of the base, "=n" for
// a received one.
type model map[string]string

func (m model) String() string {
	var all []string
	for name, what := range m {
		switch what {
		case "":
			name += "/"
		case "base":
		default:
			name += what
		}
		all = append(all, name)
	}
	slices.SortFunc(all, func(a, b string) int {
		return strings.Compare(strings.ReplaceAll(a, "/", "\x00"), strings.ReplaceAll(b, "/", "\x00"))
	})
	return strings.Join(all, "\n")
}

func (m model) step(t *testing.T, rnd *rand.Rand, o *overlay.Overlay) {
	t.Helper()
	some := func() string {
		names := []string{"U", "U/aa", "U/ab", "U/Snapshot", "V", "U/aa/x", "U/Status.plist", "U/aa/" + idA, "U/ab/" + idA, "V/" + idC}
		return names[rnd.IntN(len(names))]
	}
	a, b := some(), some()
	switch rnd.IntN(5) {
	case 0:
		_, isFile := m[a]
		if err := o.Put(a, size(7)); err == nil {
			m.mkdir(path.Dir(a))
			m[a] = "=7"
		} else if isFile && m[a] != "" && m.folders(path.Dir(a)) {
			t.Fatalf("put %s: %v", a, err)
		}
	case 1:
		if o.Mkdir(a) == nil {
			m.mkdir(a)
		} else if m.folders(a) {
			t.Fatalf("mkdir %s fails", a)
		}
	case 2:
		if o.Rename(a, b) == nil {
			m.move(a, b, true)
		}
	case 3:
		if o.Copy(a, b) == nil {
			m.move(a, b, false)
		}
	case 4:
		do(t, o.Remove(a))
		m.remove(a)
	}
}

// folders reports whether every step of a name that is there is a folder.
func (m model) folders(name string) bool {
	for ; name != "."; name = path.Dir(name) {
		if m[name] != "" {
			return false
		}
	}
	return true
}

func (m model) mkdir(name string) {
	for ; name != "."; name = path.Dir(name) {
		m[name] = ""
	}
}

func (m model) remove(name string) {
	for n := range m {
		if n == name || strings.HasPrefix(n, name+"/") {
			delete(m, n)
		}
	}
}

func (m model) move(from, to string, away bool) {
	if from == to {
		return
	}
	taken := map[string]string{}
	for n, what := range m {
		if n == from || strings.HasPrefix(n, from+"/") {
			taken[to+n[len(from):]] = what
		}
	}
	if away {
		m.remove(from)
	}
	m.remove(to)
	m.mkdir(path.Dir(to))
	for n, what := range taken {
		m[n] = what
	}
}
