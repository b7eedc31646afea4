// Command serve measures the service, as a whole process from outside, with
// virtual iPhones:
//
//	go run ./bench/serve -out docs/performance.md
//
// The row "idle" is a household at rest: phones on a network of their own (two
// network namespaces and a cable between them, which takes root), announced by
// multicast DNS, backed up and not due before tomorrow. The row "crowd" is many
// phones that are backed up at the same moment.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

type options struct {
	rows, stores   []string
	phones, crowd  int
	minutes        int
	out, work, bin string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o options
	var rows, stores string
	flag.StringVar(&rows, "rows", "idle,crowd", "what to measure")
	flag.StringVar(&stores, "stores", "folder,vault", "into what")
	flag.IntVar(&o.phones, "phones", 10, "phones of the row idle")
	flag.IntVar(&o.minutes, "minutes", 12, "how long the row idle is watched; stores are let go of after five")
	flag.IntVar(&o.crowd, "crowd", 50, "phones of the row crowd")
	flag.StringVar(&o.out, "out", "", "write the tables between the markers of this Markdown file; default: standard output")
	flag.StringVar(&o.work, "work", "/dev/shm", "where phones and stores live")
	flag.Parse()
	o.rows, o.stores = strings.Split(rows, ","), strings.Split(stores, ",")
	if err := run(ctx, o); err != nil {
		fmt.Fprintf(os.Stderr, "serve: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	work, err := os.MkdirTemp(o.work, "russet-serve-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	o.work, o.bin = work, filepath.Join(work, "bin")
	for _, p := range []string{"russet", "vphone"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(o.bin, p), "./cmd/"+p)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", p, err, out)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Measured %s on %d processors, %s.\n", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), runtime.Version())
	if slices.Contains(o.rows, "idle") {
		if err := idle(ctx, o, &b); err != nil {
			return fmt.Errorf("idle: %w", err)
		}
	}
	if slices.Contains(o.rows, "crowd") {
		if err := crowds(ctx, o, &b); err != nil {
			return fmt.Errorf("crowd: %w", err)
		}
	}
	return write(o.out, b.String())
}

// write puts the tables between the markers of a file.
func write(name, text string) error {
	if name == "" {
		_, err := fmt.Print(text)
		return err
	}
	const from, to = "<!-- serve -->\n", "<!-- /serve -->"
	doc, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(doc), from)
	_, after, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no markers %q and %q", name, from, to)
	}
	return os.WriteFile(name, []byte(before+from+text+to+after), 0o644)
}
