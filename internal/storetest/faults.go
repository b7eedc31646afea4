package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"russet"
)

// Exhaustive names the environment variable that makes Faults, Kills and
// PowerCuts try every point instead of a sample.
const Exhaustive = "RUSSET_FAULTS"

// seed chooses the sample.
const seed = 20260101

// fault is one way in which the disk or the process fails.
type fault struct {
	name string
	err  error
	rest bool // nothing happens after it: the process is dead
}

var faultKinds = []fault{
	{"an I/O error", syscall.EIO, false},
	{"a full disk", syscall.ENOSPC, false},
	{"death", errors.New("the process is dead"), true},
}

// synced is what a hook is told, as no change of its own, when a file that was
// written by other means is on the drive: its name is that on disk.
const synced = "synced"

// at makes the hook that lets the n-th change fail, and counts them.
func (f fault) at(n int64, count *atomic.Int64) func(op, name string) error {
	return func(op, name string) error {
		if op == synced {
			return nil
		}
		i := count.Add(1) - 1
		if i == n || (f.rest && i > n) {
			return fmt.Errorf("%s %s: %w", op, name, f.err)
		}
		return nil
	}
}

// stage is a store with a past, copied for each fault: one backup, an archived
// one, and optionally a suspended draft.
type stage struct {
	dir            string
	archived, last Folder
	next, after    Folder
	archivedID     russet.BackupID
}

func newStage(t *testing.T, open Opener, suspended bool) *stage {
	st := &stage{
		dir: fastDir(t), archived: Day(t, 1), last: Day(t, 2), next: Day(t, 3), after: Day(t, 4),
	}
	s := st.open(t, open, st.dir, nil)
	a, err := Backup(t.Context(), s, Device, st.archived)
	if err == nil {
		_, err = s.Archive(t.Context(), a.ID, "kept")
	}
	if err == nil {
		_, err = Backup(t.Context(), s, Device, st.last)
	}
	if err == nil && suspended {
		err = half(t.Context(), s, st.next)
	}
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	st.archivedID = a.ID
	return st
}

// half begins a run that is unplugged in the middle of its moves.
func half(ctx context.Context, s russet.Store, to Folder) error {
	d, err := s.Begin(ctx, russet.BeginOptions{Device: Device, Allow: -1})
	if err != nil {
		return err
	}
	if _, err := Play(&unplug{d, 2*(1+len(to.payloads())) + 1}, Device, to); !errors.Is(err, errUnplugged) {
		return err
	}
	return d.Suspend(ctx)
}

func (st *stage) open(t *testing.T, open Opener, dir string, before func(op, name string) error) russet.Store {
	t.Helper()
	s, err := open(dir, before)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// copy copies the stage for one fault.
func (st *stage) copy(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(fastDir(t), "store")
	if err := os.CopyFS(dir, os.DirFS(st.dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// fastDir is a temporary folder, in memory where there is such a file system:
// a run syncs ten times, and what a power cut takes is played elsewhere.
func fastDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "storetest")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// run is what is broken off: a run, and at its end an archived copy of it.
// Whatever fails, the draft is let go of as the engine does.
func (st *stage) run(ctx context.Context, s russet.Store, discard bool) error {
	d, err := s.Begin(ctx, russet.BeginOptions{Device: Device, Allow: -1})
	if err != nil {
		return err
	}
	if _, err := Play(d, Device, st.next); err != nil {
		if discard {
			return errors.Join(err, d.Discard(ctx))
		}
		return errors.Join(err, d.Suspend(ctx))
	}
	b, err := d.Commit(ctx)
	if err != nil {
		return err
	}
	if _, err := s.Archive(ctx, b.ID, "new"); err != nil {
		return err
	}
	if _, err := s.Unarchive(ctx, b.ID); err != nil {
		return err
	}
	return s.Delete(ctx, b.ID)
}

// Faults breaks a run at each of its changes on disk in turn: once with an
// error of that one change, once with a disk that is full, once by dying there.
// Each time the previous backup or the new one is found whole, byte for byte,
// the archived one too, and the next run succeeds. sample is how many points
// are tried unless all are asked for.
func Faults(t *testing.T, open Opener, sample int) {
	for _, suspended := range []bool{false, true} {
		st := newStage(t, open, suspended)
		total := st.changes(t, open)
		t.Logf("a run makes %d changes on disk (resumed: %v)", total, suspended)
		points := choose(total*len(faultKinds), sample/2)
		each(t, points, func(t *testing.T, point int) {
			kind := faultKinds[point%len(faultKinds)]
			st.breakAt(t, open, kind, int64(point/len(faultKinds)))
		})
	}
}

// changes counts the changes on disk of a run that nothing breaks.
func (st *stage) changes(t *testing.T, open Opener) int {
	t.Helper()
	var count atomic.Int64
	s := st.open(t, open, st.copy(t), fault{}.at(-1, &count))
	if err := errors.Join(st.run(t.Context(), s, false), s.Close()); err != nil {
		t.Fatal(err)
	}
	return int(count.Load())
}

// choose picks which of n points are tried.
func choose(n, some int) []int {
	points := rand.New(rand.NewPCG(seed, uint64(n))).Perm(n)
	if os.Getenv(Exhaustive) != "" || n <= some {
		return points
	}
	return points[:some]
}

// each tries points on two goroutines; a failure names its point.
func each(t *testing.T, points []int, try func(t *testing.T, point int)) {
	var group sync.WaitGroup
	work := make(chan int)
	for range 2 {
		group.Go(func() {
			for p := range work {
				t.Run(fmt.Sprint(p), func(t *testing.T) { try(t, p) })
			}
		})
	}
	for _, p := range points {
		work <- p
	}
	close(work)
	group.Wait()
}

func (st *stage) breakAt(t *testing.T, open Opener, kind fault, n int64) {
	dir := st.copy(t)
	var count atomic.Int64
	s, err := open(dir, kind.at(n, &count))
	if err == nil {
		err = errors.Join(st.run(t.Context(), s, n%2 == 0), s.Close())
	}
	if kind.err != nil && err != nil && !errors.Is(err, kind.err) && russet.KindOf(err) == russet.Failed {
		t.Errorf("%s at change %d is reported as %v", kind.name, n, err)
	}
	st.inspect(t, open, dir, fmt.Sprintf("%s at change %d", kind.name, n), n/2%2 == 0)
}

// inspect looks at a store after a failure, and uses it: the phone comes back
// with the same state, or with another.
func (st *stage) inspect(t *testing.T, open Opener, dir, after string, same bool) {
	t.Helper()
	s := st.open(t, open, dir, nil)
	defer s.Close()
	to := st.after
	if now := st.whole(t, s, after, st.last, st.next); same && differ(now, st.next) != "" {
		to = st.next
	}
	if _, err := Backup(t.Context(), s, Device, to); err != nil {
		t.Fatalf("after %s the next run ends with %v", after, err)
	}
	st.whole(t, s, after+" and another run", to)
	drafts, err := s.Drafts(t.Context(), "")
	if err != nil || len(drafts) > 0 {
		t.Errorf("after %s and another run there are drafts %v, %v", after, drafts, err)
	}
	// Repair reads every byte and compares it with its checksum.
	if did, err := s.Repair(t.Context()); err != nil || len(did) > 0 {
		t.Errorf("after %s and another run there is something to repair: %v, %v", after, did, err)
	}
}

// whole checks that the archived backup is what it was, and that the newest is
// one of the given, and returns the newest.
func (st *stage) whole(t *testing.T, s russet.Store, after string, newest ...Folder) (last Folder) {
	t.Helper()
	all, err := s.Backups(t.Context(), Device)
	if err != nil || len(all) < 2 {
		t.Fatalf("after %s there are %d backups, %v", after, len(all), err)
	}
	for i, b := range all {
		last = st.read(t, s, b, after)
		if b.ID == st.archivedID {
			if diff := differ(last, st.archived); diff != "" || !b.Archived || b.Note != "kept" {
				t.Fatalf("after %s the archived backup is %+v: %s", after, b, diff)
			}
			continue
		}
		good := i < len(all)-1 // an archived copy of one of the others
		for _, want := range append(newest, st.next) {
			good = good || differ(last, want) == ""
		}
		if !good {
			t.Fatalf("after %s the newest backup is neither the previous one nor the new one: %s",
				after, differ(last, newest[len(newest)-1]))
		}
	}
	return last
}

func (st *stage) read(t *testing.T, s russet.Store, b russet.Backup, after string) Folder {
	t.Helper()
	c, err := s.Open(t.Context(), b.ID)
	if err != nil {
		t.Fatalf("after %s, %s does not open: %v", after, b.ID, err)
	}
	defer c.Close()
	return Read(t, c.Folder())
}
