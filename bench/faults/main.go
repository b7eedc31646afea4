//go:build linux && amd64

// Command faults breaks backups at every point there is and looks at what is
// left:
//
//	go run ./bench/faults -out docs/faults.md
//	go run ./bench/faults -out docs/faults.md -vault
//
// It runs the real russet, as a process of its own, against a virtual iPhone:
// a run is dropped, killed or starved of room at its n-th protocol message or
// its n-th system call that changes the disk, for each n, and after each the
// previous backup or the new one must be there, whole, and the next run must
// succeed. Nothing in russet knows of it: the system calls are broken from
// outside, with ptrace.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"russet/vphone"
)

type options struct {
	work, out string
	only      *regexp.Regexp
	stride    int
	workers   int
	sample    int
	vault     bool
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == shimArg {
		fmt.Fprintf(os.Stderr, "faults: %v\n", becomeTraced(os.Args[2:]))
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	var only string
	flag.StringVar(&o.work, "work", "/dev/shm", "where everything happens; a file system in memory is fast")
	flag.StringVar(&o.out, "out", "", "write the table between the markers of this Markdown file; default: standard output")
	flag.StringVar(&only, "only", "", "only kinds of run and ways to break it that match (\"plain, first: kill\")")
	flag.IntVar(&o.stride, "stride", 16, "of long rows of equal requests and changes try every n-th; 1 tries all")
	flag.IntVar(&o.workers, "workers", 2, "how many at a time")
	flag.IntVar(&o.sample, "sample", 0, "try so many points of each class only")
	flag.BoolVar(&o.vault, "vault", false, "break runs into a vault; default: into a folder")
	flag.Parse()
	o.only = regexp.MustCompile(only)
	if err := run(ctx, o); err != nil {
		fmt.Fprintf(os.Stderr, "faults: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	start := time.Now()
	work, err := os.MkdirTemp(o.work, "russet-faults-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	russet := filepath.Join(work, "russet")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", russet, "./cmd/russet").CombinedOutput(); err != nil {
		return fmt.Errorf("build russet: %w\n%s", err, out)
	}
	key, err := vphone.NewKey()
	if err != nil {
		return err
	}
	var rows []*row
	for _, v := range variants(o.vault) {
		if ctx.Err() != nil {
			break
		}
		more, err := o.variant(ctx, v, filepath.Join(work, "v"), russet, key)
		if err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		rows = append(rows, more...)
	}
	return o.publish(rows, time.Since(start))
}
