// Package cli is the command line of russet: it reads what a person typed,
// asks internal/host to do it, and says what happened.
//
// One file holds one command. Results go to standard output, everything else
// to standard error; exit statuses are those of russet.Kind.
package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
)

// softMemory is where the garbage collector begins to work harder. It is above
// what any usual run takes, and lets a phone of a million files stay below
// 200 MiB.
const softMemory = 150 << 20

// Main runs russet with the process's own arguments, streams and environment,
// and returns its exit status.
func Main() int {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	a := &app{terminal: newTerminal(os.Getenv), getenv: os.Getenv}
	a.stopOnSignal(cancel)
	return a.run(ctx, os.Args[1:])
}

// app is one run of the program.
type app struct {
	*terminal
	getenv func(string) string

	json   bool
	yes    bool
	debug  bool
	frugal bool // take less memory
	store  string
	// vaultFile holds the password of the vault at hand.
	vaultFile string

	opened *host.Host
	log    *slog.Logger // of the service; nil for other commands
	// patient says that waiting for Ctrl-C is all there is to do.
	patient atomic.Bool
	// unattended says that nobody is to be asked for anything any more.
	unattended atomic.Bool
}

// run executes one command line.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		a.asks = false // a person who presses Tab is not asked for a password
	}
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		a.wake(ctx, cmd)
	}
	if a.opened != nil {
		if closeErr := a.opened.Close(); err == nil {
			err = closeErr
		}
	}
	if err == nil {
		return 0
	}
	return a.fail(ctx, err)
}

// stopOnSignal makes the first Ctrl-C a wish and the second an order.
func (a *app) stopOnSignal(cancel context.CancelCauseFunc) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as by nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		<-signals
		if !a.patient.Load() {
			fmt.Fprintln(a.err, "\nrusset: stopping (again to stop at once)")
		}
		host.Stop(cancel)
		<-signals
		os.Exit(int(russet.Stopped))
	}()
}

// host opens the mind behind the commands.
func (a *app) host() (*host.Host, error) {
	if a.opened != nil {
		return a.opened, nil
	}
	place, err := home.Find(a.getenv)
	if err != nil {
		return nil, err
	}
	a.opened = host.Open(host.Options{
		Home: place, Mux: a.getenv("USBMUXD_SOCKET_ADDRESS"),
		PasswordFile: a.getenv("RUSSET_BACKUP_PASSWORD_FILE"), Vaults: a.vaultAnswers(), Log: a.logger(),
		LowMemory: a.frugal,
	})
	if a.frugal {
		debug.SetGCPercent(25)
	}
	return a.opened, nil
}

func (a *app) logger() *slog.Logger {
	if a.log != nil {
		return a.log
	}
	if !a.debug {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// root builds the tree of commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "russet",
		Short: "back up iPhones and iPads without Apple's software",
		Long: `russet backs up iPhones and iPads without Apple's software, keeps every backup
and gives it back: to a phone, to a folder that Finder accepts, or file by file.

No phone at hand? "russet demo" shows it all with a virtual one.
Otherwise plug it in and type "russet pair", then "russet backup".

DEVICE is a UDID, the beginning of one, or the device's name.
BACKUP is an ID, the beginning of one, or "latest".`,
		Version:       russet.Version,
		SilenceErrors: true, SilenceUsage: true,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := root.PersistentFlags()
	flags.BoolVar(&a.json, "json", false, "print results (and errors) as JSON")
	flags.StringVar(&a.store, "store", "", "the store to work with: `NAME` (the only one is the default)")
	flags.StringVar(&a.vaultFile, "vault-password-file", "", "the `FILE` whose first line is the password of the vault (- reads standard input)")
	flags.BoolVar(&a.frugal, "low-memory", false, "take less memory, at some speed (for vaults)")
	flags.BoolVar(&a.debug, "debug", false, "say what happens behind the scenes")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(fmt.Sprintf("%q shows its flags", cmd.CommandPath()+" --help"), "%s", err)
	})
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetVersionTemplate("russet {{.Version}}\n")
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g[0], Title: g[1]})
	}
	root.AddCommand(a.commands()...)
	a.finish(root)
	if err := root.RegisterFlagCompletionFunc("store", a.completeStores); err != nil {
		panic("cli: " + err.Error())
	}
	return root
}

// finish gives the commands that cobra adds, and its help, our words.
func (a *app) finish(root *cobra.Command) {
	root.SetHelpCommandGroupID("about")
	root.SetCompletionCommandGroupID("about")
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Short = "explain a command"
		case "completion":
			c.Short = "write what a shell needs to complete your words"
		}
	}
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), usageOfCobra, usageOfOurs, 1))
}

// worksAlone marks a command that holds others and does something without them.
const worksAlone = "alone"

// cobra shows commands that only hold others as if they also did something.
const (
	usageOfCobra = "{{if .Runnable}}\n  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}\n  {{.CommandPath}} [command]{{end}}"
	usageOfOurs  = "{{if .HasAvailableSubCommands}}{{if .Annotations.alone}}\n  {{.CommandPath}}{{end}}\n  {{.CommandPath}} COMMAND{{else}}\n  {{.UseLine}}{{end}}"
)

// groups order the commands in the help.
var groups = [][2]string{
	{"phone", "Phones:"},
	{"backup", "Backups:"},
	{"self", "By itself:"},
	{"inside", "Inside a backup:"},
	{"trust", "Is it good?"},
	{"about", "About:"},
}

// unknownCommand is the Args of commands that only hold others.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := fmt.Sprintf("%q lists the commands", cmd.CommandPath()+" --help")
	cmd.SuggestionsMinimumDistance = 1
	if len(args[0]) > 4 {
		cmd.SuggestionsMinimumDistance = 2
	}
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		path := cmd.CommandPath() + " "
		hint = fmt.Sprintf(`did you mean "%s"?`, path+strings.Join(similar, `" or "`+path))
	}
	return usage(hint, "%q is not a command of %s", args[0], cmd.CommandPath())
}

// needs is the Args of commands: how many words they take, said in words.
func needs(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && (most < 0 || len(args) <= most) {
			return nil
		}
		problem := "something is missing"
		if len(args) > least {
			problem = fmt.Sprintf("%q is too much", args[most])
		}
		return usage(fmt.Sprintf("the form is: %s", cmd.UseLine()), "%s: it needs %s", problem, what)
	}
}

// exits renders the exit statuses of a command for its help.
func exits(kinds ...russet.Kind) string {
	var b strings.Builder
	b.WriteString("\n\nExit status:\n")
	for _, k := range append([]russet.Kind{0, russet.Failed}, kinds...) {
		_, help := kindName(k)
		fmt.Fprintf(&b, "  %3d  %s\n", int(k), help)
	}
	return strings.TrimRight(b.String(), "\n")
}
