// Command vault measures russet's vault beside restic, BorgBackup and kopia,
// which keep the folder that idevicebackup2 wrote, on the same virtual iPhone:
//
//	./conformance/install-peers && . .cache/clients.env
//	go run ./bench/vault                     everything, about an hour
//	go run ./bench/vault -only growth,ingest some of it
//	go run ./bench/vault -quick              all of it in small, three minutes
//
// Each piece writes its figures to a file of its own in -results, one program's
// beside the other's, so that pieces and programs may be measured one by one;
// docs/performance-vault.md is written from all of them. The phone lives the
// same days whenever it is made, and sizes do not depend on the machine.
// Times do: programs that are compared by time take turns in one piece.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

type options struct {
	only    []string
	clients []string
	quick   bool
	rounds  int
	work    string // scratch on the disk that is measured
	memory  string // where the virtual iPhone lives, so that it is not in the way
	results string
	out     string
	russet  string // a russet to measure, instead of one built from here
	report  bool   // write the document and measure nothing
}

// A piece is one group of figures, measured in one go.
type piece struct {
	name string
	run  func(ctx context.Context, b *bench) error
}

func pieces() []piece {
	return []piece{
		{"growth-kept", func(ctx context.Context, b *bench) error { return growth(ctx, b, true) }},
		{"growth-packed", func(ctx context.Context, b *bench) error { return growth(ctx, b, false) }},
		{"phone", fortnight},
		{"ingest", ingest},
		{"million", million},
		{"giveback", giveBack},
		{"reading", reading},
		{"copying", copying},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	o := parse()
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench/vault: %v\n", err)
		os.Exit(1)
	}
}

func parse() options {
	var o options
	var only, clients string
	flag.StringVar(&only, "only", "", "pieces to measure: growth, growth-kept, growth-packed, phone, ingest, million, giveback, reading, copying; default: all")
	flag.StringVar(&clients, "clients", "russet,restic,borg,kopia", "programs to measure; figures of the others stay as they were")
	flag.BoolVar(&o.quick, "quick", false, "a small phone and few days; figures go to a folder of their own")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of what is timed; every program runs once a round")
	flag.StringVar(&o.work, "work", os.TempDir(), "scratch on the disk that is measured; up to 30 GB")
	flag.StringVar(&o.memory, "memory", "/dev/shm", "where the virtual iPhone lives; up to 4 GB")
	flag.StringVar(&o.results, "results", "", "where the figures of all pieces are kept; default: bench/vault/figures, or with -quick a folder below .cache")
	flag.StringVar(&o.out, "out", "", "write the tables between the markers of this Markdown file; default: standard output")
	flag.StringVar(&o.russet, "russet", "", "the russet to measure; default: one built from this folder")
	flag.BoolVar(&o.report, "report", false, "measure nothing, write what is known")
	flag.Parse()
	o.clients = strings.Split(clients, ",")
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	switch {
	case o.results != "":
	case o.quick:
		o.results = filepath.Join(".cache", "bench-vault-quick")
	default:
		o.results = filepath.Join("bench", "vault", "figures")
	}
	return o
}

// bench is what all pieces share.
type bench struct {
	options
	bin     string // our russet
	scratch string // on the disk
	fast    string // in memory
}

func run(ctx context.Context, o options) error {
	if !o.report {
		if err := measureAll(ctx, o); err != nil {
			return err
		}
	}
	text, err := report(o)
	if err != nil {
		return err
	}
	if o.out == "" {
		fmt.Print(text)
		return nil
	}
	return replaceBetween(o.out, "<!-- figures -->", "<!-- /figures -->", text)
}

func measureAll(ctx context.Context, o options) (err error) {
	b := &bench{options: o}
	if b.scratch, err = os.MkdirTemp(o.work, "russet-vault-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.scratch)) }()
	if b.fast, err = os.MkdirTemp(o.memory, "russet-vault-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.fast)) }()
	// The virtual iPhone lives in this process and edits databases in TMPDIR.
	if err := os.Setenv("TMPDIR", b.fast); err != nil {
		return err
	}
	if b.bin = o.russet; b.bin == "" && b.has("russet") {
		b.bin = filepath.Join(b.fast, "russet")
		if err := build(ctx, b.bin); err != nil {
			return err
		}
	}
	for _, p := range pieces() {
		if !wanted(o.only, p.name) {
			continue
		}
		progress("%s", p.name)
		if err := p.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// wanted finds "growth-kept" under "growth", too.
func wanted(only []string, name string) bool {
	return len(only) == 0 || slices.ContainsFunc(only, func(w string) bool {
		return w == name || strings.HasPrefix(name, w+"-")
	})
}

func (b *bench) has(client string) bool { return slices.Contains(b.clients, client) }

func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "-- "+format+"\n", args...)
}

// room makes an empty folder on the disk that is measured; leave it with the
// function that comes with it.
func (b *bench) room(name string) (dir string, leave func(), err error) {
	dir = filepath.Join(b.scratch, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, err
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil // measureAll removes what is left
}
