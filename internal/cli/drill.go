package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) drillCommand() *cobra.Command {
	var device, passwordFile string
	cmd := &cobra.Command{
		Use: "drill BACKUP", Short: "prove that a backup can be restored, on a virtual iPhone", GroupID: "trust",
		Long: `Restores a backup onto an empty virtual iPhone inside this program and compares every file
the phone received with the backup. No phone is needed and nothing is changed. A dated
report is kept. An encrypted backup needs its password.` +
			exits(russet.Usage, russet.Password, russet.Damaged, russet.Stopped),
		Example: "  russet drill latest",
		Args:    needs(1, 1, "a BACKUP"), ValidArgsFunction: a.completeBackups,
		RunE: func(cmd *cobra.Command, args []string) error {
			var report host.DrillReport
			err := a.reading(cmd, passwordFile, func(ctx context.Context, h *host.Host) error {
				b, err := h.FindBackup(ctx, a.which(args[0], device))
				if err != nil {
					return err
				}
				p := a.newProgress()
				defer p.end()
				report, err = a.drill(ctx, h, b, p.run("drill"))
				return err
			})
			if err != nil {
				return err
			}
			return a.printDrill(report)
		},
	}
	a.deviceFlag(cmd, &device)
	a.passwordFlag(cmd, &passwordFile)
	return cmd
}

func (a *app) drill(ctx context.Context, h *host.Host, b russet.Backup, show func(russet.Event)) (report host.DrillReport, err error) {
	phone, off, err := newDrillPhone(ctx, b, a.logger())
	if err != nil {
		return report, fmt.Errorf("switch on a virtual iPhone: %w", err)
	}
	defer func() { err = errors.Join(err, off()) }()
	return h.Drill(ctx, b, phone, show)
}

func (a *app) printDrill(r host.DrillReport) error {
	var err error
	if a.json {
		err = writeJSON(a.out, struct {
			Type string `json:"type"`
			host.DrillReport
		}{"result", r})
	} else {
		if r.Good {
			fmt.Fprintf(a.out, "This backup restores: %s\n%s, %s arrived on a virtual iPhone, each compared byte for byte.\n",
				backupText(r.Backup), many(r.Files, "file"), size(r.Bytes))
		}
		for _, p := range r.Problems {
			fmt.Fprintf(a.out, "  %s\n", problemText(p))
		}
		for _, n := range r.Notes {
			a.warn("%s", n)
		}
		fmt.Fprintf(a.out, "The report is %s\n", r.Path)
	}
	if err == nil && !r.Good {
		err = &russet.Error{
			Kind: russet.Damaged, What: fmt.Sprintf("the drill failed: %s with backup %s", many(len(r.Problems), "problem"), shortID(r.Backup.ID)),
			Hint: fmt.Sprintf("see what is wrong with it: russet verify %s --full", shortID(r.Backup.ID)),
		}
	}
	return err
}
