package depot_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/snapshot"

	"russet/internal/vault/depot"
)

func TestTree(t *testing.T) {
	l := newLab(t)
	d := l.open()
	s := l.begin(d)
	ctx := t.Context()
	when := time.Date(2024, 5, 6, 7, 8, 9, 10, time.UTC)
	a := depot.Entry{Name: "ä", ID: l.write(s, depot.Stream, []byte("a")), Size: 1, ModTime: when}
	b := depot.Entry{Name: "b", ID: l.write(s, depot.Pages, noise(1, 99_999)), Size: 99_999, ModTime: time.Time{}}
	sub, err := s.WriteDir(ctx, "sub", []depot.Entry{a, b}, when)
	l.must(err)
	again, err := s.WriteDir(ctx, "sub", []depot.Entry{b, a}, when)
	l.must(err)
	if again.ID != sub.ID {
		t.Error("the order of entries matters")
	}
	sub.Name = "sub"
	root, err := s.WriteDir(ctx, "", []depot.Entry{{Name: "z", ID: a.ID, Size: 1, ModTime: when}, sub}, when)
	l.must(err)
	if root.Size != 100_001 || root.Files != 3 || root.Dirs != 2 || !root.Dir {
		t.Errorf("root %+v", root)
	}
	unflushed, err := s.ReadDir(ctx, root.ID)
	l.must(err, s.Flush(ctx))
	flushed, err := d.ReadDir(ctx, root.ID)
	l.must(err)
	want := []depot.Entry{sub, {Name: "z", ID: a.ID, Size: 1, ModTime: when}}
	if !reflect.DeepEqual(flushed, want) || !reflect.DeepEqual(unflushed, want) {
		t.Errorf("read  %+v\nwrote %+v", flushed, want)
	}
	inner, err := d.ReadDir(ctx, sub.ID)
	l.must(err)
	if !reflect.DeepEqual(inner, []depot.Entry{b, a}) {
		t.Errorf("inner %+v", inner)
	}
	if _, err := d.ReadDir(ctx, a.ID); err == nil {
		t.Error("a file was read as a directory")
	}
	for _, name := range []string{"", ".", "..", "a/b", "a\\b", "\x00", "\xff", "z"} {
		if _, err := s.WriteDir(ctx, "", []depot.Entry{{Name: "z", ID: a.ID}, {Name: name, ID: a.ID}}, when); err == nil {
			t.Errorf("the name %q was accepted", name)
		}
	}
}

func TestLargeDirectory(t *testing.T) {
	l := newLab(t)
	d := l.open()
	s := l.begin(d)
	id := l.write(s, depot.Stream, []byte("x"))
	var entries []depot.Entry
	for i := range 40_000 {
		entries = append(entries, depot.Entry{Name: string(id)[:8] + strings.Repeat("n", i%50) + time.Duration(i).String(), ID: id, Size: 1})
	}
	e, err := s.WriteDir(t.Context(), "", entries, time.Now())
	l.must(err, s.Flush(t.Context()))
	if !strings.HasPrefix(strings.TrimLeft(string(e.ID), "I"), "k") {
		t.Errorf("the stock tool would not take %q for a directory", e.ID)
	}
	got, err := d.ReadDir(t.Context(), e.ID)
	l.must(err)
	if len(got) != len(entries) {
		t.Errorf("%d entries", len(got))
	}
	// No seek table of it may be taken for the directory's own content.
	if v := (depot.Version{Path: "/p", Root: e.ID}); s.SaveVersion(t.Context(), &v) != nil || s.Flush(t.Context()) != nil {
		t.Error("not saved")
	}
	_, err = d.Maintain(t.Context(), now)
	l.must(err)
	if ok, err := d.Has(t.Context(), e.ID); !ok || err != nil {
		t.Errorf("has = %v, %v", ok, err)
	}
}

func TestVersions(t *testing.T) {
	l := newLab(t)
	d := l.open()
	s := l.begin(d)
	ctx := t.Context()
	v, _ := l.version(s, "phone", []byte("data"), "")
	w, _ := l.version(s, "phone", []byte("more"), "in progress")
	l.must(s.Flush(ctx))
	got, problems, err := d.Versions(ctx)
	l.must(err)
	if len(got) != 2 || len(problems) != 0 || got[0].Manifest != v.Manifest || got[1].Incomplete != "in progress" {
		t.Fatalf("versions %+v, problems %v", got, problems)
	}
	v.Start, v.End = v.Start.Round(0).UTC(), v.End.Round(0).UTC()
	v.Pins = nil
	if !reflect.DeepEqual(got[0], v) {
		t.Errorf("read  %+v\nwrote %+v", got[0], v)
	}

	old := v.Manifest
	v.Pins, v.Description = []string{"archived"}, "Anna's iPhone"
	l.must(s.UpdateVersion(ctx, &v), s.DeleteVersion(ctx, w.Manifest), s.DeleteVersion(ctx, "0123456789abcdef"), s.Flush(ctx))
	got, _, err = d.Versions(ctx)
	l.must(err)
	if len(got) != 1 || got[0].Manifest == old || !slices.Equal(got[0].Pins, v.Pins) || got[0].Description != v.Description {
		t.Errorf("after the update: %+v", got)
	}
	if err := s.SaveVersion(ctx, &depot.Version{Path: "/p"}); err == nil {
		t.Error("a version without a root was saved: maintenance would stop at it for ever")
	}
}

// TestUnreadableVersion puts what is no version under kopia's type, as only a
// fault could: kopia passes over it in silence and would collect its data.
func TestUnreadableVersion(t *testing.T) {
	l := newLab(t)
	d := l.open()
	s := l.begin(d)
	ctx := t.Context()
	l.version(s, "phone", []byte("data"), "")
	l.must(depot.PutForeign(ctx, s, snapshot.ManifestType, "no version"), s.Flush(ctx))
	got, problems, err := d.Versions(ctx)
	l.must(err)
	if len(got) != 1 || len(problems) != 1 || problems[0].Err == nil || problems[0].Manifest == "" {
		t.Fatalf("versions %v, problems %v", got, problems)
	}
	if _, err := d.Maintain(ctx, now); err == nil {
		t.Error("maintenance ran over a version that cannot be read")
	}
	l.must(s.DeleteVersion(ctx, problems[0].Manifest), s.Flush(ctx))
	_, err = d.Maintain(ctx, now)
	l.must(err)
}

func TestTwoHosts(t *testing.T) {
	l := newLab(t)
	ctx := t.Context()
	a, b := l.open(), l.open(func(o *depot.OpenOptions) { o.Host = "barn"; o.State = t.TempDir() })
	sa, sb := l.begin(a), l.begin(b)
	va, ida := l.version(sa, "a", noise(1, 100_000), "")
	vb, idb := l.version(sb, "b", noise(2, 100_000), "")
	l.must(sa.Flush(ctx), sb.Flush(ctx), a.Refresh(ctx), b.Refresh(ctx))
	for _, d := range []*depot.Depot{a, b} {
		got, problems, err := d.Versions(ctx)
		l.must(err)
		if len(got) != 2 || len(problems) != 0 {
			t.Fatalf("versions %+v, %v", got, problems)
		}
		for _, id := range []depot.ID{ida, idb, va.Root, vb.Root} {
			if ok, err := d.Has(ctx, id); err != nil || !ok {
				t.Errorf("has = %v, %v", ok, err)
			}
		}
	}
}

func TestPasswordChange(t *testing.T) {
	l := newLab(t)
	ctx := t.Context()
	// With a cache: kopia keeps the repository's header there for 15 minutes
	// unless told otherwise.
	cached := func(o *depot.OpenOptions) { o.Cache = true }
	d, other := l.open(cached), l.open(cached)
	s := l.begin(d)
	data := noise(1, 3<<20)
	id := l.write(s, depot.Stream, data)
	l.must(s.Flush(ctx), d.ChangePassword(ctx, "new"))
	if _, err := depot.Open(ctx, l.st, password, depot.OpenOptions{State: l.state, Cache: true}); err == nil {
		t.Error("the old password opens")
	}
	changed, err := depot.Open(ctx, l.st, "new", depot.OpenOptions{State: l.state, Cache: true})
	l.must(err)
	r, err := changed.Reader(ctx, id)
	if got := l.read(r, err); !bytes.Equal(got, data) {
		t.Error("other data under the new password")
	}
	l.must(changed.Close(ctx), other.Refresh(ctx))
}

// secretive is a storage with a secret, which nothing may write down.
type secretive struct{ blob.Storage }

func (s secretive) ConnectionInfo() blob.ConnectionInfo {
	return blob.ConnectionInfo{Type: "s3", Config: map[string]string{"secretAccessKey": "hunter2"}}
}

func TestNothingBeside(t *testing.T) {
	l := newLab(t)
	l.st = secretive{l.st}
	elsewhere := t.TempDir()
	t.Setenv("KOPIA_CACHE_DIRECTORY", elsewhere)
	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(name, home)
	}
	stdout, stderr := os.Stdout, os.Stderr
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	l.must(err)
	os.Stdout, os.Stderr = said, said
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()

	d := l.open(func(o *depot.OpenOptions) { o.Cache = true })
	s := l.begin(d)
	_, id := l.version(s, "phone", noise(1, 1<<20), "")
	l.must(s.Flush(t.Context()))
	_, err = d.Maintain(t.Context(), now)
	l.must(err)
	r, err := d.Reader(t.Context(), id)
	l.read(r, err)
	os.Stdout, os.Stderr = stdout, stderr

	if got, err := os.ReadFile(said.Name()); err != nil || len(got) > 0 {
		t.Errorf("kopia said %q, %v", got, err)
	}
	for _, dir := range []string{elsewhere, home} {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%v in a folder of others, %v", left, err)
		}
	}
	l.must(filepath.WalkDir(l.state, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte("hunter2")) || bytes.Contains(data, []byte(password)) {
			t.Errorf("a secret in %s", path)
		}
		return err
	}))
}

func TestClosedOnce(t *testing.T) {
	l := newLab(t)
	d, err := depot.Open(t.Context(), l.st, password, depot.OpenOptions{State: l.state})
	l.must(err)
	s, err := d.Begin(t.Context(), "test")
	l.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.must(s.Close(ctx), s.Close(ctx), d.Close(ctx), d.Close(ctx))
	// The storage is the caller's.
	l.must(l.st.ListBlobs(t.Context(), "", func(blob.Metadata) error { return nil }))
}

// TestKopiaReadsOurs has kopia's own readers read every kind, and a database so
// large that its seek table nests.
func TestKopiaReadsOurs(t *testing.T) {
	l := newLab(t)
	d := l.open()
	s := l.begin(d)
	ctx := t.Context()
	files := map[string][]byte{
		"stream": noise(1, 5<<20), "media": noise(2, 5<<20+1), "pages": noise(3, 1<<20+1), "pieces": noise(4, 300_000),
		"meta": noise(5, 3<<20), "metapages": noise(6, 99_999), "empty": nil, "nested": make([]byte, 9000*(16<<10)+5),
	}
	for i := 0; i < len(files["nested"]); i += 16 << 10 {
		copy(files["nested"][i:], time.Duration(i%(5000<<14)).String())
	}
	kinds := map[string]depot.Kind{
		"stream": depot.Stream, "media": depot.Media, "pages": depot.Pages, "pieces": depot.Pieces,
		"meta": depot.Meta, "metapages": depot.MetaPages, "empty": depot.Pages, "nested": depot.Pages,
	}
	var entries []depot.Entry
	for name, data := range files {
		entries = append(entries, depot.Entry{Name: name, ID: l.write(s, kinds[name], data), Size: int64(len(data))})
	}
	e, err := s.WriteDir(ctx, "", entries, time.Now())
	l.must(err)
	v := depot.Version{Path: "/phone", Start: time.Now(), Root: e.ID, RootSize: e.Size, Files: e.Files, Dirs: e.Dirs}
	l.must(s.SaveVersion(ctx, &v), s.Flush(ctx))
	got, err := depot.KopiaReads(ctx, d, v)
	l.must(err)
	for name, data := range files {
		if !bytes.Equal(got[name], data) {
			t.Errorf("%s: %d bytes, not %d, or other ones", name, len(got[name]), len(data))
		}
	}
	_, err = d.Maintain(ctx, now) // which also walks it
	l.must(err)
	bad, err := d.VerifyContents(ctx, 100, nil)
	l.must(err)
	if len(bad) > 0 {
		t.Errorf("bad: %v", bad)
	}
}
