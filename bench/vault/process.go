package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// measure is one program doing one thing once.
type measure struct {
	Wall float64 `json:"wall"` // seconds, with the sync where there is one
	CPU  float64 `json:"cpu"`  // user and system, seconds
	Peak int64   `json:"peak"` // most resident memory, bytes
	// Spool is the most that lay in russet's own folder meanwhile, beyond what
	// lay there before.
	Spool int64 `json:"spool,omitempty"`
}

func (m measure) and(o measure) measure {
	return measure{Wall: m.Wall + o.Wall, CPU: m.CPU + o.CPU, Peak: max(m.Peak, o.Peak), Spool: max(m.Spool, o.Spool)}
}

// command is a program to be measured.
type command struct {
	name string
	args []string
	env  []string
	sync string // folder whose file system is synced inside the timed part; "" for none
	keep string // folder whose size is watched meanwhile; "" for none
}

// do runs a command to its end. What it prints is returned; an exit status
// other than 0 is an error.
func do(ctx context.Context, c command) (measure, string, error) {
	// A file, not a pipe: some draw megabytes of progress bars.
	out, err := os.CreateTemp("", "output-")
	if err != nil {
		return measure{}, "", err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.CommandContext(ctx, c.name, c.args...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Stdout, cmd.Stderr = out, out
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return measure{}, "", err
	}
	watched := watch(cmd.Process.Pid, c.keep)
	err = cmd.Wait()
	m := measure{}
	m.Peak, m.Spool = watched()
	if err == nil && c.sync != "" {
		err = syncDir(ctx, c.sync)
	}
	m.Wall = time.Since(start).Seconds()
	m.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	text, readErr := os.ReadFile(out.Name())
	if err != nil {
		return m, string(text), fmt.Errorf("%s %s: %w\n%s", filepath.Base(c.name), strings.Join(c.args, " "), err, tail(text, 2000))
	}
	return m, string(text), readErr
}

// watch polls how much memory a process held at most, and how large a folder
// grew. The kernel's own figure at the end (ru_maxrss) will not do: it starts
// from what the parent held when it forked.
func watch(pid int, dir string) (end func() (peak, size int64)) {
	stop, done := make(chan struct{}), make(chan struct{})
	var peak, size int64
	go func() {
		defer close(done)
		before := dirSize(dir)
		memory, disk := time.NewTicker(10*time.Millisecond), time.NewTicker(300*time.Millisecond)
		defer memory.Stop()
		defer disk.Stop()
		for {
			select {
			case <-stop:
				return
			case <-memory.C:
				peak = max(peak, highWater(pid))
			case <-disk.C:
				size = max(size, dirSize(dir)-before)
			}
		}
	}()
	return func() (int64, int64) {
		close(stop)
		<-done
		return peak, size
	}
}

// highWater is the most resident memory a process had since it was started.
func highWater(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err == nil {
				return kib << 10
			}
		}
	}
	return 0
}

// dirSize adds up the sizes of all files; a missing folder, or one that
// changes meanwhile, counts as far as it can be read.
func dirSize(dir string) int64 {
	if dir == "" {
		return 0
	}
	var n int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

func syncDir(ctx context.Context, dir string) error {
	if out, err := exec.CommandContext(ctx, "sync", "-f", dir).CombinedOutput(); err != nil {
		return fmt.Errorf("sync %s: %w: %s", dir, err, out)
	}
	return nil
}

func tail(text []byte, n int) string { return string(text[max(0, len(text)-n):]) }

// build compiles russet as a user would get it.
func build(ctx context.Context, file string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", file, "./cmd/russet")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build russet: %w\n%s", err, out)
	}
	return nil
}

// machine says what the figures were measured on, and how busy it was.
func machine(ctx context.Context) string {
	run := func(name string, args ...string) string {
		out, err := exec.CommandContext(ctx, name, args...).Output()
		if err != nil {
			return "?"
		}
		return string(bytes.TrimSpace(out))
	}
	load := "?"
	if f, err := os.Open("/proc/loadavg"); err == nil {
		var b [64]byte
		n, _ := io.ReadFull(f, b[:]) // shorter than the buffer, always
		f.Close()
		load, _, _ = strings.Cut(string(b[:n]), " ")
	}
	model := run("sh", "-c", `grep -m1 'model name' /proc/cpuinfo | cut -d: -f2`)
	return fmt.Sprintf("%s, %s processors (%s), %s, %s, load at the start %s",
		time.Now().UTC().Format(time.DateOnly), run("nproc"), model, run("go", "version"), run("uname", "-sr"), load)
}

func removeAll(dirs ...string) error {
	for _, dir := range dirs {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}
