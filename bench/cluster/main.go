//go:build linux

// Command cluster runs several hosts at once against a distributed object
// store and kills its nodes in mid-backup:
//
//	go run ./bench/cluster -garage PATH -out docs/scale.md
//
// The object store is Garage, four nodes on this machine, every object on
// three of them. Each host is the russet a user gets, as processes of its own
// with a home of its own, and backs up a virtual iPhone into one vault that all
// share. Whatever was reported done must verify, and its export must be the
// phone as it was; what was interrupted must be taken up again. What each kind
// of run asks of the object store is counted on the way. docs/scale.md says how
// to install Garage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"russet/vphone"
)

type options struct {
	garage, russet, work, out string
	hosts, nodes              int
	files                     int
	size, messages, film      int64
	durable, keep             bool
	only, match               string
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == indexChildFlag {
		if err := lookInside(context.Background(), os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	flag.StringVar(&o.garage, "garage", "garage", "the object store's program")
	flag.StringVar(&o.russet, "russet", "", "the russet to try; default: built from here")
	flag.StringVar(&o.work, "work", os.TempDir(), "where the nodes, phones and homes lie")
	flag.StringVar(&o.out, "out", "", "write the tables between the markers of this Markdown file; default: standard output")
	flag.IntVar(&o.hosts, "hosts", 4, "hosts, each with a phone")
	flag.IntVar(&o.nodes, "nodes", 4, "nodes of the object store, at least 4")
	flag.IntVar(&o.files, "files", 3000, "files on a phone")
	flag.Int64Var(&o.size, "size", 300e6, "bytes on a phone")
	flag.Int64Var(&o.messages, "messages", 40e6, "bytes of its message database")
	flag.Int64Var(&o.film, "film", 60e6, "bytes that are filmed every day")
	flag.BoolVar(&o.durable, "durable", true, "nodes wait for their disks, as against a power cut")
	flag.BoolVar(&o.keep, "keep", false, "keep the folder afterwards")
	flag.StringVar(&o.only, "only", "", "only the \"evenings\", in which something breaks, or only the \"costs\" of what is undisturbed")
	flag.StringVar(&o.match, "evening", "", "after the first only evenings with this in their name")
	var index string
	flag.StringVar(&index, "index", "", "instead of all this: what the index of a vault costs, for so many chunks (\"10000,1000000\")")
	flag.Parse()
	var err error
	if index != "" {
		err = runIndex(ctx, o, index)
	} else {
		err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		os.Exit(1)
	}
}

func runIndex(ctx context.Context, o options, list string) error {
	var sizes []int
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil {
			return err
		}
		sizes = append(sizes, n)
	}
	work, err := os.MkdirTemp(o.work, "russet-index-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	table, err := indexTable(ctx, work, sizes)
	fmt.Print(table)
	return err
}

func run(ctx context.Context, o options) (err error) {
	work, err := os.MkdirTemp(o.work, "russet-cluster-")
	if err != nil {
		return err
	}
	if !o.keep {
		defer os.RemoveAll(work)
	}
	fmt.Fprintf(os.Stderr, "in %s\n", work)
	l, err := newLab(ctx, o, work)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	err = l.everything(ctx)
	// What was measured before something failed is worth reading.
	return errors.Join(err, l.publish(context.WithoutCancel(ctx)))
}

// newLab starts the cluster, the phones and the hosts.
func newLab(ctx context.Context, o options, work string) (_ *lab, err error) {
	l := &lab{options: o, work: work, started: time.Now()}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if o.russet == "" {
		l.russet = filepath.Join(work, "russet")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", l.russet, "russet/cmd/russet").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build russet: %w\n%s", err, out)
		}
	}
	l.password = filepath.Join(work, "vault-password")
	if err := os.WriteFile(l.password, []byte("the household's vault\n"), 0o600); err != nil {
		return nil, err
	}
	if l.cluster, err = startCluster(ctx, o.garage, work, o.nodes, o.durable); err != nil {
		return nil, err
	}
	key, err := vphone.NewKey()
	if err != nil {
		return nil, err
	}
	for i := range o.hosts {
		if err := l.addHost(ctx, i, key); err != nil {
			return nil, err
		}
	}
	return l, nil
}
