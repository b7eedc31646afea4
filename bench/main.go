// Command bench times russet side by side with idevicebackup2 and
// pymobiledevice3 on the same virtual iPhone, whole processes from outside:
//
//	go run ./bench -out docs/performance.md
//
// Every client backs up into an empty folder of the same file system and is
// followed by a sync of that file system inside the timed part (docs say when
// not). Clients take turns; the figures are medians, the ratios medians of the
// ratios within a round. It needs about 12 GiB on each target.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

type options struct {
	rounds   int
	targets  []string
	profiles []string
	clients  []string
	rows     []string
	out      string
	work     string
	python   string
	sync     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	opts := parse()
	if err := run(ctx, opts); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func parse() options {
	var o options
	var targets, profiles, clients, rows string
	flag.IntVar(&o.rounds, "rounds", 3, "rounds; every client runs once a round")
	flag.StringVar(&targets, "targets", "tmpfs=/dev/shm,disk="+os.TempDir(), "file systems to write to, NAME=FOLDER")
	flag.StringVar(&profiles, "profiles", "big,small-files", "phones: big (2 GiB in 200 files), small-files (30,000 files, 131 MB), million (1,000,000 rows)")
	flag.StringVar(&clients, "clients", "russet,idevicebackup2,pymobiledevice3", "programs to compare")
	flag.StringVar(&rows, "rows", "full,nothing-changed,encrypted,restore", "what to do with them")
	flag.StringVar(&o.out, "out", "", "write the tables between the markers of this Markdown file; default: standard output")
	flag.StringVar(&o.work, "work", "/dev/shm", "where the virtual iPhone lives")
	flag.StringVar(&o.python, "python", "", "folder with pymobiledevice3; default: PATH")
	flag.BoolVar(&o.sync, "sync", true, "sync the file system inside the timed part")
	flag.Parse()
	o.targets, o.profiles = strings.Split(targets, ","), strings.Split(profiles, ",")
	o.clients, o.rows = strings.Split(clients, ","), strings.Split(rows, ",")
	return o
}

func run(ctx context.Context, o options) error {
	work, err := os.MkdirTemp(o.work, "russet-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	bin := filepath.Join(work, "bin")
	if err := build(ctx, bin); err != nil {
		return err
	}
	var results []result
	var litter []string
	defer func() {
		for _, dir := range litter {
			os.RemoveAll(dir)
		}
	}()
	for _, profile := range o.profiles {
		for _, target := range o.targets {
			name, dir, ok := strings.Cut(target, "=")
			if !ok {
				return fmt.Errorf("target %q is not NAME=FOLDER", target)
			}
			b := &bench{options: o, bin: bin, work: work, profile: profile, target: name, dir: dir, litter: &litter}
			rs, err := b.run(ctx)
			if err != nil {
				return fmt.Errorf("%s on %s: %w", profile, name, err)
			}
			results = append(results, rs...)
		}
	}
	text := machine(ctx) + report(results, o)
	if o.out == "" {
		fmt.Print(text)
		return nil
	}
	slog.Info("write", "file", o.out)
	return replaceBetween(o.out, "<!-- figures -->", "<!-- /figures -->", text)
}

// measure is one client doing one thing once.
type measure struct {
	wall, user, sys time.Duration
	phase           time.Duration // the phone's first UploadFiles to its first MoveItems
	rss             int64         // peak, bytes
	phoneCPU        time.Duration // what the virtual iPhone used meanwhile
	exit            int
}

// result is all rounds of one client in one row.
type result struct {
	profile, target, row, client string
	runs                         []measure
}
