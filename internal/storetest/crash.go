//go:build unix

package storetest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// victim tells the test program that it is to run a backup and be killed:
// "folder of the store:folder of the new backup:change".
const victim = "RUSSET_STORETEST_VICTIM"

// Main is the TestMain of a package that uses Kills: it plays the victim when
// the program was started as one.
func Main(m *testing.M, open Opener) {
	if what := os.Getenv(victim); what != "" {
		os.Exit(beVictim(what, open))
	}
	os.Exit(m.Run())
}

// beVictim runs until it is killed, and says 3 if it was not.
func beVictim(what string, open Opener) int {
	fields := strings.Split(what, ":")
	n, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return 4
	}
	next := Folder{}
	fsys := os.DirFS(fields[1])
	err = fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		next[name] = string(data)
		return err
	})
	if err != nil {
		return 4
	}
	var count atomic.Int64
	s, err := open(fields[0], func(op, _ string) error {
		if op == synced {
			return nil
		}
		if count.Add(1)-1 == n {
			syscall.Kill(os.Getpid(), syscall.SIGKILL) //nolint:errcheck // nothing comes after it
			select {}
		}
		return nil
	})
	if err == nil {
		st := &stage{next: next}
		err = st.run(context.Background(), s, false)
	}
	fmt.Fprintln(os.Stderr, "survived:", err)
	return 3
}

// Kills kills a process with SIGKILL at changes on disk of a run, as Faults
// does within one. The package's TestMain must be Main.
func Kills(t *testing.T, open Opener, sample int) {
	for _, suspended := range []bool{false, true} {
		st := newStage(t, open, suspended)
		next := filepath.Join(fastDir(t), "next")
		if err := os.CopyFS(next, mapFS(st.next)); err != nil {
			t.Fatal(err)
		}
		each(t, choose(st.changes(t, open), sample/2), func(t *testing.T, n int) {
			dir := st.copy(t)
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s:%s:%d", victim, dir, next, n))
			out, err := cmd.CombinedOutput()
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || !exit.Sys().(syscall.WaitStatus).Signaled() {
				t.Fatalf("the victim of change %d was not killed: %v\n%s", n, err, out)
			}
			st.inspect(t, open, dir, fmt.Sprintf("SIGKILL at change %d", n), n%2 == 0)
		})
	}
}

// PowerCuts cuts the power at changes on disk of a run: what was not synced by
// then is cut off, or reads as zeros. (Names are taken to be as durable as the
// file system's own journal makes them: all of those before, none after.)
func PowerCuts(t *testing.T, open Opener, sample int) {
	for _, suspended := range []bool{false, true} {
		st := newStage(t, open, suspended)
		each(t, choose(st.changes(t, open), sample/2), func(t *testing.T, n int) {
			dir := st.copy(t)
			c := &cut{dir: dir, last: int64(n), safe: map[uint64]int64{}}
			c.sync("")
			s, err := open(dir, c.before)
			if err == nil {
				err = errors.Join(st.run(t.Context(), s, false), s.Close())
			}
			if !errors.Is(err, errDark) && err != nil {
				t.Errorf("a power cut at change %d is reported as %v", n, err)
			}
			c.lose(t, rand.New(rand.NewPCG(seed, uint64(n))))
			st.inspect(t, open, dir, fmt.Sprintf("a power cut at change %d", n), true)
		})
	}
}

var errDark = errors.New("the power is off")

// cut remembers how much of each file has been synced, by inode: a file keeps
// it when it is renamed, and is only ever written at its end.
type cut struct {
	dir  string
	last int64

	mu   sync.Mutex
	at   int64
	safe map[uint64]int64
}

func (c *cut) before(op, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if op == synced { // of a change that was allowed
		c.sync(path.Base(name))
		return nil
	}
	if c.at++; c.at > c.last {
		return errDark
	}
	switch op {
	case "syncall":
		c.sync("")
	case "sync":
		c.sync(path.Base(name))
	}
	return nil
}

// sync notes that all files, or those of one name, are on the drive.
func (c *cut) sync(name string) {
	_ = c.files(func(file string, st *syscall.Stat_t) error {
		if name == "" || name == filepath.Base(file) {
			c.safe[st.Ino] = st.Size
		}
		return nil
	})
}

func (c *cut) files(visit func(file string, st *syscall.Stat_t) error) error {
	return filepath.WalkDir(c.dir, func(file string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		return visit(file, info.Sys().(*syscall.Stat_t))
	})
}

// lose takes away what was not synced.
func (c *cut) lose(t *testing.T, rnd *rand.Rand) {
	t.Helper()
	err := c.files(func(file string, st *syscall.Stat_t) error {
		safe := c.safe[st.Ino]
		if safe >= st.Size {
			return nil
		}
		if err := os.Truncate(file, safe+rnd.Int64N(st.Size-safe)); err != nil || rnd.IntN(2) == 0 {
			return err
		}
		return os.Truncate(file, st.Size) // the rest reads as zeros
	})
	if err != nil {
		t.Fatal(err)
	}
}
