package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) backupCommand() *cobra.Command {
	var full bool
	var retry int
	var passwordFile string
	cmd := &cobra.Command{
		Use: "backup [DEVICE…]", Short: "back up phones", GroupID: "backup",
		Long: `Backs up phones. Without DEVICE all that are connected and trust this computer. The
phone usually asks for its passcode: unlock it and type it. Without --store it goes to the
first store of the phone's policy, or the first there is. An interrupted backup keeps
what was received, and the next one goes on from there; earlier backups stay as they are
until the new one is whole. When "russet serve" runs, it does the work.

Ctrl-C ends it cleanly, a second one at once. With --json every step is a line, and so is
the result of each phone.` +
			exits(russet.Usage, russet.Partial, russet.NotConnected, russet.NotTrusted, russet.Locked,
				russet.NoSpace, russet.Interrupted, russet.Busy, russet.Damaged, russet.Unsupported, russet.Stopped),
		Example: "  russet backup\n  russet backup \"Anna's iPhone\" --retry 3",
		Args:    needs(0, -1, ""), ValidArgsFunction: a.completeDevices,
		RunE: func(cmd *cobra.Command, args []string) error {
			if retry < 0 {
				return usage("for example --retry 3", "--retry cannot be negative")
			}
			w, err := a.backupWay(cmd.Context(), passwordFile)
			if err != nil {
				return err
			}
			defer w.close()
			devices, left, err := w.connected(cmd.Context(), args)
			if err != nil {
				return err
			}
			for _, d := range left {
				a.warn("%s is left out: %s", quoted(d.Name), d.Problem)
			}
			stores := make([]host.StoreSettings, len(devices))
			for i, d := range devices {
				if stores[i], err = a.storeToWrite(cmd.Context(), a.opened, d); err != nil {
					return err
				}
			}
			return a.backupAll(cmd.Context(), w.backUp, devices, stores, host.BackupOptions{Full: full, Retry: retry})
		},
	}
	cmd.Flags().BoolVar(&full, "full", false, "let the phone send everything again")
	cmd.Flags().IntVar(&retry, "retry", 0, "try again up to `N` times when the link breaks or nobody types the passcode")
	a.passwordFlag(cmd, &passwordFile)
	return cmd
}

// resultJSON is the line that ends a run.
type resultJSON struct {
	Type string `json:"type"`
	host.BackupResult
	Error *errorJSON `json:"error"` // null when all is well
}

// backupAll runs one backup per device, each to its store, side by side.
func (a *app) backupAll(ctx context.Context, backUp backUp, devices []russet.Device, stores []host.StoreSettings, opts host.BackupOptions) error {
	p := a.newProgress()
	results := make([]host.BackupResult, len(devices))
	errs := make([]error, len(devices))
	var all sync.WaitGroup
	for i, d := range devices {
		o := opts
		o.Device, o.Store, o.Progress = d, stores[i], p.run(d.Name)
		all.Go(func() { results[i], errs[i] = backUp(ctx, o) })
	}
	all.Wait()
	p.end()
	var failed []error
	for i, d := range devices {
		if err := a.backupDone(ctx, d, results[i], errs[i], len(devices) > 1); err != nil {
			failed = append(failed, err)
		}
	}
	return worstOf(failed)
}

// worstOf is the error that decides the exit status: that of the first device
// that has no new backup, else that of the first with files missing.
func worstOf(errs []error) error {
	var partial error
	for _, err := range errs {
		if q, ok := errors.AsType[quiet](err); !ok || q.kind != russet.Partial {
			return err
		}
		partial = err
	}
	return partial
}

// backupDone says how a run ended. Of several devices each says its own error;
// of one it is said like any other.
func (a *app) backupDone(ctx context.Context, d russet.Device, r host.BackupResult, err error, several bool) error {
	e := host.Explain(ctx, err)
	if a.json {
		line := resultJSON{Type: "result", BackupResult: r}
		if e != nil {
			line.Error = newErrorJSON(e)
		}
		if err := writeJSON(a.out, line); err != nil {
			return err
		}
	} else {
		a.printResult(d, r)
	}
	switch {
	case e == nil:
		return nil
	case !several && !a.json:
		return e
	case !a.json:
		a.say(&russet.Error{Kind: e.Kind, Doing: d.Name, What: e.Error(), Hint: e.Hint})
	}
	return quiet{e.Kind}
}

func (a *app) printResult(d russet.Device, r host.BackupResult) {
	if b := r.Backup; b != nil {
		took := r.Run.End.Sub(r.Run.Start)
		fmt.Fprintf(a.out, "%s is backed up: %s in %s; new: %s in %s, %s. Backup %s in store %s.\n",
			quoted(d.Name), size(b.Size), many(b.Files, "file"), size(r.Run.Received), many(r.Run.Files, "file"),
			span(took), shortID(b.ID), b.Store)
		if !b.Encrypted {
			a.warn("the backup is not encrypted: saved logins, Wi-Fi, Health and call history stay out of it (russet encryption on)")
		}
	}
	for _, n := range r.Notes {
		a.warn("%s", n)
	}
	for _, p := range r.Run.Unread {
		fmt.Fprintf(a.err, "not read: %s\n", problemText(p))
	}
}
