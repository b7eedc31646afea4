package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

// restoreFlags are what a person may want otherwise than Finder does it.
type restoreFlags struct {
	device, passwordFile                            string
	dryRun, first                                   bool
	noSystem, keepSettings, keepRest, stay, skipApp bool
	damaged                                         bool
}

func (a *app) restoreCommand() *cobra.Command {
	var f restoreFlags
	cmd := &cobra.Command{
		Use: "restore BACKUP --device DEVICE", Short: "put a backup onto a phone", GroupID: "backup",
		Long: `Puts a backup onto a phone, as Finder does: everything on the phone is replaced by what
the backup holds, and the phone restarts. Apps are downloaded again by the phone itself.
The phone must be unlocked, set up as far as its Home Screen, with Find My switched off
and an iOS that is not older than the backup's.

--dry-run looks at everything and changes nothing. --backup-first saves the phone's
present state before. An encrypted backup needs its password, which is checked here
before the phone is asked. Of a backup that is damaged an older one is better; with
--damaged it is restored all the same.` +
			exits(russet.Usage, russet.NotConnected, russet.NotTrusted, russet.Locked, russet.Password,
				russet.NoSpace, russet.Interrupted, russet.Busy, russet.Damaged, russet.Unsupported, russet.Stopped),
		Example:               "  russet restore latest --device \"Anna's new iPhone\"",
		DisableFlagsInUseLine: true,
		Args:                  needs(1, 1, "a BACKUP"), ValidArgsFunction: a.completeBackups,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.device == "" {
				return usage(`"russet devices" lists them`, "say onto which phone with --device DEVICE; a restore replaces what is on it")
			}
			return a.reading(cmd, f.passwordFile, func(ctx context.Context, h *host.Host) error {
				return a.restore(ctx, h, a.which(args[0], ""), f)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.device, "device", "", "the phone to restore: `DEVICE`")
	flags.BoolVar(&f.dryRun, "dry-run", false, "look at everything and change nothing")
	flags.BoolVar(&f.first, "backup-first", false, "back up the phone's present state before")
	flags.BoolVar(&f.noSystem, "no-system", false, "leave out system files and settings")
	flags.BoolVar(&f.keepSettings, "keep-settings", false, "keep the phone's present settings")
	flags.BoolVar(&f.damaged, "damaged", false, "also a backup of which something is missing")
	flags.BoolVar(&f.keepRest, "keep-rest", false, "keep what is on the phone and not in the backup")
	flags.BoolVar(&f.stay, "no-reboot", false, "do not restart the phone at the end")
	flags.BoolVar(&f.skipApp, "skip-apps", false, "do not have apps downloaded again")
	a.yesFlag(cmd)
	a.passwordFlag(cmd, &f.passwordFile)
	a.completeFlag(cmd, "device", a.completeDevices)
	return cmd
}

func (a *app) restore(ctx context.Context, h *host.Host, which host.Which, f restoreFlags) error {
	b, err := a.findForRestore(ctx, h, which, f.device)
	if err != nil {
		return err
	}
	opts := host.RestoreOptions{
		Backup: b, Device: f.device,
		System: !f.noSystem, PreserveSettings: f.keepSettings, RemoveNotRestored: !f.keepRest,
		Reboot: !f.stay, SkipApps: f.skipApp, Damaged: f.damaged,
	}
	looking := a.newProgress()
	if !a.json {
		opts.Progress = looking.run("")
	}
	plan, err := h.PlanRestore(ctx, opts)
	looking.end()
	if err != nil {
		return err
	}
	if f.dryRun {
		return a.printPlan(plan)
	}
	if !a.json {
		a.explainPlan(a.err, plan)
	}
	what := fmt.Sprintf("This replaces what is on %s by the backup of %s.", quoted(plan.Device.Name), moment(b.Time))
	if err := a.confirm(ctx, what); err != nil {
		return err
	}
	if err := a.saveFirst(ctx, h, plan, f.first); err != nil {
		return err
	}
	p := a.newProgress()
	opts.Progress = p.run(plan.Device.Name)
	result, err := h.Restore(ctx, opts)
	p.end()
	if err != nil {
		return err
	}
	return a.printRestored(plan, result)
}

// findForRestore lets "latest" mean the latest of the phone itself, when
// there are backups of several.
func (a *app) findForRestore(ctx context.Context, h *host.Host, which host.Which, device string) (russet.Backup, error) {
	b, err := h.FindBackup(ctx, which)
	if err != nil && which.Backup == host.Latest {
		which.Device = device
		if own, ownErr := h.FindBackup(ctx, which); ownErr == nil {
			return own, nil
		}
	}
	return b, err
}

// saveFirst backs up the phone's present state, if a person wants that.
func (a *app) saveFirst(ctx context.Context, h *host.Host, plan host.RestorePlan, wanted bool) error {
	if !wanted && !a.yes && a.asks {
		answer, err := a.question(ctx, fmt.Sprintf("Back up the present state of %s first? [Y/n] ", quoted(plan.Device.Name)))
		if err != nil {
			return err
		}
		wanted = answer == "" || answer[0] == 'y' || answer[0] == 'Y'
	}
	if !wanted {
		return nil
	}
	st, err := a.storeToWrite(ctx, h, plan.Device)
	if err != nil {
		return err
	}
	if err := h.ProtectFromBackup(ctx, plan); err != nil {
		return err
	}
	err = a.backupAll(ctx, h.Backup, []russet.Device{plan.Device}, []host.StoreSettings{st}, host.BackupOptions{})
	if e := host.Explain(ctx, err); e != nil && e.Kind == russet.Partial {
		a.warn("%s", e.What) // most of the phone is safe
		return nil
	}
	return err
}
