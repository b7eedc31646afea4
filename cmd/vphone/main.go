// Command vphone makes virtual iPhones and plugs them into a usbmuxd of its
// own, for tests and demonstrations of programs that speak to real ones.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `vphone is an iPhone without a phone: it can be paired with, looked at, backed
up and restored by any program that speaks to iPhones through usbmuxd.

Usage:
  vphone make DIR              make a phone in a folder
  vphone serve [DIR...]        plug phones into a usbmuxd and keep it running
  vphone ctl SOCKET COMMAND    do to a running phone what its owner would do
  vphone churn DIR             live a day: messages, photos, deleted files
  vphone compare DIR DIR       tell what two phones hold differently

  vphone COMMAND -h            everything about a command

A minute's walk:
  vphone make /tmp/phone
  vphone serve /tmp/phone --socket /tmp/usbmuxd --control /tmp/control &
  export USBMUXD_SOCKET_ADDRESS=UNIX:/tmp/usbmuxd
  idevicepair pair && idevicebackup2 backup --full /tmp/backups
  vphone ctl /tmp/control unplug
`

// A command is one of those above.
type command struct {
	name string
	run  func(ctx context.Context, args []string, out io.Writer) error
}

func commands() []command {
	return []command{
		{"make", runMake},
		{"serve", runServe},
		{"ctl", runCtl},
		{"churn", runChurn},
		{"compare", runCompare},
	}
}

// errUsage is an error that was explained already.
var errUsage = errors.New("wrong usage")

// errDiffer is the result of a comparison.
var errDiffer = errors.New("the phones differ")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit status: 0 done, 1 failed or different, 2 wrong usage.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(errOut, usage)
		return 2
	}
	switch args[0] {
	case "-h", "--help", "help":
		fmt.Fprint(out, usage)
		return 0
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, args[1:], out)
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return 0
		case errors.Is(err, errUsage):
			fmt.Fprintf(errOut, "vphone: %v\n", err)
			return 2
		}
		fmt.Fprintf(errOut, "vphone: %v\n", err)
		return 1
	}
	fmt.Fprintf(errOut, "vphone: there is no command %q\n\n%s", args[0], usage)
	return 2
}

// newFlags prints help to the command's output, under its own text.
func newFlags(name, help string, out io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {
		flags.SetOutput(out)
		fmt.Fprint(out, help)
		flags.PrintDefaults()
		flags.SetOutput(io.Discard)
	}
	return flags
}

// parse reads flags and arguments in any order, and counts the arguments; a
// negative most means any number.
func parse(flags *flag.FlagSet, args []string, least, most int) ([]string, error) {
	var words []string
	for {
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, fmt.Errorf("%w of %s: %w", errUsage, flags.Name(), err)
		}
		if flags.NArg() == 0 {
			break
		}
		words = append(words, flags.Arg(0))
		args = flags.Args()[1:]
	}
	if len(words) < least || most >= 0 && len(words) > most {
		return nil, fmt.Errorf("%w of %s: %d arguments; see vphone %s -h", errUsage, flags.Name(), len(words), flags.Name())
	}
	return words, nil
}
