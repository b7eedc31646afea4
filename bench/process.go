package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// build compiles the two programs as a user would get them.
func build(ctx context.Context, bin string) error {
	for _, p := range []string{"russet", "vphone"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(bin, p), "./cmd/"+p)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", p, err, out)
		}
	}
	return nil
}

// timed runs a command to its end, then syncs the file system of dir, and
// returns what both took. The command's own exit status is part of the result;
// an unexpected one is an error.
func timed(ctx context.Context, dir string, env []string, want int, name string, args ...string) (measure, error) {
	// A file, not memory: a child's peak counts what its parent held when it
	// was forked, and idevicebackup2 draws megabytes of progress bars.
	out, err := os.CreateTemp("", "russet-bench-output-")
	if err != nil {
		return measure{}, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = out, out
	start := time.Now()
	err = cmd.Run()
	if dir != "" {
		if err := syncDir(dir); err != nil {
			return measure{}, err
		}
	}
	m := measure{wall: time.Since(start)}
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		return m, err
	} else if ok {
		m.exit = exit.ExitCode()
	}
	if m.exit != want {
		return m, fmt.Errorf("%s %s: exit status %d\n%s", filepath.Base(name), strings.Join(args, " "), m.exit, tail(out, 2000))
	}
	m.user, m.sys = cmd.ProcessState.UserTime(), cmd.ProcessState.SystemTime()
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.rss = u.Maxrss * 1024
	}
	return m, nil
}

func syncDir(dir string) error {
	out, err := exec.Command("sync", "-f", dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("sync %s: %w: %s", dir, err, out)
	}
	return nil
}

// tail is the end of what a program printed.
func tail(f *os.File, n int64) string {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err.Error()
	}
	text, err := io.ReadAll(io.NewSectionReader(f, max(0, size-n), n))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// machine says what the figures were measured on.
func machine(ctx context.Context) string {
	run := func(name string, args ...string) string {
		out, err := exec.CommandContext(ctx, name, args...).Output()
		if err != nil {
			return "?"
		}
		return strings.TrimSpace(string(out))
	}
	model := run("sh", "-c", `grep -m1 'model name' /proc/cpuinfo | cut -d: -f2`)
	return fmt.Sprintf("Measured %s on %s processors (%s), %s, %s.\n\n", time.Now().UTC().Format(time.DateOnly), run("nproc"), model, run("go", "version"), run("uname", "-sr"))
}
