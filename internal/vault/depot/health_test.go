package depot_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/kopia/kopia/repo/blob"

	"russet/internal/vault/depot"
)

// now collects at once; only this test writes.
var now = depot.MaintainOptions{Full: true, Now: true}

func TestGarbage(t *testing.T) {
	l := newLab(t)
	d := l.open()
	s := l.begin(d)
	ctx := t.Context()
	kept, keptID := l.version(s, "complete", noise(1, 3<<20), "")
	draft, draftID := l.version(s, "incomplete", noise(2, 3<<20), "in progress")
	lost := l.write(s, depot.Pages, noise(3, 30<<20)) // under no version
	l.must(s.Flush(ctx))

	report, err := d.Maintain(ctx, now)
	l.must(err)
	if report.Freed < 25<<20 || report.Contents < 1900 || report.Took <= 0 {
		t.Errorf("report %+v", report)
	}
	for _, id := range []depot.ID{keptID, draftID, kept.Root, draft.Root} {
		if ok, err := d.Has(ctx, id); err != nil || !ok {
			t.Errorf("object %q under a version: %v, %v", id, ok, err)
		}
	}
	if ok, err := d.Has(ctx, lost); err != nil || ok {
		t.Errorf("an object that nothing names is there: %v, %v", ok, err)
	}
	bad, err := d.VerifyContents(ctx, 100, nil)
	l.must(err)
	if len(bad) > 0 {
		t.Errorf("damaged by maintenance: %v", bad)
	}
	if logs := l.names("_"); len(logs) > 0 {
		t.Errorf("logs in the repository: %v", logs)
	}

	l.must(s.DeleteVersion(ctx, draft.Manifest), s.Flush(ctx))
	_, err = d.Maintain(ctx, now)
	l.must(err)
	if ok, err := d.Has(ctx, draftID); err != nil || ok {
		t.Errorf("a draft's object after it was deleted: %v, %v", ok, err)
	}
}

func TestMaintainWithSafety(t *testing.T) {
	l := newLab(t)
	d := l.open()
	s := l.begin(d)
	id := l.write(s, depot.Stream, noise(3, 1<<20))
	l.must(s.Flush(t.Context()))
	for _, o := range []depot.MaintainOptions{{}, {Full: true}} {
		_, err := d.Maintain(t.Context(), o)
		l.must(err)
	}
	// Another host may be about to refer to what is new.
	if ok, err := d.Has(t.Context(), id); err != nil || !ok {
		t.Errorf("a new object is gone: %v, %v", ok, err)
	}
}

func TestOwner(t *testing.T) {
	l := newLab(t)
	ctx := t.Context()
	a := l.open(func(o *depot.OpenOptions) { o.Host = "attic" })
	b := l.open(func(o *depot.OpenOptions) { o.Host = "barn" })
	if owner, err := a.Owner(ctx); err != nil || owner != "" {
		t.Fatalf("owner of a new repository: %q, %v", owner, err)
	}
	_, err := a.Maintain(ctx, depot.MaintainOptions{})
	l.must(err)
	if _, err := b.Maintain(ctx, depot.MaintainOptions{}); !errors.Is(err, depot.ErrNotOwner) || !strings.Contains(err.Error(), "attic") {
		t.Fatalf("maintained by another: %v", err)
	}
	l.must(b.TakeOwner(ctx))
	_, err = b.Maintain(ctx, depot.MaintainOptions{})
	l.must(err)
	if _, err := a.Maintain(ctx, depot.MaintainOptions{}); !errors.Is(err, depot.ErrNotOwner) {
		t.Fatalf("the former owner maintained: %v", err)
	}
}

// TestKilled writes in a child that is killed before it flushes.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("DEPOT_TEST_VICTIM"); dir != "" {
		victim(t, dir)
		return
	}
	l := newLab(t)
	self, err := os.Executable()
	l.must(err)
	cmd := exec.Command(self, "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), "DEPOT_TEST_VICTIM="+l.dir, "TMPDIR="+t.TempDir()) // it does not live to tidy up
	out, err := cmd.StdoutPipe()
	l.must(err, cmd.Start())
	line, err := io.ReadAll(io.LimitReader(out, int64(len("written"))))
	l.must(err, cmd.Process.Kill())
	cmd.Wait()
	if string(line) != "written" {
		t.Fatalf("the child said %q", line)
	}

	d := l.open() // packs without an index, but with their session's marker: no damage
	packs, contents, err := d.Salvage(t.Context())
	l.must(err)
	if packs < 2 || contents < 2 {
		t.Fatalf("salvaged %d packs, %d contents", packs, contents)
	}
	s := l.begin(d)
	l.write(s, depot.Media, noise(7, 64<<20))
	l.must(s.Flush(t.Context()))
	if s.Uploaded() > 30<<20 {
		t.Errorf("%d of 64 MiB were uploaded again", s.Uploaded()>>20)
	}
	if packs, _, err := d.Salvage(t.Context()); packs != 0 || err != nil {
		t.Errorf("second salvage: %d packs, %v", packs, err)
	}
}

// victim writes 64 MiB, of which some packs are full, and waits to be killed.
func victim(t *testing.T, dir string) {
	l := &lab{t: t, dir: dir, state: t.TempDir()}
	l.st = l.storage()
	s := l.begin(l.open())
	l.write(s, depot.Media, noise(7, 64<<20))
	os.Stdout.WriteString("written")
	time.Sleep(time.Minute)
}

func TestIndexesGone(t *testing.T) {
	l := newLab(t)
	s := l.begin(l.open())
	v, id := l.version(s, "phone", noise(1, 5<<20), "")
	l.must(s.Flush(t.Context()))
	for _, b := range l.names("x", "n") {
		l.must(l.st.DeleteBlob(t.Context(), b.BlobID))
	}

	_, err := depot.Open(t.Context(), l.st, password, depot.OpenOptions{State: l.state})
	if !errors.Is(err, depot.ErrNoIndex) {
		t.Fatalf("opened without indexes: %v", err)
	}
	d := l.open(func(o *depot.OpenOptions) { o.Repair = true })
	_, _, err = d.Salvage(t.Context())
	l.must(err)
	for _, d := range []*depot.Depot{d, l.open()} {
		got, problems, err := d.Versions(t.Context())
		l.must(err)
		if len(got) != 1 || got[0].Root != v.Root || len(problems) > 0 {
			t.Fatalf("versions %+v, problems %v", got, problems)
		}
		if ok, err := d.Has(t.Context(), id); err != nil || !ok {
			t.Errorf("has = %v, %v", ok, err)
		}
	}
	bad, err := d.VerifyContents(t.Context(), 100, nil)
	l.must(err)
	if len(bad) > 0 {
		t.Errorf("bad: %v", bad)
	}
}

func TestDamage(t *testing.T) {
	l := newLab(t)
	d := l.open()
	s := l.begin(d)
	ctx := t.Context()
	data := noise(1, 5<<20)
	id := l.write(s, depot.Media, data)
	e, err := s.WriteDir(ctx, "", []depot.Entry{{Name: "f", ID: id, Size: int64(len(data))}}, time.Now())
	l.must(err, s.SaveVersion(ctx, &depot.Version{Path: "/p", Root: e.ID}), s.Flush(ctx))
	spoil(l, l.names("p")[0], func(b []byte) []byte { b[len(b)/2] ^= 1; return b })

	if bad, err := d.VerifyContents(ctx, 0, nil); err != nil || len(bad) > 0 {
		t.Fatalf("looking at places only: %v, %v", bad, err)
	}
	calls := 0
	bad, err := d.VerifyContents(ctx, 100, func(done, all int) { calls++ })
	l.must(err)
	if len(bad) != 1 || bad[0].Pack == "" || !errors.Is(bad[0].Err, depot.ErrDamaged) || calls == 0 {
		t.Fatalf("bad = %v, %d calls", bad, calls)
	}
	contents, err := d.ContentsOf(ctx, id)
	l.must(err)
	if len(contents) != 4 || !strings.Contains(strings.Join(contents, " "), bad[0].ID) {
		t.Fatalf("contents of the object: %v; bad: %v", contents, bad[0].ID)
	}
	r, err := d.Reader(ctx, id)
	l.must(err)
	if _, err := r.ReadAt(make([]byte, len(data)), 0); !errors.Is(err, depot.ErrDamaged) {
		t.Errorf("read: %v", err)
	}
	r.Close()

	// Writing again mends nothing until the damaged chunk is given up.
	before := s.Uploaded()
	l.write(s, depot.Media, data)
	l.must(s.Flush(ctx))
	if s.Uploaded() != before {
		t.Errorf("uploaded %d", s.Uploaded()-before)
	}
	l.must(d.Heal(ctx, []string{bad[0].ID}))
	if ok, err := d.Has(ctx, id); err != nil || ok {
		t.Errorf("has after giving up = %v, %v", ok, err)
	}
	l.write(s, depot.Media, data)
	l.must(s.Flush(ctx))
	bad, err = d.VerifyContents(ctx, 100, nil)
	l.must(err)
	if len(bad) > 0 {
		t.Errorf("still bad: %v", bad)
	}
	r, err = l.open().Reader(ctx, id)
	if got := l.read(r, err); !bytes.Equal(got, data) {
		t.Error("other data after healing")
	}
	_, err = d.Maintain(ctx, now)
	l.must(err)
}

func TestPackGoneOrCutOff(t *testing.T) {
	l := newLab(t)
	d := l.open()
	s := l.begin(d)
	id := l.write(s, depot.Media, noise(1, 3<<20))
	l.must(s.Flush(t.Context()))
	complete := func(want bool) {
		t.Helper()
		if is, err := d.Complete(t.Context()); err != nil || is != want {
			t.Errorf("complete: %v, %v", is, err)
		}
	}
	complete(true)
	pack := l.names("p")[0]
	spoil(l, pack, func(b []byte) []byte { return b[:len(b)/2] })
	complete(false)
	bad, err := d.VerifyContents(t.Context(), 0, nil)
	l.must(err)
	if len(bad) == 0 {
		t.Error("a pack cut off was not noticed")
	}
	l.must(l.st.DeleteBlob(t.Context(), pack.BlobID))
	complete(false)
	bad, err = d.VerifyContents(t.Context(), 0, nil)
	l.must(err)
	if len(bad) == 0 {
		t.Error("a missing pack was not noticed")
	}
	r, err := d.Reader(t.Context(), id)
	l.must(err)
	defer r.Close()
	if _, err := r.ReadAt(make([]byte, 10), 0); !errors.Is(err, depot.ErrDamaged) {
		t.Errorf("read: %v", err)
	}
}

// spoil changes a blob on disk.
func spoil(l *lab, b blob.Metadata, change func([]byte) []byte) {
	l.t.Helper()
	path := l.path(b.BlobID)
	data, err := os.ReadFile(path)
	l.must(err, os.WriteFile(path, change(data), 0o600))
}

func TestStats(t *testing.T) {
	l := newLab(t)
	d := l.open()
	s := l.begin(d)
	l.write(s, depot.Media, noise(1, 6<<20))
	l.must(s.Flush(t.Context()))
	st, err := d.Stats(t.Context())
	l.must(err)
	if st.Contents != 4 || st.Packs != 2 || st.Bytes < 6<<20 || st.Bytes > 6<<20+4096 {
		t.Errorf("stats %+v", st)
	}
}

func TestCancel(t *testing.T) {
	l := newLab(t)
	d := l.open()
	ctx, cancel := context.WithCancel(t.Context())
	s, err := d.Begin(ctx, "test")
	l.must(err)
	w, small := s.Writer(depot.Media), s.Writer(depot.Stream)
	_, err = w.Write(noise(1, 9<<20))
	l.must(err)
	small.Write([]byte("small"))
	cancel()
	if _, err := w.Write(noise(2, 9<<20)); !errors.Is(err, context.Canceled) {
		t.Errorf("write: %v", err)
	}
	for _, w := range []*depot.Writer{w, small} {
		if _, err := w.Result(); !errors.Is(err, context.Canceled) {
			t.Errorf("result: %v", err)
		}
	}
	if err := s.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("flush: %v", err)
	}
	l.must(s.Close(ctx))
	// Nothing that was not flushed is visible, and the next run is not in the way.
	again := l.begin(d)
	id := l.write(again, depot.Media, noise(1, 9<<20))
	l.must(again.Flush(t.Context()))
	if ok, err := d.Has(t.Context(), id); err != nil || !ok {
		t.Errorf("has = %v, %v", ok, err)
	}
}
